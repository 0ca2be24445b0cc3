from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.tiny_runs import tiny_run
from wavspa.data import Lego, LegoBatch
from wavspa.data.lego import IDS, SYMBOLS, LegoExample, collate_sentences, draw
from wavspa.errors import UserError
from wavspa.launching.run.worker import run

TEXT = "[CLS] c = not a , b = val c , a = val 1 , [SEP]"


def module(root: Path, **options: Any) -> Lego:
    few = {"train_examples": 40, "val_examples": 10, "test_examples": 10}
    fixed = {"name": "lego", "vocab_size": 35, "classes": 2, "batch_size": 8}
    return Lego(**{"data_root": root, **few, **fixed, **options})


def encode(text: str) -> np.ndarray:
    return np.array([IDS[symbol] for symbol in text.split()], dtype=np.uint8)


def evaluate(text: str) -> dict[str, int]:
    """The values of all variables of a sentence, by looking for one that can be told, again and again."""
    values: dict[str, int] = {}
    clauses = [clause.split() for clause in text.split(" ", 1)[1].split(" ,")[:-1]]
    while len(values) < len(clauses):
        for variable, _, sign, other in clauses:
            known = {"0": 0, "1": 1, **values}
            if other in known:
                values.setdefault(variable, known[other] ^ (sign == "not"))
    return values


def test_the_vocabulary_is_fixed() -> None:
    assert len(SYMBOLS) == 34
    assert (IDS["[CLS]"], IDS["[SEP]"], IDS["a"], IDS["z"]) == (1, 2, 9, 34)


def test_a_batch_by_hand() -> None:
    batch = collate_sentences([LegoExample(encode(TEXT), [1, 0, 0])])
    assert isinstance(batch, LegoBatch)
    # The chain is a, c, b.
    assert batch.places.tolist() == [[11, 1, 6]]
    assert batch.labels.tolist() == [[1, 0, 0]]
    assert batch.lengths.tolist() == [17]
    assert evaluate(TEXT) == {"a": 1, "c": 0, "b": 0}


@pytest.mark.parametrize("variables", [2, 12, 26])
def test_sentences_and_their_values(variables: int) -> None:
    tokens, values = draw(np.random.default_rng(0), 50, variables)
    assert tokens.shape == (50, 5 * variables + 2)
    batch = collate_sentences([LegoExample(*row) for row in zip(tokens, values, strict=True)])
    for row, places, chain in zip(tokens, batch.places.tolist(), values, strict=True):
        symbols = [SYMBOLS[token - 1] for token in row]
        assert (symbols[0], symbols[-1]) == ("[CLS]", "[SEP]")
        truth = evaluate(" ".join(symbols[:-1]))
        assert len(truth) == variables
        assert [truth[symbols[place]] for place in places] == chain.tolist()
        for before, place in pairwise(places):
            assert symbols[place + 3] == symbols[before]


def test_everything_is_uniform() -> None:
    tokens, values = draw(np.random.default_rng(0), 20_000, 12)
    assert values.mean(axis=0) == pytest.approx([0.5] * 12, abs=0.02)
    names = np.bincount(tokens[:, 1], minlength=35)[IDS["a"] :] / 20_000
    assert names == pytest.approx([1 / 26] * 26, abs=0.01)
    negated = (tokens[:, 3:-1:5] == IDS["not"]).mean(axis=0)
    assert negated == pytest.approx([11 / 24] * 12, abs=0.02)
    first = (tokens[:, 4:-1:5] < IDS["a"]).mean(axis=0)
    assert first == pytest.approx([1 / 12] * 12, abs=0.01)


def test_the_card_and_the_batches(tmp_path: Path) -> None:
    data = module(tmp_path)
    data.prepare_data()
    data.setup()
    assert data.card["vocabulary"]["="] == 4
    assert sum(data.card["splits"]["train"]["labels"].values()) == 40 * 12
    batches = list(data.train_dataloader())
    assert sum(len(batch.labels) for batch in batches) == 40
    assert batches[0].tokens.shape == (8, 62)
    assert batches[0].places.shape == batches[0].labels.shape == (8, 12)


def test_the_data_are_a_function_of_their_seed(tmp_path: Path) -> None:
    assert module(tmp_path, seed=1, workers=2).folder == module(tmp_path).folder
    assert module(tmp_path, data_seed=1).folder != module(tmp_path).folder
    found = []
    for root in (tmp_path / "a", tmp_path / "b"):
        data = module(root)
        data.prepare_data()
        found.append([split["sha256"] for split in data.card["splits"].values()])
    assert found[0] == found[1]
    assert len(set(found[0])) == 3


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"variables": 1}, "variables must be .* got 1"),
        ({"variables": 27, "max_length": 137}, "variables must be .* got 27"),
        ({"variables": 6}, "dataset.max_length=62 .*32"),
        ({"val_examples": 0}, "val_examples must be .* got 0"),
    ],
)
def test_impossible_options_are_named(tmp_path: Path, options: dict[str, int], named: str) -> None:
    with pytest.raises(UserError, match=named):
        module(tmp_path, **options)


def test_it_trains_and_evaluates(tmp_path: Path) -> None:
    folder = tiny_run(
        tmp_path,
        "dataset=lego",
        "dataset.train_examples=40",
        "dataset.val_examples=10",
        "dataset.test_examples=10",
    )
    metrics = run(folder)
    positions = [metrics[f"test/accuracy_{position}"] for position in range(1, 13)]
    assert metrics["test/accuracy"] == pytest.approx(np.mean(positions[:6]))
    assert metrics["test/accuracy_beyond"] == pytest.approx(np.mean(positions[6:]))
