"""``wavspa-predict`` on the benchmarks' own files says what their tests say."""

import json

import numpy as np
import pytest
import torch

from support.tiny_files import write_rows
from support.tiny_predictions import embeddings, predicted, probabilities, score_of, share_of_hits
from support.tiny_runs import tiny_run
from wavspa.commands.evaluate import print_metrics
from wavspa.commands.predict import predict
from wavspa.data.d2a.files import COLUMNS as D2A_COLUMNS
from wavspa.data.lra.aan import COLUMNS as AAN_COLUMNS
from wavspa.data.lra.aan import FILES as AAN_FILES
from wavspa.errors import UserError
from wavspa.launching.run.worker import run
from wavspa.tasks import metrics
from wavspa.tasks.metrics import map_at_r

RNG = np.random.default_rng(0)
SHORT = [
    "trainer.max_steps=4",
    "trainer.val_every=2",
    "dataset.limit=null",
    "dataset.max_length=48",
    "dataset.batch_size=8",
]


def trained(place, *words):
    folder = tiny_run(place, *SHORT, *words)
    run(folder)
    return folder


def code():
    """A text of one line and of random length."""
    words = RNG.choice(["int", "if", "free(p)", "p->q", "return", '"s"', "'x'", "{", "}"], 20)
    return " ".join(words[: RNG.integers(1, 20)])


def assert_scores(folder, rows, label, names):
    """The run's test metrics ``names`` come out of the probabilities in the rows."""
    made = metrics.detection(2) | metrics.clones(2)
    logits = torch.from_numpy(probabilities(rows)).log()
    labels = torch.tensor([int(row[label] in ("1", "1.0", "True")) for row in rows])
    for name in names:
        made[name].update(logits, labels)
        assert made[name].compute().item() == pytest.approx(score_of(folder, name), abs=1e-6)


def submitted(folder, place, kind, **words):
    """The fields of the lines of a submission."""
    typed = {key: str(value) for key, value in words.items()}
    predict({"run": str(folder), "output": str(place / "out.txt"), "format": kind, **typed})
    between = " " if kind == "d2a" else "\t"
    return [line.split(between) for line in (place / "out.txt").read_text().splitlines()]


def evaluated(folder, source, **words):
    """The metrics on the benchmark's own file, typed as another one."""
    return print_metrics({"run": str(folder), "input": str(source), "resamples": "0", **words}, [])


@pytest.mark.slow
@pytest.mark.parametrize("kind", D2A_COLUMNS)
def test_d2a(tmp_path, kind):
    for split, count in (("train", 80), ("dev", 30)):
        rows = [
            {
                "id": 9 * i,
                "label": i % 3 % 2,
                "bug_url": f"https://github.com/a/b/blob/0/f{i}.c/#L{i}",
                "trace": f"f{i}.c:{i}: error: {code()}\n {code()}",
                "bug_function": code(),
                "code": f"void f{i}() {{ {code()} }}",
                "functions": repr([code(), code()]),
            }
            for i in range(count)
        ]
        kept = ["id", "label", "bug_url", *D2A_COLUMNS[kind]]
        rows = [{name: row[name] for name in kept} for row in rows]
        write_rows(tmp_path / "data" / "d2a" / kind / f"d2a_lbv1_{kind}_{split}.csv", rows)
    folder = trained(tmp_path, f"dataset=d2a/{kind}", "tokenizer=bytes")
    source = tmp_path / "data" / "d2a" / kind / f"d2a_lbv1_{kind}_dev.csv"
    predictions = predicted(folder, tmp_path, input=source, id="id,label")
    assert share_of_hits(predictions, "label") == score_of(folder, "accuracy")
    names = ["accuracy"] if kind == "function" else ["auroc", "f1_at_5_fpr"]
    assert_scores(folder, predictions, "label", names)
    lines = submitted(folder, tmp_path, "d2a", input=source)
    assert [first for first, _ in lines] == [row["id"] for row in predictions]
    given = np.array([second for _, second in lines], np.float32)
    np.testing.assert_array_equal(given, probabilities(predictions)[:, 1])


def test_devign(tmp_path):
    for split, count in (("train", 40), ("valid", 10), ("test", 30)):
        rows = [{"func": code(), "target": i % 3 % 2, "idx": 7 * i} for i in range(count)]
        write_rows(tmp_path / "data" / "codexglue" / "defect" / f"{split}.jsonl", rows)
    folder = trained(tmp_path, "dataset=codexglue/defect", "tokenizer=bytes")
    source = tmp_path / "data" / "codexglue" / "defect" / "test.jsonl"
    rows = predicted(folder, tmp_path, input=source, id="idx,target")
    assert share_of_hits(rows, "target") == score_of(folder, "accuracy")
    lines = submitted(folder, tmp_path, "codexglue", input=source)
    assert lines == [[row["idx"], row["class"]] for row in rows]
    # The hub's files have truth values.
    told = [json.loads(line) for line in source.read_text().splitlines()]
    hub = tmp_path / "hub.parquet"
    write_rows(hub, [row | {"target": bool(row["target"])} for row in told])
    assert evaluated(folder, hub, label="target")["test/accuracy"] == score_of(folder, "accuracy")


