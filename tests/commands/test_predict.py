"""``wavspa-predict`` on runs of one text, of two and of expressions."""

import fcntl
import io
import json
import signal
import subprocess
import sys
import termios

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from support.tiny_files import write_rows
from support.tiny_predictions import predicted, probabilities, score_of, share_of_hits
from support.tiny_runs import tiny_run
from support.waiting import until
from wavspa import load_model
from wavspa.commands.predict import predict
from wavspa.data.lra.listops.grammar import decode
from wavspa.data.prediction_inputs import open_input
from wavspa.errors import UserError
from wavspa.launching import inference
from wavspa.launching.analysis.trained_run import TrainedRun
from wavspa.launching.inference.predictor import Predictor
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.worker import run

ROWS = [
    {
        "n": i,
        "body": f'"text" é, {i} ' + "ab"[i % 2] * (i % 11),
        "other": "x" * (1 + i % 5),
        "y": name,
    }
    for i, name in enumerate(["spam", "ham", "ham"] * 14)
]
FILES = ["dataset.text=body", "dataset.label=y", "dataset.batch_size=8", "dataset.limit=null"]
SHORT = ["trainer.max_steps=4", "trainer.val_every=2"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("predict")
    for name in ("train.jsonl", "test.jsonl", "test.csv", "test.parquet"):
        write_rows(folder / name, ROWS)
    (folder / "test.txt").write_text("".join(row["body"] + "\n" for row in ROWS))
    return folder


@pytest.fixture(scope="module")
def texts(place):
    return trained(place, "dataset=files", "tokenizer=characters", *FILES)


def trained(place, *words):
    paths = [f"dataset.{split}={place / split}.jsonl" for split in ("train", "test")]
    folder = tiny_run(place, *(paths if "dataset.text=body" in words else []), *words, *SHORT)
    run(folder)
    return folder


def from_the_loader(folder):
    """The probabilities that the model gives the batches of the run's own test."""
    loader, model = (opened := TrainedRun(folder, read_config(folder), "test")).data, opened.model
    with torch.inference_mode():
        parts = []
        for *tensors, _ in loader.test_dataloader():
            pairs = [tensors[i] for i in (0, 2, 1, 3)] if len(tensors) == 4 else tensors
            parts.append(model(*pairs).softmax(dim=-1))
    return torch.cat(parts).numpy()


def test_it_is_right_as_often_as_the_test_says(place, texts):
    rows = predicted(texts, place, input=str(place / "test.jsonl"), id="n,y")
    assert [row["n"] for row in rows] == [str(i) for i in range(42)]
    assert share_of_hits(rows, "y") == score_of(texts, "accuracy")
    assert list(rows[0]) == ["n", "y", "class", "probability_ham", "probability_spam"]
    np.testing.assert_allclose(probabilities(rows), from_the_loader(texts), atol=1e-6)


@pytest.mark.parametrize("name", ["test.csv", "test.parquet", "test.txt", "jsonl", "txt"])
def test_every_input_is_read_alike(place, texts, name, monkeypatch):
    words = {"input": str(place / name)}
    if "." not in name:
        content = (place / f"test.{name}").read_bytes()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        words = {"input": "-", "kind": name}
    np.testing.assert_allclose(
        probabilities(predicted(texts, place, **words)), from_the_loader(texts), atol=1e-6
    )


def test_pairs_whose_pads_count_are_batched_as_in_the_test(place):
    words = ["dataset=file_pairs", "dataset.text2=other", "tokenizer=bpe", "model.padding=upstream"]
    folder = trained(place, *words, *FILES)
    rows = predicted(folder, place, input=str(place / "test.csv"))
    np.testing.assert_allclose(probabilities(rows), from_the_loader(folder), atol=1e-6)
    swapped = predicted(folder, place, input=str(place / "test.csv"), column="other,body")
    assert np.abs(probabilities(rows) - probabilities(swapped)).max() > 1e-3
    with pytest.raises(
        UserError, match=r"test\.txt: an example has 2 parts, as in body, other; got line"
    ):
        predicted(folder, place, input=str(place / "test.txt"))


def test_expressions(place):
    sizes = [f"dataset.{split}_examples=50" for split in ("train", "val", "test")]
    folder = trained(place, "dataset=listops_short", *sizes)
    examples = TrainedRun(folder, read_config(folder), "test").examples(50)
    (place / "lists.txt").write_text("".join(f"{decode(tokens)}\n" for tokens, _ in examples))
    rows = predicted(folder, place, input=str(place / "lists.txt"))
    np.testing.assert_allclose(probabilities(rows), from_the_loader(folder), atol=1e-6)
    (place / "lists.txt").write_text("[MAX 1 2 ]\n[MAX 1 x ]\n")
    with pytest.raises(UserError, match=r"lists\.txt, line 2: 'x' is not a symbol of ListOps"):
        predicted(folder, place, input=str(place / "lists.txt"))


def test_no_more_than_a_window_is_read_ahead(place, texts, monkeypatch):
    monkeypatch.setattr(inference.predictor, "WINDOW", 2)
    predictor, read = Predictor(texts, read_config(texts)), []
    table = open_input(str(place / "test.jsonl"))
    monkeypatch.setattr(table, "at", lambda line: read.append(line) or str(line))
    answers = predictor.answers(table, ["body"], ["n"])
    first = next(answers)
    assert len(first.ids) == len(read) == 16
    assert [first.ids, *(part.ids for part in answers)][-1] == [(str(n),) for n in range(32, 42)]


def test_outputs_agree_and_the_head_makes_classes_of_embeddings(place, texts):
    words = {"run": str(texts), "input": str(place / "test.csv"), "embeddings": "true"}
    for kind in ("jsonl", "parquet"):
        predict({**words, "output": str(place / f"out.{kind}")})
    rows = predicted(texts, place, **words)
    lines = [json.loads(line) for line in (place / "out.jsonl").read_text().splitlines()]
    assert lines == pq.read_table(place / "out.parquet").to_pylist()
    embeddings = torch.tensor([line["embedding"] for line in lines])
    assert [float(rows[-1][f"embedding_{i}"]) for i in range(16)] == pytest.approx(
        embeddings[-1].tolist()
    )
    with torch.inference_mode():
        again = load_model(texts).head(embeddings).softmax(dim=-1)
    np.testing.assert_allclose(probabilities(rows), again, atol=1e-6)
    assert [row["class"] for row in rows] == [line["class"] for line in lines]


def test_submissions(place, texts, capfdbinary):
    rows = predicted(texts, place, input=str(place / "test.csv"))
    words = {"run": str(texts), "input": str(place / "test.csv"), "id": "n"}
    predict({**words, "format": "d2a"})
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert [line.split(" ")[0] for line in lines] == [str(n) for n in range(42)]
    assert [float(line.split(" ")[1]) for line in lines] == pytest.approx(
        probabilities(rows)[:, 1].tolist(), abs=1e-6
    )
    predict({**words, "format": "codexglue"})
    number = {"ham": 0, "spam": 1}
    assert capfdbinary.readouterr().out.decode() == "".join(
        f"{n}\t{number[row['class']]}\n" for n, row in enumerate(rows)
    )
    with pytest.raises(UserError, match=r"test\.csv has no column 'idx'; its columns are 'n', "):
        predict({**words, "id": "", "format": "codexglue"})


def test_a_broken_row_is_named_and_leaves_what_was_there(place, texts):
    (place / "kept.csv").write_text("old")
    broken = (place / "test.jsonl").read_text() + '{"body": 3}\n'
    (place / "broken.jsonl").write_text(broken)
    words = {"run": str(texts), "input": str(place / "broken.jsonl")}
    with pytest.raises(UserError, match=r"broken\.jsonl, line 43: the column 'body' holds 3, "):
        predict({**words, "output": str(place / "kept.csv")})
    assert (place / "kept.csv").read_text() == "old"
    assert not list(place.glob(".kept.csv*"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"input": "nowhere.csv"}, "there is no file nowhere.csv"),
        ({"input": "nowhere.txt"}, "there is no file nowhere.txt"),
        ({"kind": "xml"}, "kind='xml' is unknown; choose one of txt, csv, "),
        ({"input": "-", "kind": "csv"}, "kind=csv: standard input is read as txt or jsonl"),
        (
            {"names": "a,b", "kind": "jsonl"},
            "names= is for csv and tsv without header, and not for ",
        ),
        ({"input": "."}, r"\. holds pictures, but .* holds texts"),
        ({"column": "bodi"}, "test.csv has no column 'bodi'; its columns are 'n', 'body', "),
        ({"column": "body,other"}, "an example has 1 part, .*; got body, other"),
        ({"embeddings": "yes"}, "embeddings must be true or false, got 'yes'"),
        ({"output": "x.xls"}, "output=x.xls: its name has to end in .csv, .jsonl, .parquet, or "),
        ({"output": "no/x.csv"}, "output=no/x.csv cannot be written .No such file"),
        (
            {"format": "tsv"},
            "format='tsv' is unknown; choose one of csv, jsonl, parquet, txt, conll, d2a, codexglue",
        ),
        ({"format": "parquet"}, "format=parquet cannot go to standard output"),
        ({"id": "n,n"}, "id=n,n: there would be two columns 'n'"),
        ({"dataset.batchsize": "3"}, "this run has no option 'dataset.batchsize'"),
    ],
)
def test_mistakes_are_named(place, texts, words, message):
    with pytest.raises(UserError, match=message):
        predict({"run": str(texts), "input": str(place / "test.csv"), **words})


