"""The table of a test's first rows shows what was read, and is right as often as the test says."""

import numpy as np
import pytest

from support.tiny_files import write_rows
from support.tiny_runs import tiny_run
from wavspa.launching.answers.row_table import LONGEST, row_table
from wavspa.launching.run.build import build_run
from wavspa.launching.run.evaluate import evaluate
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.frozen_data import open_vocabulary
from wavspa.training.callbacks.first_rows import FirstRows

ROWS = [
    {
        "body": f"{i} ünd " + "ab" * (1 + i % 7),
        "other": "c" * (1 + i % 5),
        "kind": "xyz"[i % 3],
        "low": float(i % 7),
        "high": 100.0 * (i % 5),
        "tags": [["x"], [], ["x", "y"]][i % 3],
    }
    for i in range(48)
]
FILES = ["dataset.limit=null", "dataset.text=body", "dataset.batch_size=8"]
TEXTS = ["dataset=files", *FILES]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    for name in ("train", "test"):
        write_rows(folder / f"{name}.jsonl", ROWS)
    return folder


def table_of(place, *words, most=100):
    """The table of a task that is not trained, its metrics, and what the test kept."""
    if not words[0].startswith("dataset=digits"):
        words = (*words, *(f"dataset.{name}={place / name}.jsonl" for name in ("train", "test")))
    folder = tiny_run(place, *words)
    config = read_config(folder)
    task, data = build_run(config)
    first = FirstRows(most)
    metrics = evaluate(task, data, config.trainer, callbacks=[first])
    open_vocabulary(folder, data)
    return row_table(task, data, first.rows, most), metrics, first


def column(table, name):
    return [row[table.columns.index(name)] for row in table.rows]


@pytest.mark.parametrize("tokenizer", ["bytes", "characters"])
def test_classes_of_texts(place, tokenizer):
    words = [*TEXTS, "dataset.label=kind", f"tokenizer={tokenizer}"]
    table, metrics, _ = table_of(place, *words)
    assert table.columns == ["row", "text", "label", "prediction", "probability", "right"]
    assert column(table, "row") == list(range(48))
    assert column(table, "text") == [row["body"] for row in ROWS]
    assert column(table, "label") == [row["kind"] for row in ROWS]
    assert set(column(table, "prediction")) <= set("xyz")
    assert all(1 / 3 <= probability <= 1 for probability in column(table, "probability"))
    assert np.mean(column(table, "right")) == pytest.approx(metrics["test/accuracy"])


def test_no_more_rows_than_wanted(place):
    words = [*TEXTS, "dataset.label=kind", "dataset.max_length=32"]
    table, _, first = table_of(place, *words, most=11)
    assert column(table, "row") == list(range(11))
    assert column(table, "label") == [row["kind"] for row in ROWS[:11]]
    assert len(first.rows) == 11


def test_both_texts_of_a_pair(place):
    words = ["dataset=file_pairs", *FILES, "dataset.text2=other"]
    table, metrics, _ = table_of(place, *words, "dataset.label=kind")
    assert column(table, "text1") == [row["body"] for row in ROWS]
    assert column(table, "text2") == [row["other"] for row in ROWS]
    assert np.mean(column(table, "right")) == pytest.approx(metrics["test/accuracy"])


def test_sets_of_labels(place):
    table, metrics, _ = table_of(place, *TEXTS, "task=multilabel", "dataset.label=tags")
    names = ["label", "prediction", "probability_x", "probability_y", "right"]
    assert table.columns == ["row", "text", *names]
    assert column(table, "label") == [";".join(row["tags"]) for row in ROWS]
    assert np.mean(column(table, "right")) == pytest.approx(metrics["test/subset_accuracy"])
    for row in table.rows:
        of_row = dict(zip(table.columns, row, strict=True))
        told = [name for name in "xy" if of_row[f"probability_{name}"] >= 0.5]
        assert of_row["prediction"] == ";".join(told)


def test_numbers_in_their_units(place):
    table, metrics, _ = table_of(place, *TEXTS, "task=regression", "dataset.label=[low,high]")
    assert table.columns[2:5] == ["label_low", "predicted_low", "error_low"]
    for place_of, name in enumerate(("low", "high"), start=1):
        assert column(table, f"label_{name}") == [row[name] for row in ROWS]
        errors = np.array(column(table, f"error_{name}"))
        predicted = np.array(column(table, f"predicted_{name}"))
        np.testing.assert_allclose(predicted - column(table, f"label_{name}"), errors)
        assert np.abs(errors).mean() == pytest.approx(metrics[f"test/mae_{place_of}"], rel=1e-5)


def test_texts_that_are_written(place):
    words = ["dataset=file_seq2seq", "tokenizer=bytes", "dataset.source=body"]
    sizes = ["dataset.target=other", "dataset.max_length=32", "dataset.max_target_length=6"]
    table, metrics, _ = table_of(place, *words, *sizes, "dataset.limit=null", "task.val_share=0")
    assert table.columns == ["row", "source", "label", "prediction", "score", "right"]
    assert column(table, "source") == [row["body"] for row in ROWS]
    assert column(table, "label") == [row["other"] for row in ROWS]
    assert np.mean(column(table, "right")) == pytest.approx(metrics["test/exact_match"])


def test_pictures(place):
    table, metrics, first = table_of(place, "dataset=digits")
    assert table.columns[:2] == ["row", "picture"]
    pictures = column(table, "picture")
    assert {(picture.shape, picture.dtype) for picture in pictures} == {((8, 8), np.dtype("uint8"))}
    darkest = first.rows[0].inputs[0].reshape(8, 8)
    assert (pictures[0] == darkest * 255 // darkest.max()).all()
    assert np.mean(column(table, "right")) == pytest.approx(metrics["test/accuracy"])


def test_long_texts_are_cut(place):
    rows = [{"body": f"{i:02}" + "a" * 3000, "kind": "xy"[i % 2]} for i in range(20)]
    for name in ("train", "test"):
        write_rows(place / "long" / f"{name}.jsonl", rows)
    words = [*TEXTS, "dataset.label=kind", "dataset.max_length=2048", "model/attention=linear"]
    table, _, _ = table_of(place / "long", *words, most=2)
    assert column(table, "text") == [f"{i:02}" + "a" * (LONGEST - 2) + "…" for i in range(2)]


def test_a_task_without_labels_has_none(place):
    table, _, _ = table_of(place, *TEXTS, "task=masked", "dataset.label=kind")
    assert table is None
