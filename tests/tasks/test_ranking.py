import numpy as np
import pytest
import torch

from wavspa.tasks import metrics
from wavspa.tasks.metrics import MeanAveragePrecisionAtR, map_at_r


def by_definition(embeddings: np.ndarray, labels: np.ndarray) -> float:
    """MAP@R query by query, in plain Python."""
    averages = []
    for i, query in enumerate(embeddings):
        others = [j for j in range(len(labels)) if j != i]
        ranked = sorted(others, key=lambda j: (-float(query @ embeddings[j]), j))
        wanted = sum(labels[j] == labels[i] for j in others)
        if wanted == 0:
            continue
        hits, total = 0, 0.0
        for rank, j in enumerate(ranked[:wanted], start=1):
            if labels[j] == labels[i]:
                hits += 1
                total += hits / rank
        averages.append(total / wanted)
    return sum(averages) / len(averages)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("queries", [1, 7, 1000])
def test_map_at_r_follows_its_definition(seed, queries, monkeypatch):
    monkeypatch.setattr(metrics, "QUERIES", queries)
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, 40)
    labels[0] = 9  # alone with its label
    # Small whole numbers: exact in floating point, and full of ties.
    embeddings = rng.integers(-2, 3, (40, 3)).astype(np.float64)
    found = map_at_r(torch.tensor(embeddings), torch.tensor(labels))
    assert found.item() == pytest.approx(by_definition(embeddings, labels), abs=1e-6)


def test_map_at_r_by_hand():
    # R is 1. The first finds a stranger before its like, the second both alike (so the one that stands
    # first), the others their like.
    embeddings = torch.tensor([[1.0, 0.0], [0.8, 0.0], [1.0, 1.0], [1.0, 1.1]])
    assert map_at_r(embeddings, torch.tensor([0, 0, 1, 1])).item() == pytest.approx(0.75)


def test_the_metric_collects_batches_and_starts_anew():
    rng = np.random.default_rng(0)
    embeddings = torch.tensor(rng.normal(size=(30, 4)))
    labels = torch.tensor(rng.integers(0, 3, 30))
    metric = MeanAveragePrecisionAtR()
    metric.update(torch.ones(5, 4), torch.arange(5))
    metric.reset()
    for part in (slice(0, 20), slice(20, 30)):
        metric.update(embeddings[part], labels[part])
    assert metric.compute() == map_at_r(embeddings, labels)
