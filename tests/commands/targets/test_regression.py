"""``task=regression`` from files to predictions, scores and an export."""

import json

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.metrics import mean_absolute_error, r2_score

from support.tiny_files import write_rows
from support.tiny_predictions import predicted, score_of
from support.tiny_runs import tiny_run
from wavspa import load_model
from wavspa.commands.evaluate import print_metrics
from wavspa.commands.export import export
from wavspa.data.targets.numbers import check_scale
from wavspa.errors import UserError
from wavspa.launching.run.worker import run
from wavspa.tasks.targets.numbers import R2

ROWS = [
    {
        "n": i,
        "title": "t" * (i % 3),
        "body": f"{i} " + "ab" * (1 + i % 7),
        "low": 2000 + i % 7,
        "high": 1e6 * (i % 5),
    }
    for i in range(48)
]
FILES = ["dataset=files", "task=regression", "dataset.limit=null", "dataset.batch_size=8"]
COLUMNS = ["dataset.text=[title,body]", "dataset.join=': '", "dataset.label=[low,high]"]
SHORT = ["trainer.max_steps=4", "trainer.val_every=2"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("regression")
    for name in ("train.csv", "test.csv"):
        write_rows(folder / name, ROWS)
    return folder


@pytest.fixture(scope="module")
def trained(place):
    paths = [f"dataset.{split}={place / split}.csv" for split in ("train", "test")]
    folder = tiny_run(place, *FILES, *paths, *COLUMNS, *SHORT)
    run(folder)
    return folder


@pytest.fixture(scope="module")
def predictions(place, trained):
    rows = predicted(trained, place, input=str(place / "test.csv"), id="n")
    names = ["predicted_low", "predicted_high"]
    assert list(rows[0]) == ["n", *names]
    return np.array([[float(row[name]) for name in names] for row in rows])


TRUE = np.array([[row["low"], row["high"]] for row in ROWS])


def test_scores_are_those_of_its_predictions(trained, predictions):
    errors = mean_absolute_error(TRUE, predictions, multioutput="raw_values")
    assert score_of(trained, "mae_1") == pytest.approx(errors[0], rel=1e-5)
    assert score_of(trained, "mae_2") == pytest.approx(errors[1], rel=1e-5)
    assert score_of(trained, "mae") == pytest.approx(errors.mean(), rel=1e-5)
    assert score_of(trained, "r2") == pytest.approx(r2_score(TRUE, predictions), abs=1e-4)
    ranks = [spearmanr(TRUE[:, i], predictions[:, i]).statistic for i in range(2)]
    assert score_of(trained, "spearman") == pytest.approx(np.mean(ranks), abs=1e-4)


def test_the_loss_is_of_standardised_numbers(trained, predictions):
    card = json.loads((trained / "card.json").read_text())
    mean, deviation = (
        np.array([target[key] for target in card["targets"]]) for key in ("mean", "deviation")
    )
    error = ((predictions - TRUE) / deviation) ** 2
    assert score_of(trained, "loss") == pytest.approx(error.mean(), rel=1e-4)
    assert mean[0] == pytest.approx(2003, abs=0.5)
    assert [target["name"] for target in card["targets"]] == ["low", "high"]


def test_evaluating_the_file_again_gives_the_same_scores(place, trained):
    metrics = print_metrics({"run": str(trained), "input": str(place / "test.csv")}, [])
    for name in ("loss", "mae", "r2", "spearman"):
        assert metrics[f"test/{name}"] == pytest.approx(score_of(trained, name), rel=1e-5)


def test_an_export_answers_in_the_units_of_the_data(place, trained, predictions):
    export({"run": str(trained), "output": str(place / "model")})
    model = load_model(place / "model").eval()
    text = ": ".join(filter(None, (ROWS[1]["title"], ROWS[1]["body"])))
    tokens = torch.tensor([[1 + byte for byte in text.encode()]])
    with torch.inference_mode():
        answer = model(tokens, torch.tensor([tokens.shape[1]]))
    assert answer[0].numpy() == pytest.approx(predictions[1], rel=1e-5)
    config = json.loads((place / "model/config.json").read_text())
    assert config["id2label"] == {"0": "low", "1": "high"}
    assert "in the units of the data" in (place / "model/README.md").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["task=classification", "dataset.label=high"], "task=regression"),
        (
            ["task=classification"],
            r"dataset\.label=\[low,high\]: several columns .* task=regression",
        ),
        (["dataset.label=title"], "dataset.text names 'title', which is dataset.label"),
        (["dataset.text=body", "dataset.label=title"], "the column 'title'"),
        (["dataset.label=[low,low]"], "dataset.label names 'low' twice"),
        (["dataset.label=huge"], r"standard deviation inf in train .from 0 to 4.7e.301.: rescale"),
        (["dataset.label=same"], "holds the number 1 in each of the 48 rows"),
        (["dataset.classes=3"], "dataset.classes must be auto"),
        (["trainer.precision=bf16-true"], "set trainer.precision=bf16-mixed"),
        (["task.monitor=val/accuracy"], "task.monitor='val/accuracy' is unknown"),
        (["task.mode=max"], "task.mode=max contradicts"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(tmp_path, words, message):
    rows = [{**row, "same": 1, "high": row["high"] / 3, "huge": row["n"] * 1e300} for row in ROWS]
    write_rows(tmp_path / "odd.csv", rows)
    paths = [f"dataset.{split}={tmp_path / 'odd.csv'}" for split in ("train", "test")]
    with pytest.raises(UserError, match=message) as refused:
        tiny_run(tmp_path, *FILES, *paths, *COLUMNS, *words)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "runs").exists()


def test_other_data_have_no_numbers(tmp_path):
    with pytest.raises(
        UserError, match=r"task=regression needs labels of the kind number, .* digits"
    ):
        tiny_run(tmp_path, "task=regression")


def test_nothing_is_explained_of_numbers_that_do_not_vary():
    metric = R2()
    metric.update(torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [3.0]]))
    assert metric.compute().isnan()
    metric.update(torch.tensor([[4.0]]), torch.tensor([[5.0]]))
    assert metric.compute() == pytest.approx(r2_score([3, 3, 5], [1, 2, 4]), rel=1e-4)


def test_numbers_that_are_alike_once_others_are_held_out_are_refused():
    entry = {"name": "price", "mean": 5.0, "deviation": 0.0, "min": 5.0, "max": 5.0}
    with pytest.raises(
        UserError, match=r"price have the standard deviation 0 in train .from 5 to 5"
    ):
        check_scale([entry])
