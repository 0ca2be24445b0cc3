from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wavspa.data import PairBatch, TextPairs, Texts
from wavspa.data.loading.collate import Batch
from wavspa.data.text_datamodule import TextRow, TextSplit
from wavspa.data.tokenizers import Bytes
from wavspa.errors import UserError

OPTIONS: dict[str, Any] = {"name": "texts", "classes": 2, "max_length": 6, "batch_size": 4}


class Words(Texts):
    """Two labels; row i is i % 7 + 1 letters."""

    def source_cache_key(self) -> dict[str, Any]:
        return {"data": "words"}

    def card_facts(self, splits: Any) -> dict[str, Any]:
        return {}

    def rows(self) -> Iterator[TextRow]:
        for i in range(600):
            yield TextRow(("a" * (i % 7 + 1),), i % 2)

    def read(self) -> dict[str, TextSplit]:
        return {split: TextSplit(self.rows, 600) for split in ("train", "val", "test")}


class WordPairs(TextPairs, Words):
    """The same, beside what is twice as long."""

    def rows(self) -> Iterator[TextRow]:
        for (text,), label in super().rows():
            yield TextRow((text, text * 2), label)


def ready(kind: type[Texts], root: Path, **options: Any) -> Texts:
    given = {"data_root": root, "tokenizer": Bytes(), "vocab_size": 257, **OPTIONS, **options}
    data = kind(**given)
    data.prepare_data()
    data.setup()
    return data


def test_texts_become_batches(tmp_path: Path) -> None:
    data = ready(Words, tmp_path)
    batches = list(data.val_dataloader())
    assert isinstance(batches[0], Batch)
    assert sum(len(batch.labels) for batch in batches) == 600
    assert batches[0].lengths.tolist() == [1, 2, 3, 4]
    assert batches[1].lengths.tolist() == [5, 6, 6, 1]
    assert set(batches[1].tokens.flatten().tolist()) == {0, ord("a") + 1}


def test_pairs_become_batches(tmp_path: Path) -> None:
    batch = next(iter(ready(WordPairs, tmp_path).val_dataloader()))
    assert isinstance(batch, PairBatch)
    assert batch.lengths1.tolist() == [1, 2, 3, 4]
    assert batch.lengths2.tolist() == [2, 4, 6, 6]
    assert batch.labels.tolist() == [0, 1, 0, 1]


def test_only_so_many_tokens_are_stored(tmp_path: Path) -> None:
    data = ready(Words, tmp_path, stored_length=6)
    assert data.card["splits"]["train"]["length"]["max"] == 6
    assert data.folder != ready(Words, tmp_path).folder


def test_less_is_stored_than_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"dataset\.stored_length=5 .* dataset\.max_length=6"):
        ready(Words, tmp_path, stored_length=5)


def test_sizes_are_the_tokenizer_s_and_the_data_s(tmp_path: Path) -> None:
    data = ready(Words, tmp_path, vocab_size="auto", classes="auto")
    assert data.infer_auto() == {"vocab_size": 257, "classes": 2}


@pytest.mark.parametrize("stored_length", [None, 6, 7])
def test_the_end_of_a_text_is_kept_where_the_text_is_cut(
    tmp_path: Path, stored_length: int | None
) -> None:
    options: dict[str, Any] = {"tokenizer": Bytes(end=True), "vocab_size": 258}
    data = ready(Words, tmp_path, stored_length=stored_length, **options)
    assert data.end_token == 257
    for batch in data.val_dataloader():
        last = batch.tokens[range(len(batch.lengths)), batch.lengths - 1]
        assert last.tolist() == [257] * len(last)
        assert (batch.tokens == 257).sum() == len(last)
    new = data.encode_inputs([("a" * length,) for length in (2, 5, 6, 7)])
    letter = ord("a") + 1
    assert [example.tokens.tolist() for example in new] == [
        [letter] * 2 + [257],
        *[[letter] * 5 + [257]] * 3,
    ]
    assert ready(Words, tmp_path).end_token is None
