"""Thresholds, temperatures, scores and significance of runs, as they are typed."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score

from support.tiny_runs import finished_run
from wavspa.commands import report
from wavspa.commands.evaluate import print_metrics
from wavspa.commands.predict import predict
from wavspa.errors import UserError
from wavspa.launching.run.freeze import read_config
from wavspa.run_folder import layout

WORDS = {"spam": "buy cheap pills now", "ham": "see you at lunch"}
ROWS = [
    {"body": f"{WORDS[label]} {'xy' * (i % 3)} {i}", "y": label}
    for i in range(24)
    for label in (["spam", "ham", "ham"] if i % 2 else ["ham"])
]
OPTIONS = ["dataset.text=body", "dataset.label=y", "dataset.batch_size=8", "dataset.limit=null"]


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two finished runs on the same rows with other tokens, one with a test of its own beside it."""
    place = tmp_path_factory.mktemp("decisions")
    train = write(place / "train.csv", ROWS)
    test = write(place / "test.csv", ROWS[:30])
    paths = ["dataset=files", f"dataset.train={train}", f"dataset.test={test}", *OPTIONS]
    first = finished_run(place, *paths)
    second = finished_run(place, *paths, "tokenizer=characters", "dataset.eval_batch_size=5")
    return place, first, second


@pytest.fixture
def copy(runs, tmp_path):
    """A copy of the first run, to change; without what other tests have evaluated there."""
    folder = tmp_path / runs[1].name
    shutil.copytree(
        runs[1], folder, ignore=shutil.ignore_patterns(layout.EVALUATION, layout.DECISION)
    )
    return folder


def evaluate(run_folder, **words):
    return print_metrics({"run": str(run_folder), "resamples": "20", **words}, [])


def significance(*words, monkeypatch):
    monkeypatch.setattr("sys.argv", ["wavspa-report", *map(str, words), "--significance"])
    report.main.__wrapped__()


def test_the_table_and_its_files(copy, capsys):
    metrics = evaluate(copy)
    printed = capsys.readouterr().out
    assert "balanced accuracy" in printed
    assert "[" in printed
    folder = layout.evaluation(copy, "test")
    content = json.loads((folder / "evaluation.json").read_text())
    assert content["metrics"] == pytest.approx(metrics)
    assert content["examples"] == 30
    assert content["bootstrap"] == {"resamples": 20, "seed": 1, "level": 0.95}
    assert content["overall"]["accuracy"]["value"] == pytest.approx(metrics["test/accuracy"])
    assert content["overall"]["auroc"]["value"] == pytest.approx(metrics["test/auroc"], abs=1e-6)
    assert content["overall"]["macro_f1"]["value"] == pytest.approx(metrics["test/f1"], abs=1e-6)
    predictions = rows_of(folder / "predictions.csv")
    labels, classes = ([row[key] for row in predictions] for key in ("label", "class"))
    assert labels == [row["y"] for row in ROWS[:30]]
    counts = list(csv.reader((folder / "confusion.csv").open()))
    assert counts[0] == ["true class", "ham", "spam"]
    wanted = confusion_matrix(labels, classes, labels=["ham", "spam"])
    assert [list(map(int, row[1:])) for row in counts[1:]] == wanted.tolist()
    assert [row["right"] for row in predictions] == [
        str(a == b).lower() for a, b in zip(labels, classes, strict=True)
    ]


def test_a_threshold_is_chosen_on_val_and_kept(copy, tmp_path, capsys):
    evaluate(copy, threshold="best:f1", temperature="fit")
    kept = json.loads((copy / layout.DECISION).read_text())
    assert kept["words"] == {"threshold": "best:f1", "temperature": "fit"}
    assert kept["facts"]["split"] == "val"
    evaluate(copy, split="val")
    val = rows_of(layout.evaluation(copy, "val") / "predictions.csv")
    is_spam = [row["label"] == "spam" for row in val]
    scores = np.array([float(row["probability_spam"]) for row in val])
    values = [f1_score(is_spam, scores >= score) for score in scores]
    assert kept["facts"]["f1"] == pytest.approx(max(values))
    assert [row["class"] == "spam" for row in val] == (scores >= kept["threshold"]).tolist()
    capsys.readouterr()
    # The test is decided alike, and so is what wavspa-predict answers.
    evaluate(copy)
    assert "decided by: temperature" in capsys.readouterr().out
    test = rows_of(layout.evaluation(copy, "test") / "predictions.csv")
    source = read_config(copy).dataset.test
    predict({"run": str(copy), "input": source, "output": str(tmp_path / "out.csv")})
    assert "decided by: temperature" in capsys.readouterr().err
    answered = rows_of(tmp_path / "out.csv")
    assert [row["class"] for row in answered] == [row["class"] for row in test]
    for ours, theirs in zip(answered, test, strict=True):
        probability = float(theirs["probability_spam"])
        assert float(ours["probability_spam"]) == pytest.approx(probability, abs=1e-6)
    # A number takes its place; the temperature stays as it was asked for.
    evaluate(copy, threshold="0.999999")
    again = json.loads((copy / layout.DECISION).read_text())
    assert (again["threshold"], again["temperature"]) == (0.999999, kept["temperature"])
    test = rows_of(layout.evaluation(copy, "test") / "predictions.csv")
    assert {row["class"] for row in test} == {"ham"}


