import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavspa.data.preparation.holdout import hold_out
from wavspa.errors import UserError

label_lists = st.lists(st.integers(0, 4), min_size=20, max_size=200)
shares = st.floats(0.05, 0.5)
seeds = st.integers(0, 2**32)


@given(label_lists, shares, seeds)
def test_every_example_is_on_one_side(labels: list[int], share: float, seed: int) -> None:
    kept, held = hold_out(labels, share, seed)
    assert sorted([*kept, *held]) == list(range(len(labels)))
    assert sorted(kept) == kept.tolist()
    assert sorted(held) == held.tolist()


@given(label_lists, shares, seeds)
def test_labels_keep_their_proportion(labels: list[int], share: float, seed: int) -> None:
    kept, held = hold_out(labels, share, seed)
    counts, held_counts = (
        np.bincount(np.array(labels)[rows]) for rows in (np.arange(len(labels)), held)
    )
    assert set(np.array(labels)[kept]) == set(labels)
    for label, count in enumerate(held_counts):
        assert count <= max(1, np.ceil(share * counts[label]))
    if min(count for count in counts if count) > 20:
        assert len(held) == round(share * len(labels))


def test_sizes_are_exact() -> None:
    labels = [0] * 12_500 + [1] * 12_500
    kept, held = hold_out(labels, 0.1, seed=0)
    assert (len(kept), len(held)) == (22_500, 2_500)
    assert np.bincount(np.array(labels)[held]).tolist() == [1_250, 1_250]


def test_rare_labels_stay_but_something_is_held_out() -> None:
    _, held = hold_out([0, 1, 2, 3, 3], 0.1, seed=0)
    assert len(held) == 1
    assert held[0] in (3, 4)


def test_the_seed_is_the_only_chance() -> None:
    labels = np.arange(1000) % 3
    assert (hold_out(labels, 0.1, 1)[1] == hold_out(labels, 0.1, 1)[1]).all()
    assert (hold_out(labels, 0.1, 1)[1] != hold_out(labels, 0.1, 2)[1]).any()


@given(st.integers(0, 100))
def test_groups_stay_together(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = [f"group {number}" for number in rng.integers(0, 150, 400)]
    labels = rng.integers(0, 2, 400)
    kept, held = hold_out(labels, 0.2, seed, groups)
    assert sorted([*kept, *held]) == list(range(400))
    assert not {groups[i] for i in kept} & {groups[i] for i in held}
    assert 70 <= len(held) <= 80
    assert np.bincount(labels[held]).max() <= np.ceil(0.2 * np.bincount(labels).max())


@pytest.mark.parametrize("groups", [None, [7, 7]])
def test_too_few_to_hold_out(groups: list[int] | None) -> None:
    labels = [0, 1] if groups is None else [0, 0]
    why = "each label occurs once" if groups is None else "only 1 of the examples differ"
    with pytest.raises(UserError, match=f"none of 2 examples can be held out: {why}"):
        hold_out(labels, 0.1, 0, groups)
