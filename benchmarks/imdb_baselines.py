"""Baselines on IMDB that need no trained encoder: `python -m benchmarks.imdb_baselines DATA_ROOT`."""

import sys
from collections.abc import Callable
from functools import partial

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.untrained import bag, embed, untrained
from wavspa.data import Batch, Imdb
from wavspa.data.bpe import BPE
from wavspa.data.tokenizers import Bytes, Tokenizer

MAX_LENGTH = 1024
EXAMPLES = 4000


def read(data_root: str, tokenizer: Tokenizer) -> tuple[list[Batch], list[Batch]]:
    """Batches of equally many reviews of train and of test."""
    options = {"batch_size": 50, "max_length": MAX_LENGTH, "limit": EXAMPLES}
    options |= {"vocab_size": "auto", "classes": 2}
    data = Imdb(name="text", data_root=data_root, tokenizer=tokenizer, **options)
    data.prepare_data()
    data.setup()
    return list(data.train_dataloader()), list(data.test_dataloader())


def score(feature: Callable[[Batch], torch.Tensor], data: tuple[list[Batch], list[Batch]]) -> str:
    """Accuracy on test of a logistic regression that was fitted to a feature on train."""
    (x, y), (x_test, y_test) = (
        (torch.cat([feature(b) for b in part]), torch.cat([b.labels for b in part]))
        for part in data
    )
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
    model.fit(x.numpy(), y.numpy())
    return f"{100 * model.score(x_test.numpy(), y_test.numpy()):6.2f}"


def main() -> None:
    """Print the table."""
    for name, tokenizer in {"bytes": Bytes(), "bpe": BPE(8192)}.items():
        data = read(sys.argv[1], tokenizer)
        size = 1 + max(int(batch.tokens.max()) for part in data for batch in part)
        encoder = untrained(size, MAX_LENGTH)
        print(f"accuracy (%), {EXAMPLES} reviews each, {name}, first {MAX_LENGTH} tokens")
        print(f"  random vectors     {score(lambda batch: torch.rand(len(batch.labels), 8), data)}")
        print(f"  untrained encoder  {score(partial(embed, encoder), data)}")
        print(f"  bag of tokens      {score(partial(bag, size=size), data)}")


if __name__ == "__main__":
    main()