@pytest.mark.parametrize("name", ["card.json", "status.json", "checkpoints/best.csv", ".lock"])
def test_a_run_s_own_files_are_not_written_over(place, texts, name):
    words = {"run": str(texts), "input": str(place / "test.csv"), "format": "jsonl"}
    before = (texts / "card.json").read_text()
    with pytest.raises(UserError, match=f"{name} is the run's own: name a file outside of"):
        predict({**words, "output": str(texts / name)})
    assert (texts / "card.json").read_text() == before


@pytest.mark.slow
def test_no_input():
    command = [sys.executable, "-m", "wavspa.commands.predict", "run=x"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == ("error: input=FILE is missing: wavspa-predict run=FOLDER input=FILE\n")


def bytes_in(pipe):
    """How many bytes a pipe holds that nobody has read yet."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


@pytest.mark.slow
def test_an_interrupted_command_leaves_nothing(place, texts, tmp_path):
    words = [f"run={texts}", "input=-", f"output={tmp_path / 'out.csv'}"]
    command = [sys.executable, "-m", "wavspa.commands.predict", *words]
    options = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # Whoever runs the tests in the background may have told them to ignore it.
    options["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, **options) as process:
        process.stdin.write("a text\n")
        process.stdin.flush()
        # It has its output's temporary file and has read the line: it waits for more.
        waits = lambda: list(tmp_path.iterdir()) and not bytes_in(process.stdin)  # noqa: E731
        until(lambda: process.poll() is not None or waits(), "it waits for more")
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        assert process.stderr.read() == "error: interrupted\n"
    assert not list(tmp_path.iterdir())
