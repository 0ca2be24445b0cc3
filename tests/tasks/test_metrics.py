"""The benchmarks' metrics against computations of their own."""

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from wavspa.tasks import metrics


def logits_of(scores: np.ndarray) -> torch.Tensor:
    """Logits of two classes whose softmax gives ``scores`` to class 1."""
    scores = torch.tensor(scores, dtype=torch.float64)
    return torch.stack([(1 - scores).log(), scores.log()], dim=1)


def value(name: str, scores: np.ndarray, labels: np.ndarray, parts: int = 1) -> float:
    metric = {**metrics.detection(2), **metrics.clones(2)}[name]
    for part in np.array_split(np.arange(len(labels)), parts):
        metric.update(logits_of(scores[part]), torch.tensor(labels[part]))
    return metric.compute().item()


def leaderboard_f1(scores: np.ndarray, labels: np.ndarray) -> float:
    """The leaderboard's rule, from counts at every threshold in plain Python."""
    negatives, positives = int((labels == 0).sum()), int((labels == 1).sum())
    points = [(0, 0, np.inf)]
    for threshold in sorted(set(scores), reverse=True):
        chosen = scores >= threshold
        points.append(
            (int((chosen & (labels == 0)).sum()), int((chosen & (labels == 1)).sum()), threshold)
        )
    # scikit-learn drops a point that lies midway between its neighbours.
    kept = [
        points[i]
        for i in range(len(points))
        if i in (0, len(points) - 1)
        or any(points[i + 1][k] - points[i][k] != points[i][k] - points[i - 1][k] for k in (0, 1))
    ]
    last_below = max(i for i, point in enumerate(kept) if point[0] / negatives < 0.05)
    below, above = (
        0.05 - kept[last_below][0] / negatives,
        kept[last_below + 1][0] / negatives - 0.05,
    )
    chosen = kept[last_below] if below < above else kept[last_below + 1]
    threshold = next(point[2] for point in kept if point[1] == chosen[1])
    predicted = scores >= threshold
    f1 = []
    for label in (0, 1):
        hits = int(((predicted == label) & (labels == label)).sum())
        f1.append(2 * hits / (int((predicted == label).sum()) + (negatives, positives)[label]))
    return sum(f1) / 2


@pytest.mark.parametrize("seed", range(20))
def test_f1_at_5_percent_is_the_leaderboards(seed):
    rng = np.random.default_rng(seed)
    labels = (rng.random(400) < rng.choice([0.03, 0.2, 0.5])).astype(int)
    labels[:2] = 0, 1
    scores = np.clip(rng.normal(0.4 + 0.2 * labels, 0.2), 0.01, 0.99)
    scores = scores.round(int(rng.integers(1, 8)))  # ties, many and few
    found = value("f1_at_5_fpr", scores, labels, parts=3)
    assert found == pytest.approx(leaderboard_f1(scores, labels), abs=1e-6)


def test_f1_at_5_percent_by_hand():
    # 20 negatives: the first false positive is a rate of exactly 5 %.
    scores = np.array([0.9, 0.8, 0.7, 0.6, *np.linspace(0.1, 0.3, 19)])
    labels = np.array([1, 1, 0, 1, *[0] * 19])
    # From its point at 0.7 the rule goes back to 0.8, which finds as many true positives.
    assert value("f1_at_5_fpr", scores, labels) == pytest.approx((2 * 20 / 41 + 2 * 2 / 5) / 2)


def test_f1_at_5_percent_needs_both_classes():
    assert np.isnan(value("f1_at_5_fpr", np.array([0.1, 0.2]), np.array([0, 0])))


def test_binary_metrics_are_scikit_learns():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 99), rng.random(99)
    chosen = scores > 0.5
    expected = {
        "f1": f1_score(labels, chosen),
        "precision": precision_score(labels, chosen),
        "recall": recall_score(labels, chosen),
        "accuracy": (chosen == labels).mean(),
        "auroc": roc_auc_score(labels, scores),
    }
    for name, wanted in expected.items():
        assert value(name, scores, labels, parts=4) == pytest.approx(wanted, abs=1e-6), name


@pytest.mark.parametrize("make", [metrics.detection, metrics.clones])
def test_binary_metrics_refuse_more_classes(make):
    with pytest.raises(ValueError, match="classes 2"):
        make(3)