@pytest.mark.slow
def test_bigclonebench(tmp_path):
    place = tmp_path / "data" / "code_x_glue_cc_clone_detection_big_clone_bench"
    functions = [code() for _ in range(12)]
    for split, count in (("train", 60), ("validation", 30), ("test", 30)):
        pairs = RNG.integers(0, 12, (count, 2)).tolist()
        rows = [
            {
                "id": i,
                "id1": a,
                "id2": b,
                "func1": functions[a],
                "func2": functions[b],
                "label": i % 3 == 0,
            }
            for i, (a, b) in enumerate(pairs)
        ]
        write_rows(place / f"{split}-00000-of-00001.parquet", rows)
    folder = trained(tmp_path, "dataset=codexglue/clone", "tokenizer=bytes")
    source = place / "test-00000-of-00001.parquet"
    predictions = predicted(folder, tmp_path, input=source, id="id1,id2,label")
    assert_scores(folder, predictions, "label", ["f1", "precision", "recall", "accuracy"])
    lines = submitted(folder, tmp_path, "codexglue", input=source, id="id1,id2")
    assert lines == [[row["id1"], row["id2"], row["class"]] for row in predictions]


@pytest.mark.slow
def test_aan(tmp_path):
    for name in AAN_FILES.values():
        rows = [f'{i % 2}.0\tP{i}\tW{i}\t"{code()}\t{code()}\n' for i in range(30)]
        (tmp_path / "data" / "aan").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / "aan" / name).write_text("".join(rows))
    folder = trained(tmp_path, "dataset=lra/retrieval")
    source = tmp_path / "data" / "aan" / AAN_FILES["test"]
    rows = predicted(folder, tmp_path, input=source, names=",".join(AAN_COLUMNS), id="id1,label")
    named = {"0.0": "unrelated", "1.0": "one cites the other"}
    rows = [{**row, "y": named[row["label"]]} for row in rows]
    assert rows[29]["id1"] == "P29"
    found = evaluated(folder, source, names=",".join(AAN_COLUMNS))
    assert found["test/accuracy"] == score_of(folder, "accuracy")
    assert share_of_hits(rows, "y") == score_of(folder, "accuracy")


@pytest.mark.slow
def test_text(tmp_path):
    for split in ("train", "test"):
        rows = [{"text": f"{code()}<br /> {i}", "label": i % 2} for i in range(40)]
        write_rows(tmp_path / "data" / "imdb" / f"{split}-00000-of-00001.parquet", rows)
    folder = trained(tmp_path, "dataset=lra/text", "dataset.complete=false")
    source = tmp_path / "data" / "imdb" / "test-00000-of-00001.parquet"
    rows = predicted(folder, tmp_path, input=source, id="label")
    rows = [{**row, "y": ["neg", "pos"][int(row["label"])]} for row in rows]
    assert share_of_hits(rows, "y") == score_of(folder, "accuracy")


@pytest.mark.slow
def test_listops(tmp_path):
    for split in ("train", "val", "test"):
        rows = ["Source\tTarget\n"]
        rows += [f"( ( ( [MAX {i % 9} ) {i % 7} ) ] )\t{max(i % 9, i % 7)}\n" for i in range(40)]
        (tmp_path / "data" / "listops-1000").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / "listops-1000" / f"basic_{split}.tsv").write_text("".join(rows))
    folder = trained(tmp_path, "dataset=lra/listops", "dataset.generate=false")
    source = tmp_path / "data" / "listops-1000" / "basic_test.tsv"
    rows = predicted(folder, tmp_path, input=source, id="Target")
    assert share_of_hits(rows, "Target") == score_of(folder, "accuracy")


@pytest.mark.slow
def test_poj104_gives_embeddings_alone(tmp_path):
    splits = {"train": range(1, 5), "valid": range(65, 69), "test": range(81, 87)}
    for split, problems in splits.items():
        rows = [
            {"label": str(problem), "index": str(10 * problem + i), "code": code()}
            for problem in problems
            for i in range(5)
        ]
        write_rows(tmp_path / "data" / "codexglue" / "poj104" / f"{split}.jsonl", rows)
    folder = trained(tmp_path, "dataset=codexglue/poj104", "tokenizer=bytes")
    source = tmp_path / "data" / "codexglue" / "poj104" / "test.jsonl"
    rows = predicted(folder, tmp_path, input=source, id="index,label")
    assert list(rows[0])[:3] == ["index", "label", "embedding_0"]
    labels = torch.tensor([int(row["label"]) for row in rows])
    score = map_at_r(torch.from_numpy(embeddings(rows)), labels)
    assert score.item() == pytest.approx(score_of(folder, "map_at_r"), abs=1e-6)
    with pytest.raises(UserError, match="format=codexglue needs two classes; this run has none"):
        submitted(folder, tmp_path, "codexglue", input=source)


def test_lego_has_nothing_to_predict(tmp_path):
    (tmp_path / "a.txt").write_text("a = val 1\n")
    with pytest.raises(
        UserError, match="is a run on lego, which neither classifies nor embeds new"
    ):
        predicted(tiny_run(tmp_path, "dataset=lego"), tmp_path, input=tmp_path / "a.txt")
