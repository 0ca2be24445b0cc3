"""``task=multilabel`` from files to predictions, scores and an export."""

import json

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, average_precision_score, f1_score

from support.tiny_files import write_rows
from support.tiny_predictions import predicted, probabilities, score_of
from support.tiny_runs import tiny_run
from wavspa.commands.evaluate import print_metrics
from wavspa.commands.export import export
from wavspa.errors import UserError
from wavspa.launching.run.worker import run
from wavspa.tasks import Multilabel
from wavspa.tasks.targets.label_sets import F1, MeanAveragePrecision, best_thresholds

NAMES = ["blue", "green", "red"]
SETS = [["red"], [], ["blue", "red"], ["green", "blue"], ["red", "green"], ["blue", "green", "red"]]
ROWS = [
    {"body": f"{i} " + "".join(10 * name[0] for name in SETS[i % 6]), "y": SETS[i % 6]}
    for i in range(60)
]
TRUE = np.array([[name in row["y"] for name in NAMES] for row in ROWS])
WORDS = ["dataset=files", "task=multilabel", "dataset.text=body", "dataset.label=y"]
SHORT = ["dataset.limit=null", "trainer.max_steps=6", "trainer.val_every=3", "optimizer.lr=0.01"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("multilabel")
    for name in ("train", "test"):
        write_rows(folder / f"{name}.jsonl", ROWS)
        write_rows(folder / f"{name}.csv", [{**row, "y": " ; ".join(row["y"])} for row in ROWS])
    return folder


def trained(place, kind, *words):
    paths = [f"dataset.{split}={place / split}.{kind}" for split in ("train", "test")]
    folder = tiny_run(place, *WORDS, *paths, *SHORT, *words)
    run(folder)
    return folder


@pytest.fixture(scope="module")
def best(place):
    return trained(place, "jsonl", "task.threshold=best")


def check_scores(folder, rows):
    told = np.array([[name in row["labels"].split(";") for name in NAMES] for row in rows])
    options = {"zero_division": 0}
    assert score_of(folder, "f1_micro") == pytest.approx(
        f1_score(TRUE, told, average="micro", **options)
    )
    assert score_of(folder, "f1_macro") == pytest.approx(
        f1_score(TRUE, told, average="macro", **options)
    )
    assert score_of(folder, "subset_accuracy") == pytest.approx(accuracy_score(TRUE, told))
    scores = average_precision_score(TRUE, probabilities(rows), average="macro")
    assert score_of(folder, "map") == pytest.approx(scores, abs=1e-5)
    return told


def test_scores_are_those_of_its_predictions_at_the_thresholds_that_it_keeps(place, best):
    rows = predicted(best, place, input=str(place / "test.jsonl"))
    assert list(rows[0]) == ["labels", *(f"probability_{name}" for name in NAMES)]
    told = check_scores(best, rows)
    export({"run": str(best), "output": str(place / "model")})
    config = json.loads((place / "model/config.json").read_text())
    assert ((probabilities(rows) >= np.float32(config["thresholds"])) == told).all()
    assert config["thresholds"] != [0.5] * 3
    metrics = print_metrics({"run": str(best), "input": str(place / "test.jsonl")}, [])
    assert metrics["test/f1_micro"] == pytest.approx(score_of(best, "f1_micro"))


def test_texts_with_separators_are_the_same_data(place, best):
    folder = trained(place, "csv", "task.threshold=0.4")
    cards = [json.loads((run / "card.json").read_text()) for run in (folder, best)]
    assert cards[0]["splits"]["train"]["labels"] == cards[1]["splits"]["train"]["labels"]
    assert cards[0]["label_names"] == NAMES
    check_scores(folder, predicted(folder, place, input=str(place / "test.csv")))


def test_the_best_threshold_is_that_of_a_search_through_all():
    generator = np.random.default_rng(0)
    scores = generator.integers(1, 20, (200, 3)) / 20  # many are equal
    labels = (generator.random((200, 3)) < scores).astype(np.float32)
    labels[:, 2] = 0
    found = best_thresholds(torch.tensor(scores), torch.tensor(labels)).numpy()
    for at, one, true in zip(found[:2], scores.T[:2], labels.T[:2], strict=True):
        best = max(f1_score(true, one >= t) for t in np.unique(one))
        assert f1_score(true, one >= at) == best
    assert found[2] == 0.5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dataset.label=body"], "dataset.text names 'body', which is dataset.label"),
        (["task.threshold=1.5"], r"task\.threshold must be a number between 0 and 1, or best"),
        (["task.threshold=bets"], r"task\.threshold must be"),
        (["dataset.separator=''"], r"dataset\.separator must be a text of at least 1 character"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(place, tmp_path, words, message):
    with pytest.raises(UserError, match=message) as refused:
        tiny_run(tmp_path, *WORDS, f"dataset.train={place / 'train.csv'}", *words)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("labels", "words", "message"),
    [
        ([["a"], ["b"]], [], "each row has exactly one label .* task=classification"),
        ([["a", None], ["b"], []], [], r"holds \['a', None\], in which a label is blank"),
        ([["a", " "], ["b"], []], [], r"holds \['a', ' '\], in which a label is blank"),
        ([["a;z"], ["b"], []], [], r"the label 'a;z' holds ';', by which predictions join labels"),
        (
            [["a,b"], ["a"], ["b"], []],
            [],
            r"several labels in one, such as 'a,b': choose their sep",
        ),
        ([["a,b"], ["a"], ["b"], []], ["dataset.classes=2"], r"classes=2 .* labels from 0 to 2"),
    ],
)
def test_labels_that_are_none_are_refused_before_a_folder_is_made(tmp_path, labels, words, message):
    rows = [{"body": f"text {i}", "y": labels[i % len(labels)]} for i in range(40)]
    write_rows(tmp_path / "train.jsonl", rows)
    with pytest.raises(UserError, match=message):
        tiny_run(tmp_path, *WORDS, f"dataset.train={tmp_path / 'train.jsonl'}", *words)
    assert not (tmp_path / "runs").exists()


def test_one_label_is_a_set_as_well():
    probabilities = torch.tensor([[0.9, 0.2], [0.1, 0.8], [0.6, 0.3]])
    labels = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    metric = MeanAveragePrecision(2)
    metric.update(probabilities, labels)  # no example has the second one
    assert metric.compute() == 1
    metric = MeanAveragePrecision(1)
    metric.update(probabilities[:, 1:], labels[:, :1])
    truth = average_precision_score(labels[:, 0], probabilities[:, 1])
    assert metric.compute() == pytest.approx(truth)


def test_nothing_true_and_nothing_predicted_has_no_f1():
    metric = F1(2, micro=True)
    metric.update(torch.zeros(3, 2), torch.zeros(3, 2))
    assert metric.compute().isnan()
    metric.update(torch.ones(1, 2), torch.zeros(1, 2))
    assert metric.compute() == 0


def test_thresholds_are_not_rounded_with_the_weights():
    model = torch.nn.Linear(2, 2)
    task = Multilabel(model, torch.optim.SGD, lambda step, total: 1.0, outputs=2)
    task.thresholds.copy_(torch.tensor([0.5001, 0.3]))
    assert task.to(torch.bfloat16).thresholds.tolist() == torch.tensor([0.5001, 0.3]).tolist()
    assert model.weight.dtype == torch.bfloat16
