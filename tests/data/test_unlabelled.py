"""Texts without labels: where they are read from, how they are held out and packed."""

import gzip
import hashlib

import numpy as np
import pytest
import torch

from support.tiny_files import write_rows
from support.tiny_runs import finished_run, tiny_run
from wavspa.data import Files
from wavspa.data.preparation.packing import packed, split_of
from wavspa.data.tokenizers import Bytes
from wavspa.errors import UserError
from wavspa.launching.run.naming import LATER
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status
from wavspa.training.checkpoints.last import LastCheckpoint
from wavspa.training.checkpoints.read import bare_weights, read_checkpoint

LINES = [f"line {n} of a text without labels" for n in range(300)]


def data(place, train, **options):
    chosen = {"vocab_size": 257, "classes": "auto", "max_length": 64, "batch_size": 8, **options}
    module = Files(
        name="files", data_root=place / "data", train=train, label=None, tokenizer=Bytes(), **chosen
    )
    module.prepare_data()
    module.setup()
    return module


def texts(module, split):
    rows = module._rows[split]
    return [bytes((rows[n].tokens - 1).astype(np.uint8)).decode() for n in range(len(rows))]


def all_texts(module):
    return [text for split in ("train", "val", "test") for text in texts(module, split)]


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("\n\n".join(LINES) + "\n   \n")
    return path


def test_a_line_is_a_text_and_blank_ones_are_none(tmp_path, corpus):
    module = data(tmp_path, corpus)
    assert sorted(all_texts(module)) == sorted(LINES)
    assert 10 <= len(texts(module, "val")) <= 55
    assert module.infer_auto()["classes"] == 1


def test_a_file_is_a_text_in_a_folder_by_a_pattern_and_compressed(tmp_path):
    folder = tmp_path / "corpus"
    (folder / "deeper").mkdir(parents=True)
    for n, line in enumerate(LINES):
        (folder / "deeper" / f"{n}.txt").write_text(f"{line}\nand more")
    (folder / "x.txt.gz").write_bytes(gzip.compress(b"packed"))
    (folder / "picture.png").write_bytes(b"no text")
    found = all_texts(data(tmp_path, folder, documents="file"))
    assert sorted(found) == sorted([*(f"{line}\nand more" for line in LINES), "packed"])
    by_pattern = all_texts(data(tmp_path, folder / "deeper" / "1*.txt", documents="file"))
    assert len(by_pattern) == 111


def test_a_column_of_a_table_without_labels(tmp_path):
    write_rows(tmp_path / "train.jsonl", [{"body": line} for line in LINES] + [{"body": ""}])
    assert sorted(all_texts(data(tmp_path, tmp_path / "train.jsonl", text="body"))) == sorted(LINES)


