"""The user's own sources and targets."""

import csv
from pathlib import Path
from typing import Any

import pytest

from support.tiny_files import write_rows
from support.tiny_runs import tiny_run
from wavspa.data import FileSeq2Seq
from wavspa.data.bpe import BPE
from wavspa.data.tokenizers import Bytes
from wavspa.errors import UserError
from wavspa.launching.run.worker import run

ROWS = [{"q": f"what is {n % 25}", "a": f"it is {n}"} for n in range(50)]
OPTIONS: dict[str, Any] = {
    "name": "files",
    "vocab_size": "auto",
    "max_length": 30,
    "max_target_length": 12,
    "batch_size": 4,
    "source": "q",
    "target": "a",
}


def opened(root: Path, train: Path, **options: Any) -> FileSeq2Seq:
    data = FileSeq2Seq(
        data_root=root / "data",
        train=train,
        **{"tokenizer": Bytes(end=True), **OPTIONS, **options},
    )
    data.prepare_data()
    data.setup()
    return data


def texts(data: FileSeq2Seq, split: str) -> list[tuple[str, str]]:
    return [
        (data.decode(source.tolist()), data.decode(reference.tolist()))
        for batch in data.evaluation_loader(split)
        for source, reference in zip(batch.tokens, batch.references, strict=True)
    ]


@pytest.mark.parametrize("name", ["train.csv", "train.jsonl", "train.parquet"])
def test_rows_are_kept_in_order_and_equal_sources_on_one_side(tmp_path: Path, name: str) -> None:
    write_rows(tmp_path / name, ROWS)
    data = opened(tmp_path, tmp_path / name)
    splits = {split: texts(data, split) for split in ("train", "val", "test")}
    found = [pair for rows in splits.values() for pair in rows]
    assert sorted(found) == sorted((row["q"], row["a"]) for row in ROWS)
    sources = [{source for source, _ in rows} for rows in splits.values()]
    assert not sources[0] & sources[1] | sources[0] & sources[2] | sources[1] & sources[2]
    assert data.infer_auto()["vocab_size"] == 258
    assert "label_names" not in data.card


def test_byte_pairs_are_learned_of_both_sides(tmp_path: Path) -> None:
    write_rows(tmp_path / "train.csv", ROWS)
    data = opened(tmp_path, tmp_path / "train.csv", tokenizer=BPE(270, end=True))
    assert data.end_token == data.card["vocab_size"] - 1 == 270 + 1
    assert {source for source, _ in texts(data, "train")} < {row["q"] for row in ROWS}


def test_mistakes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["q", "a"], ["x", "y"], ["x", ""]])
    with pytest.raises(UserError, match=r"train\.csv, line 3: no value in the column 'a'"):
        opened(tmp_path, path)
    write_rows(path, [{"q": "x", "answer": "y"}])
    with pytest.raises(UserError, match=r"train\.csv has no column 'a'; its columns are 'q', 'ans"):
        opened(tmp_path, path)
    with pytest.raises(UserError, match=r"^max_target_length must be a whole number of "):
        opened(tmp_path, path, max_target_length=0)
    assert not list((tmp_path / "data").glob("prepared/files*"))


def test_without_an_end_every_text_is_cut_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(tmp_path / "train.csv", ROWS)
    words = [f"dataset.train={tmp_path / 'train.csv'}", "dataset.source=q", "dataset.target=a"]
    folder = tiny_run(
        tmp_path,
        "dataset=file_seq2seq",
        "tokenizer=bytes",
        "dataset.tokenizer.end=false",
        "task.max_length=4",
        "trainer.max_steps=2",
        *words,
    )
    assert run(folder)["test/cut_off"] == 1
    assert "dataset.tokenizer.end=true adds one" in capsys.readouterr().err
