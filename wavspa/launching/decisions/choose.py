"""Choosing a temperature and a threshold, on the validation split or as typed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wavspa.checks import OptionError, one_of
from wavspa.errors import UserError
from wavspa.launching.decisions.decision import Decision

FIT = "fit"
BEST = "best:"
AIMS = ("f1", "mcc", "balanced_accuracy")
"""The scores that a threshold may maximize: F1 of class 1, Matthews' correlation, balanced accuracy."""

WORDS = ("threshold", "temperature")
# The range of temperatures that is searched, as powers of e: 0.01 to 100.
_BOUNDS = (np.log(0.01), np.log(100.0))


def check_words(words: Mapping[str, str], classes: int | None) -> None:
    """Refuse words that cannot be a threshold or a temperature.

    Args:
        words: The words of :data:`WORDS` that were typed.
        classes: The run's number of classes; None if it does not classify.

    Raises:
        UserError: A word cannot be used.
    """
    if words and classes is None:
        raise UserError(f"{next(iter(words))}= is for runs that classify, which this one does not")
    if (temperature := words.get("temperature")) is not None:
        _number_or("temperature", temperature, FIT)
    if (threshold := words.get("threshold")) is not None:
        if classes != 2:
            raise UserError(f"threshold= is for two classes, but this run has {classes}")
        if threshold.startswith(BEST):
            one_of("threshold", threshold, [f"{BEST}{aim}" for aim in AIMS])
        else:
            _number_or("threshold", threshold, f"{BEST}{AIMS[0]}", below=1.0)


def needs_validation(words: Mapping[str, str]) -> bool:
    """Whether the words leave something to choose on the validation split."""
    return words.get("temperature") == FIT or words.get("threshold", "").startswith(BEST)


def choose(
    words: Mapping[str, str],
    step: int,
    names: Sequence[str],
    validation: tuple[np.ndarray, np.ndarray] | None,
) -> Decision:
    """Decide as typed: first the temperature, then the threshold for the probabilities at that temperature.

    Args:
        words: The words of :data:`WORDS` that were typed, checked.
        step: The step of the checkpoint.
        names: The names of the classes.
        validation: The logits [n, C] and labels [n] of the validation split, if they are needed.

    Raises:
        UserError: No best temperature exists, or the validation split has only one class.
    """
    decision = Decision(words=dict(words), step=step)
    facts: dict[str, Any] = {}
    logits, labels = validation or (np.empty((0, 2)), np.empty(0, dtype=np.int64))
    if validation is not None:
        facts = {"split": "val", "examples": len(labels)}
    if word := words.get("temperature"):
        found = fit_temperature(logits, labels) if word == FIT else float(word)
        decision = decision._replace(temperature=found)
    if word := words.get("threshold"):
        if word.startswith(BEST):
            scores = decision.probabilities(logits)[:, 1]
            aim = word.removeprefix(BEST)
            threshold, facts[aim] = best_threshold(scores, labels, aim, names)
        else:
            threshold = float(word)
        decision = decision._replace(threshold=threshold)
    return decision._replace(facts=facts)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature between 0.01 and 100 at which the likelihood of the labels is highest.

    Args:
        logits: [n, C].
        labels: [n].

    Raises:
        UserError: There is none, since lower, or higher, is always better.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(labels))
    if (logits[rows, labels] == logits.max(axis=1)).all():
        raise UserError(
            f"temperature={FIT}: all {len(labels)} predictions on val are correct, so that no temperature "
            "is too low: set a number"
        )

    def loss(power: float) -> float:
        return -float(log_softmax(logits / np.exp(power), axis=1)[rows, labels].mean())

    found = minimize_scalar(loss, bounds=_BOUNDS, method="bounded", options={"xatol": 1e-8})
    if min(abs(found.x - bound) for bound in _BOUNDS) < 1e-3:
        raise UserError(
            f"temperature={FIT}: no temperature between 0.01 and 100 is the best for the {len(labels)} "
            "predictions on val, which are unrelated to their labels: set a number"
        )
    return float(np.exp(found.x))


def best_threshold(
    scores: np.ndarray, labels: np.ndarray, aim: str, names: Sequence[str] = ("0", "1")
) -> tuple[float, float]:
    """The threshold with the best score, halfway between the two adjacent probabilities.

    If several are equally good, the highest is returned.

    Args:
        scores: The probability [n] of class 1.
        labels: [n], 0 or 1.
        aim: The score, one of :data:`AIMS`.
        names: The names of the classes.

    Returns:
        The threshold, and the score at it.

    Raises:
        UserError: All labels belong to one class.
    """
    from sklearn.metrics import roc_curve

    present = np.unique(labels)
    if len(present) < 2:
        raise UserError(
            f"threshold={BEST}{aim} needs both classes in val, where all {len(labels)} examples are "
            f"{names[int(present[0])]!r}: set a number"
        )
    wrong, found, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    # The first point is the one without any positive prediction.
    wrong, found, thresholds = wrong[1:], found[1:], thresholds[1:]
    positives = int(labels.sum())
    values = _scores(
        aim, found * positives, wrong * (len(labels) - positives), positives, len(labels)
    )
    best = int(np.argmax(np.round(values, 12)))
    below = thresholds[best + 1] if best + 1 < len(thresholds) else 0.0
    return float((float(thresholds[best]) + float(below)) / 2), float(values[best])


def _scores(
    aim: str, found: np.ndarray, wrong: np.ndarray, positives: int, examples: int
) -> np.ndarray:
    """A score at each threshold, from the numbers of true and false positives."""
    negatives, chosen = examples - positives, found + wrong
    if aim == "f1":
        return np.asarray(2 * found / (chosen + positives))
    if aim == "balanced_accuracy":
        return np.asarray((found / positives + (negatives - wrong) / negatives) / 2)
    spread = np.sqrt(float(positives) * negatives * chosen * (examples - chosen))
    return np.asarray(
        (found * negatives - wrong * positives) / np.where(spread > 0, spread, np.inf)
    )


def _number_or(option: str, word: str, name: str, below: float | None = None) -> None:
    """Refuse a word that is neither ``name`` nor a number above 0."""
    if word == name:
        return
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not 0 < value < (below or float("inf")):
        span = "a number above 0" if below is None else f"a number between 0 and {below:g}"
        raise OptionError(option, f" must be {span} or {name}, got {word!r}")