def test_what_is_held_out_depends_on_each_text_alone(tmp_path, corpus):
    first = data(tmp_path, corpus)
    held = set(texts(first, "val"))
    corpus.write_text("\n".join([*LINES[::-1], *LINES[:9], "one more", "and another"]))
    again = data(tmp_path, corpus)
    assert held <= set(texts(again, "val"))
    assert not set(texts(again, "val")) & set(texts(again, "train"))
    digests = [
        hashlib.blake2b(bytes([n % 256, n // 256]), digest_size=8).digest() for n in range(4000)
    ]
    splits = [split_of(digest, {"val": 0.1, "test": 0.3}, 0) for digest in digests]
    assert splits.count("val") == pytest.approx(400, abs=60)
    assert splits.count("test") == pytest.approx(1200, abs=100)
    assert splits != [split_of(digest, {"val": 0.1, "test": 0.3}, 1) for digest in digests]


def test_rows_are_packed_to_full_length_and_lose_nothing(tmp_path, corpus):
    module = data(tmp_path, corpus, packed=True, val=corpus, test=corpus)
    found = texts(module, "train")
    assert {len(text) for text in found[:-1]} == {64}
    assert "".join(found) == "\n".join(LINES) + "\n"


@pytest.mark.parametrize("length", [1, 3, 7, 100])
def test_packing_is_cutting_what_is_laid_end_to_end(length):
    rng = np.random.default_rng(0)
    documents = [rng.integers(1, 9, n).astype(np.uint16) for n in rng.integers(0, 20, 50)]
    rows = list(packed(iter(documents), length))
    assert {len(row) for row in rows[:-1]} <= {length}
    assert 0 < len(rows[-1]) <= length
    assert np.array_equal(np.concatenate(rows), np.concatenate(documents))


def test_texts_are_read_as_they_are_written(tmp_path, monkeypatch):
    """No list of all texts is made: rows are written while later ones are still to be read."""
    read = []
    module = Files(
        name="files",
        data_root=tmp_path,
        train=tmp_path / "train.txt",
        label=None,
        packed=True,
        tokenizer=Bytes(),
        vocab_size=257,
        classes=1,
        max_length=8,
        batch_size=8,
    )
    (tmp_path / "train.txt").write_text("\n".join(LINES * 20))

    def counted(*arguments):
        for text in LINES * 20:
            read.append(text)
            yield text

    monkeypatch.setattr("wavspa.data.custom.read_documents", counted)
    tables = module.build()["train"].tables
    next(iter(tables))
    assert 0 < len(read) < 1000


@pytest.mark.slow
def test_a_run_on_packed_text_resumes_exactly(tmp_path, corpus, monkeypatch):
    words = [
        "dataset=files",
        f"dataset.train={corpus}",
        "dataset.label=null",
        "dataset.packed=true",
    ]
    words += ["task=masked", "dataset.max_length=32", "task.unit=span"]
    whole = tiny_run(tmp_path, *words, "name=whole")
    run(whole)
    stopped = tiny_run(tmp_path, *words, "name=stopped")
    original = LastCheckpoint.on_validation_end

    def stopping(self, trainer, module):
        original(self, trainer, module)
        raise KeyboardInterrupt

    monkeypatch.setattr(LastCheckpoint, "on_validation_end", stopping)
    with pytest.raises(SystemExit):
        run(stopped)
    monkeypatch.undo()
    run(stopped)
    ends = [bare_weights(read_checkpoint(layout.last_checkpoint(f))) for f in (whole, stopped)]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    assert read_status(whole)["test"] == read_status(stopped)["test"]


@pytest.mark.slow
def test_a_classifier_starts_from_what_texts_without_labels_taught(tmp_path, corpus):
    words = ["dataset=files", "dataset.max_length=32"]
    parent = finished_run(
        tmp_path, *words, f"dataset.train={corpus}", "dataset.label=null", "task=masked"
    )
    rows = [{"text": line, "label": "ab"[n % 2]} for n, line in enumerate(LINES)]
    write_rows(tmp_path / "train.csv", rows)
    child = finished_run(
        tmp_path, *words, f"dataset.train={tmp_path / 'train.csv'}", f"init.from='{parent}'"
    )
    assert read_status(child)["state"] == "finished"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dataset.label=label"], "holds no labels: dataset.label=null reads it for task=masked"),
        (["task=classification"], "dataset.label=null: texts without labels are for task=masked"),
        (
            ["dataset.documents=page"],
            "dataset.documents='page' is unknown; choose one of line, file",
        ),
        (["dataset.documents=file"], "none of its 1 texts falls into"),
        (
            ["dataset.train=nothing/*.txt"],
            "dataset.train=nothing/*.txt holds no files of the kinds",
        ),
        (["dataset.train=empty.txt"], "dataset.train=empty.txt holds no texts"),
        (
            ["dataset.packed=true", "dataset.stored_length=2000"],
            "dataset.stored_length is of a text",
        ),
        (
            ["dataset.label=label", "dataset.packed=true"],
            "dataset.packed=true is for texts without",
        ),
        (["dataset=file_pairs"], "dataset.label must be a column, got None"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, corpus, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("\n \n")
    base = ["dataset=files", f"dataset.train={corpus}", "dataset.label=null", "task=masked"]
    changed = {word.partition("=")[0] for word in words}
    with pytest.raises(UserError) as error:
        tiny_run(tmp_path, *[w for w in base if w.partition("=")[0] not in changed], *words)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "runs").exists()


def test_options_of_unlabelled_texts_leave_names_of_runs_as_they_were():
    assert (LATER["dataset.documents"], LATER["dataset.packed"]) == ("line", False)
