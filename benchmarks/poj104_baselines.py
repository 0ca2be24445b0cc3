"""Baselines on POJ-104 that need no training: `python -m benchmarks.poj104_baselines DATA_ROOT`."""

import sys

import numpy as np
import torch
from torch.nn import functional as F

from benchmarks.untrained import bag, embed, untrained
from wavspa.data import Batch, Poj104
from wavspa.data.bpe import BPE
from wavspa.data.tokenizers import Bytes, Tokenizer
from wavspa.tasks.metrics import map_at_r

MAX_LENGTH = 1024
BATCH = 50
# The test split has 500 programs of each problem, one problem after the other; of these, 100 are used.
BATCHES, USED = 500 // BATCH, 100 // BATCH


def read(data_root: str, tokenizer: Tokenizer) -> list[Batch]:
    """Batches of the first programs of every problem of the test split."""
    options = {"vocab_size": "auto", "batch_size": BATCH, "max_length": MAX_LENGTH}
    data = Poj104(name="poj104", data_root=data_root, tokenizer=tokenizer, **options)
    data.prepare_data()
    data.setup()
    loader = enumerate(data.test_dataloader())
    return [batch for number, batch in loader if number % BATCHES < USED]


def score(vectors: list[torch.Tensor], batches: list[Batch]) -> str:
    """MAP@R by cosine, from the framework's metric; it must agree with the definition."""
    unit = F.normalize(torch.cat(vectors).double(), dim=1)
    labels = torch.cat([batch.labels for batch in batches])
    ours, defined = map_at_r(unit, labels).item(), by_definition(unit.numpy(), labels.numpy())
    assert abs(ours - defined) < 1e-6, (ours, defined)
    return f"{100 * ours:6.2f}"


def by_definition(vectors: np.ndarray, labels: np.ndarray) -> float:
    """The mean of sum(precision at each hit among the first R) / R, query by query."""
    averages = []
    for query, vector in enumerate(vectors):
        others = np.delete(np.arange(len(labels)), query)
        ranked = others[np.argsort(-(vectors[others] @ vector), kind="stable")]
        relevant = labels[ranked] == labels[query]
        hits = np.flatnonzero(relevant[: relevant.sum()])
        averages.append(((np.arange(len(hits)) + 1) / (hits + 1)).sum() / relevant.sum())
    return float(np.mean(averages))


def main() -> None:
    """Print the table."""
    for name, tokenizer in {"bytes": Bytes(), "bpe": BPE(8192)}.items():
        batches = read(sys.argv[1], tokenizer)
        size = 1 + max(int(batch.tokens.max()) for batch in batches)
        encoder = untrained(size, MAX_LENGTH)
        print(f"MAP@R (%) of {BATCH * len(batches)} programs, {name}, first {MAX_LENGTH} tokens")
        noise = [torch.rand(len(batch.labels), 8) for batch in batches]
        print(f"  random vectors     {score(noise, batches)}")
        print(f"  untrained encoder  {score([embed(encoder, b) for b in batches], batches)}")
        print(f"  bag of tokens      {score([bag(b, size) for b in batches], batches)}")


if __name__ == "__main__":
    main()