def test_a_rerun_forgets_what_was_decided():
    assert {layout.DECISION, layout.EVALUATION} <= set(layout.OF_A_RUN)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"resamples": "-1"}, r"resamples must be a whole number of at least 0, got '-1'"),
        ({"resamples": "many"}, r"resamples must be a whole number of at least 0, got 'many'"),
        ({"threshold": "2"}, r"threshold must be a number between 0 and 1 or best:f1, got '2'"),
        ({"temperature": "hot"}, r"temperature must be a number above 0 or fit, got 'hot'"),
    ],
)
def test_impossible_words_leave_nothing(copy, words, message):
    with pytest.raises(UserError, match=message):
        evaluate(copy, **words)
    assert not (copy / layout.DECISION).exists()
    assert not (copy / layout.EVALUATION).exists()


def test_files_go_where_folder_names(copy, tmp_path):
    source = read_config(copy).dataset.test
    evaluate(copy, input=source)
    assert (layout.evaluation(copy, "input-test") / "evaluation.json").exists()
    evaluate(copy, input=source)  # the same file again
    other = tmp_path / "other.d" / Path(source).name
    other.parent.mkdir()
    other.write_bytes(Path(source).read_bytes())
    with pytest.raises(UserError, match=f"input-test has the results for {source}: .* by folder="):
        evaluate(copy, input=str(other))
    evaluate(copy, input=source, folder=str(tmp_path / "a" / "b"), resamples="0")
    content = json.loads((tmp_path / "a" / "b" / "evaluation.json").read_text())
    assert content["rows"] == source
    assert content["overall"]["mcc"]["interval"] is None
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="folder=FOLDER"):
        evaluate(copy, folder=str(tmp_path / "file"))


def test_two_runs_are_compared_on_the_same_rows(runs, monkeypatch, capsys):
    _, first, second = runs
    with pytest.raises(UserError, match="has not been evaluated yet: wavspa-evaluate run="):
        significance(first, second, monkeypatch=monkeypatch)
    evaluate(first)
    evaluate(second)
    capsys.readouterr()
    significance(first, second, "--resamples", "50", monkeypatch=monkeypatch)
    printed = capsys.readouterr().out
    assert "30 rows of test" in printed
    assert "McNemar's exact test: A alone is right on" in printed
    with pytest.raises(UserError, match="--significance compares two runs, got 1"):
        significance(first, monkeypatch=monkeypatch)
    with pytest.raises(UserError, match="--resamples must be a whole number of at least 1, got 0"):
        significance(first, second, "--resamples", "0", monkeypatch=monkeypatch)


def test_other_rows_are_refused(runs, copy, tmp_path, monkeypatch):
    place, first, _ = runs
    evaluate(first)
    evaluate(copy)
    predictions = layout.evaluation(copy, "test") / "predictions.csv"
    lines = predictions.read_text().splitlines(keepends=True)
    predictions.write_text("".join(lines[:-1]))
    with pytest.raises(UserError, match="were tested on different rows: 30 and 29"):
        significance(first, copy, monkeypatch=monkeypatch)
    swapped = [lines[0], lines[2], lines[1], *lines[3:]]
    predictions.write_text("".join(swapped))
    with pytest.raises(UserError, match="row 0 is 'ham' and 'spam'"):
        significance(first, copy, monkeypatch=monkeypatch)
    # The same labels in the same order, of other texts.
    other = write(tmp_path / "test.csv", [{**row, "body": row["body"] + "!"} for row in ROWS[:30]])
    paths = ["dataset=files", f"dataset.train={place / 'train.csv'}", f"dataset.test={other}"]
    folder = finished_run(tmp_path, *paths, *OPTIONS)
    evaluate(folder)
    with pytest.raises(UserError, match="not the same files and choices"):
        significance(first, folder, monkeypatch=monkeypatch)
    predictions.write_text("row,label\n0,sp\n")
    with pytest.raises(UserError, match=r"evaluation/test is damaged"):
        significance(first, copy, monkeypatch=monkeypatch)
    content = json.loads(predictions.with_name("evaluation.json").read_text())
    predictions.write_text("".join(lines))
    for torn in (1, {key: value for key, value in content.items() if key != "step"}):
        predictions.with_name("evaluation.json").write_text(json.dumps(torn))
        with pytest.raises(UserError, match=r"evaluation/test is damaged"):
            significance(first, copy, monkeypatch=monkeypatch)
    predictions.with_name("evaluation.json").write_text(json.dumps({**content, "step": 1}))
    with pytest.raises(
        UserError, match="belongs to the checkpoint of step 1, but the best one is now"
    ):
        significance(first, copy, monkeypatch=monkeypatch)


def test_a_task_without_classes_writes_its_metrics(tmp_path, capsys):
    folder = finished_run(tmp_path, "dataset=lego", "task=lego", "dataset.limit=20")
    metrics = evaluate(folder)
    content = json.loads((layout.evaluation(folder, "test") / "evaluation.json").read_text())
    assert content["metrics"] == metrics
    assert "classes" not in content
    with pytest.raises(UserError, match="threshold= is for runs that classify"):
        evaluate(folder, threshold="0.4")
