"""Examples held out of train, where a data set has no validation or test split."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from pathlib import Path

import numpy as np

from wavspa.checks import share
from wavspa.errors import UserError


def shares_of(val_share: float, test_share: float, given: Collection[str]) -> dict[str, float]:
    """The share of train that is held out for each split that is not given.

    Args:
        val_share: Share of val.
        test_share: Share of test.
        given: The splits that are not held out.

    Raises:
        UserError: A share is impossible, or they leave nothing of train.
    """
    shares = {"val": share("val_share", val_share), "test": share("test_share", test_share)}
    shares = {split: of for split, of in shares.items() if split not in given}
    if sum(shares.values()) >= 1:
        raise UserError(
            f"dataset.val_share={val_share} and dataset.test_share={test_share} leave nothing of train"
        )
    return shares


def hold_out(
    labels: Sequence[int] | np.ndarray,
    share: float,
    seed: int,
    groups: Sequence[Hashable] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Divide examples in two, each label in the same proportion, each group on one side.

    The held-out side has ``share`` of the examples, rounded, and of each label its part up to one
    example; with groups it may stay below that, since a group is never cut. No label loses its last
    example to it.

    Args:
        labels: [examples] integers that count from 0.
        share: Share of the examples that are held out, between 0 and 1.
        seed: The only source of randomness; the order of the examples matters as well.
        groups: [examples] examples with equal values stay together.

    Returns:
        The indices that are kept and those that are held out, each in increasing order.

    Raises:
        UserError: There are too few examples to hold any out.
    """
    labels = np.asarray(labels)
    rng = np.random.default_rng(seed)
    wanted = _wanted(np.bincount(labels), share)
    if groups is None:
        order = rng.permutation(len(labels))
        chosen = [order[labels[order] == label][:count] for label, count in enumerate(wanted)]
        held = np.concatenate(chosen)
    else:
        held = _whole_groups(labels, groups, wanted, rng)
    if not len(held):
        raise UserError(_why_none(labels, groups))
    is_held = np.zeros(len(labels), dtype=bool)
    is_held[held] = True
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)


def divide(
    labels: np.ndarray,
    groups: Sequence[Hashable],
    shares: Mapping[str, float],
    seed: int,
    path: Path,
    test: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Which examples of train make up train, and each split without a file.

    Args:
        labels: [examples] integers that count from 0.
        groups: [examples] examples with equal values stay together.
        shares: Shares of the examples, for each split that is held out.
        seed: See :func:`hold_out`.
        path: How messages name train.
        test: [examples] bool, those that are test at any share.

    Returns:
        [examples] bool of each split, train the last.

    Raises:
        UserError: There are too few examples to hold any out.
    """
    kept = {} if test is None else {"test": test}
    rest = np.arange(len(labels)) if test is None else np.flatnonzero(~test)
    for split, of in shares.items():
        share_of_rest = of * len(labels) / len(rest)
        try:
            stay, leave = hold_out(
                labels[rest], share_of_rest, seed, [groups[number] for number in rest.tolist()]
            )
        except UserError as error:
            raise UserError(f"{path}: {error}; name a file with dataset.{split}=…") from error
        kept[split] = np.isin(np.arange(len(labels)), rest[leave])
        rest = rest[stay]
    return {**kept, "train": np.isin(np.arange(len(labels)), rest)}


def folds_of(
    labels: Sequence[int] | np.ndarray, count: int, seed: int, groups: Sequence[Hashable]
) -> np.ndarray:
    """The fold of each example, [examples] counted from 0: each label in equal parts, each group in one fold.

    Args:
        labels: [examples] integers that count from 0.
        count: Number of folds.
        seed: The only source of randomness; the order of the examples matters as well.
        groups: [examples] examples with equal values stay together.

    Raises:
        UserError: A fold would be empty, or hold all examples of a label.
    """
    labels = np.asarray(labels)
    members = _members(groups)
    # Large groups first, while small ones can still even out what they take.
    shuffled = np.random.default_rng(seed).permutation(len(members))
    order = sorted(shuffled, key=lambda group: -len(members[group]))
    filled = np.zeros((count, labels.max() + 1), dtype=np.int64)
    fold_of = np.empty(len(labels), dtype=np.int64)
    for group in order:
        of_group = np.bincount(labels[members[group]], minlength=filled.shape[1])
        # Where its labels are rarest; among those, where the fewest examples are.
        fold = np.lexsort((filled.sum(axis=1), filled @ of_group))[0]
        filled[fold] += of_group
        fold_of[members[group]] = fold
    if not filled.any(axis=1).all():
        raise UserError(f"only {len(members)} of the examples differ: too few for {count} folds")
    of_each = filled.sum(axis=0)
    if ((filled == of_each) & (of_each > 0)).any():
        raise UserError("a fold would hold all examples of a label, and leave none to train on")
    return fold_of


def _members(groups: Sequence[Hashable]) -> list[np.ndarray]:
    """The examples of each group, groups in the order in which they come."""
    numbers: dict[Hashable, int] = {}
    group_of = np.array([numbers.setdefault(group, len(numbers)) for group in groups])
    rows = np.argsort(group_of, kind="stable")
    return np.split(rows, np.cumsum(np.bincount(group_of))[:-1])


def _why_none(labels: np.ndarray, groups: Sequence[Hashable] | None) -> str:
    counts = np.bincount(labels)
    none = f"none of {len(labels)} examples can be held out"
    if counts.max() < 2:
        return f"{none}: each label occurs once, and none may lose its last example"
    if groups is not None and (different := len(set(groups))) < len(labels):
        return (
            f"{none}: only {different} of the examples differ, equal ones stay together, and each "
            "set of them is larger than what is to be held out of its label"
        )
    return f"{none}: they are too few"


def _wanted(counts: np.ndarray, share: float) -> np.ndarray:
    """How many examples of each label to hold out: the largest remainders are rounded up."""
    exact = np.minimum(counts * share, np.maximum(counts - 1, 0))
    wanted: np.ndarray = np.floor(exact).astype(np.int64)
    missing = max(1, round(counts.sum() * share)) - wanted.sum()
    room = wanted < counts - 1
    order = np.argsort(np.where(room, wanted - exact, np.inf), kind="stable")
    wanted[order[: min(missing, room.sum())]] += 1
    return wanted


def _whole_groups(
    labels: np.ndarray, groups: Sequence[Hashable], wanted: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Examples of groups that are taken in random order, as long as no label exceeds its part."""
    members = _members(groups)
    open_part = wanted.copy()
    held = [np.empty(0, dtype=np.int64)]
    for group in rng.permutation(len(members)):
        counts = np.bincount(labels[members[group]], minlength=len(wanted))
        if (counts <= open_part).all():
            open_part -= counts
            held.append(members[group])
    return np.concatenate(held)
