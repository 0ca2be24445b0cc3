"""The scores of many resamples at once; scikit-learn would take a second for a hundred of them.

``tests/reports/scores`` compares each with :func:`~wavspa.reports.scores.classification.scores_of`.
"""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from wavspa.reports.scores.classification import (
    BINS,
    Answers,
    Scores,
    mean_where_defined,
    of_ranking,
)

SEED = 1
# Largest number of values of one array in memory at a time.
_CHUNK = 2_000_000


def draws(examples: int, resamples: int) -> Iterator[np.ndarray]:
    """How often each example occurs in each resample, float64 [r, n], a bounded number at a time.

    The same numbers draw the same resamples, on any machine.

    Args:
        examples: n.
        resamples: Their total number.
    """
    rng = np.random.default_rng(SEED)
    most = max(1, _CHUNK // examples)
    for start in range(0, resamples, most):
        rows = min(most, resamples - start)
        drawn = (rng.integers(examples, size=examples) for _ in range(rows))
        yield np.stack([np.bincount(row, minlength=examples) for row in drawn]).astype(float)


class Resampled:
    """Scores the same answers repeatedly, by how often each example counts.

    Args:
        answers: The answers.
    """

    def __init__(self, answers: Answers) -> None:
        labels, probabilities, predicted, names = answers
        rows, classes = np.arange(len(labels)), len(names)
        right = labels == predicted
        self._is_label = _indicator(rows, labels, classes)
        self._is_predicted = _indicator(rows, predicted, classes)
        self._is_hit = _indicator(rows[right], labels[right], classes, len(labels))
        self._ranked = [
            _Ranked(labels == number, probabilities[:, number]) for number in range(classes)
        ]
        one_hot = np.eye(classes)[labels]
        scale = 0.5 if classes == 2 else 1.0
        smallest = np.finfo(probabilities.dtype).eps
        self._means = {
            "brier": scale * ((probabilities - one_hot) ** 2).sum(axis=1),
            "nll": -np.log(np.clip(probabilities[rows, labels], smallest, 1.0)),
        }
        # In float32, as torchmetrics counts it.
        top, sure = probabilities.argmax(axis=1), probabilities.max(axis=1).astype(np.float32)
        edges = np.linspace(0, 1, BINS + 1, dtype=np.float32)
        bins = np.searchsorted(edges, sure, side="right") - 1
        gap = (sure - (top == labels)).astype(float)
        self._gaps = csr_array((gap, (rows, bins)), shape=(len(labels), BINS + 1))

    def scores(self, weights: np.ndarray) -> Scores:
        """The scores of each resample.

        Args:
            weights: How often each example counts, [r, n].
        """
        total = weights.sum(axis=1)
        true, chosen, hits = (
            weights @ kind for kind in (self._is_label, self._is_predicted, self._is_hit)
        )
        recall = _ratio(hits, true)
        f1 = _ratio(2 * hits, true + chosen)
        ranked = [ranking.scores(weights) for ranking in self._ranked]
        average_precision, auroc = (np.stack(of, axis=1) for of in zip(*ranked, strict=True))
        several = (true > 0).sum(axis=1) > 1
        overall = {
            "accuracy": hits.sum(axis=1) / total,
            "balanced_accuracy": np.where(several, mean_where_defined(recall), np.nan),
            "macro_f1": mean_where_defined(f1),
            "mcc": np.where(several, _matthews(true, chosen, hits), np.nan),
            "average_precision": of_ranking(average_precision),
            "auroc": of_ranking(auroc),
            **{name: weights @ values / total for name, values in self._means.items()},
            "ece": np.abs(weights @ self._gaps).sum(axis=1) / total,
        }
        per_class = {
            "precision": _ratio(hits, chosen),
            "recall": recall,
            "f1": f1,
            "average_precision": average_precision,
            "auroc": auroc,
        }
        return Scores(overall, per_class)


class _Ranked:
    """Examples ordered by a score, with equal scores grouped.

    Args:
        positive: Whether each belongs to the class, [n] bool.
        scores: The scores, [n].
    """

    def __init__(self, positive: np.ndarray, scores: np.ndarray) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ranked = scores[self._order]
        self._starts = np.flatnonzero(np.diff(ranked, prepend=np.inf))
        self._positive = positive[self._order]

    def scores(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Average precision and area under the ROC curve [r] by weights [r, n]."""
        ranked = weights[:, self._order]
        hits = np.add.reduceat(ranked * self._positive, self._starts, axis=1)
        misses = np.add.reduceat(ranked * ~self._positive, self._starts, axis=1)
        found, wrong = hits.cumsum(axis=1), misses.cumsum(axis=1)
        all_found, all_wrong = found[:, -1], wrong[:, -1]
        precision = found / np.maximum(found + wrong, 1)
        below = all_wrong[:, None] - wrong + misses / 2
        both = (all_found > 0) & (all_wrong > 0)
        area = _ratio((hits * below).sum(axis=1), all_found * all_wrong)
        average = _ratio((hits * precision).sum(axis=1), all_found)
        return np.where(both, average, np.nan), area


def _indicator(
    rows: np.ndarray, columns: np.ndarray, classes: int, examples: int | None = None
) -> csr_array:
    shape = (len(rows) if examples is None else examples, classes)
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """The quotient; NaN where the divisor is 0."""
    return np.where(below > 0, above / np.where(below > 0, below, 1), np.nan)


def _matthews(true: np.ndarray, chosen: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """Matthews' correlation [r] of counts [r, C]; 0 if only one class is chosen, as in scikit-learn."""
    total = true.sum(axis=1)
    covariance = hits.sum(axis=1) * total - (true * chosen).sum(axis=1)
    spreads = [total**2 - (counts**2).sum(axis=1) for counts in (true, chosen)]
    product = spreads[0] * spreads[1]
    return np.where(product > 0, covariance / np.sqrt(np.where(product > 0, product, 1)), 0.0)
