"""``dataset=series`` from files to predictions, scores and an export."""

import json

import numpy as np
import pyarrow.csv
import pytest
import torch

from support.tiny_predictions import predicted, probabilities, score_of, share_of_hits
from support.tiny_runs import tiny_run
from wavspa import load_model
from wavspa.commands.evaluate import print_metrics
from wavspa.commands.export import export
from wavspa.launching.run.worker import run

NAMES = ("calm", "wild")
WORDS = ["dataset=series", "dataset.limit=null", "dataset.batch_size=8"]
SHORT = ["trainer.max_steps=4", "trainer.val_every=2"]


def series(count, seed=0):
    """Series [N, 2] of 3 to 12 steps, of large numbers; the wild ones vary more."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 13, count)
    return [
        (rng.normal(size=(n, 2)) * (1 + 9 * (i % 2)) + [1000, -5]).astype(np.float32)
        for i, n in enumerate(lengths)
    ]


def write_npz(path, rows):
    np.savez(
        path,
        values=np.concatenate(rows),
        lengths=[len(row) for row in rows],
        label=[NAMES[i % 2] for i in range(len(rows))],
        size=np.array([row.std() for row in rows]),
    )


def write_csv(path, rows):
    """A row for each step, the last step of each series first."""
    steps = [
        (f"s{i}", t, *row[t].tolist(), NAMES[i % 2])
        for i, row in enumerate(rows)
        for t in reversed(range(len(row)))
    ]
    columns = dict(zip(("id", "time", "a", "b", "label"), zip(*steps, strict=True), strict=True))
    pyarrow.csv.write_csv(pyarrow.table({k: list(v) for k, v in columns.items()}), path)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    write_npz(folder / "train.npz", series(40))
    write_npz(folder / "test.npz", series(20, seed=1))
    write_csv(folder / "train.csv", series(40))
    write_csv(folder / "test.csv", series(20, seed=1))
    return folder


def trained(place, kind, *words):
    paths = [f"dataset.{split}={place / split}.{kind}" for split in ("train", "test")]
    folder = tiny_run(place, *WORDS, *paths, *SHORT, *words)
    run(folder)
    return folder


@pytest.fixture(scope="module")
def of_arrays(place):
    return trained(place, "npz", "model.stem=conv")


def test_it_is_right_as_often_as_the_test_says(place, of_arrays):
    rows = predicted(of_arrays, place, input=str(place / "test.npz"), id="label")
    assert list(rows[0]) == ["label", "class", "probability_calm", "probability_wild"]
    assert share_of_hits(rows, "label") == score_of(of_arrays, "accuracy")
    metrics = print_metrics({"run": str(of_arrays), "input": str(place / "test.npz")}, [])
    assert metrics["test/loss"] == pytest.approx(score_of(of_arrays, "loss"), rel=1e-5)


def test_an_export_takes_values_as_they_are_in_the_data(place, of_arrays):
    rows = predicted(of_arrays, place, input=str(place / "test.npz"))
    export({"run": str(of_arrays), "output": str(place / "model"), "program": "true"})
    model = load_model(place / "model").eval()
    values = torch.from_numpy(series(20, seed=1)[0])[None]
    with torch.inference_mode():
        answer = model(values, torch.tensor([values.shape[1]])).softmax(dim=-1)
    assert answer[0].numpy() == pytest.approx(probabilities(rows)[0], abs=1e-5)
    assert model.embedding.mean.tolist() == pytest.approx([1000, -5], abs=2)
    assert "rows of values as in the data" in (place / "model/README.md").read_text()


def test_a_table_with_a_row_for_each_step_is_the_same_data(place, of_arrays):
    folder = trained(place, "csv", "model.stem=conv")
    cards = [json.loads((run / "card.json").read_text()) for run in (folder, of_arrays)]
    assert [one["content"] for one in cards[0]["splits"].values()] == [
        one["content"] for one in cards[1]["splits"].values()
    ]
    assert [channel["name"] for channel in cards[0]["channels"]] == ["a", "b"]
    assert score_of(folder, "loss") == pytest.approx(score_of(of_arrays, "loss"), rel=1e-5)
    rows = predicted(folder, place, input=str(place / "test.csv"), id="id")
    assert [row["id"] for row in rows[:3]] == ["s0", "s1", "s2"]


def test_series_predict_numbers(place):
    folder = trained(place, "npz", "task=regression", "dataset.label=size")
    rows = predicted(folder, place, input=str(place / "test.npz"), id="size")
    errors = [abs(float(row["predicted_size"]) - float(row["size"])) for row in rows]
    assert score_of(folder, "mae") == pytest.approx(np.mean(errors), rel=1e-4)
