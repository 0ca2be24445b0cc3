"""``task=tagging`` from files to predictions, scores, figures and an export."""

import csv
import json
import random

import numpy as np
import pytest
import seqeval.metrics
import torch

import wavspa
from support.tiny_files import write_rows
from support.tiny_predictions import score_of
from support.tiny_runs import tiny_run
from wavspa.commands.evaluate import print_metrics
from wavspa.commands.export import export
from wavspa.commands.figures import draw
from wavspa.commands.predict import predict
from wavspa.errors import UserError
from wavspa.launching.run.worker import run

PEOPLE, PLACES, OTHERS = ["Ann", "Zoë", "陳"], ["Rome", "New York"], ["the", "saw", "went"]


def made(count, seed):
    """Rows of words with tags, and with spans."""
    chance, rows = random.Random(seed), []
    for _ in range(count):
        words, tags = [], []
        for _ in range(chance.randint(2, 4)):
            kind = chance.choice(["PER", "LOC", "O"])
            some = {"PER": PEOPLE, "LOC": PLACES, "O": OTHERS}[kind]
            for number, word in enumerate(chance.choice(some).split()):
                words.append(word)
                tags.append("O" if kind == "O" else f"{'I' if number else 'B'}-{kind}")
        rows.append({"tokens": words, "tags": tags})
    return rows


TRAIN, TEST = made(60, 0), made(20, 1)
SHORT = ["dataset.limit=null", "optimizer.lr=0.02", "dataset.max_length=48"]


def conll(rows):
    lines = (
        "".join(f"{word} {tag}\n" for word, tag in zip(*row.values(), strict=True)) for row in rows
    )
    return "-DOCSTART- O\n\n" + "\n".join(lines)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tagging")
    for name, rows in (("train", TRAIN), ("test", TEST)):
        (folder / f"{name}.conll").write_text(conll(rows), encoding="utf-8")
        write_rows(folder / f"{name}.jsonl", rows)
    return folder


def words_of(place, kind, *words):
    paths = [f"dataset.{split}={place / name}.{kind}" for split, name in SPLITS.items()]
    return ["dataset=tagging", *paths, *SHORT, *words]


SPLITS = {"train": "train", "val": "test", "test": "test"}


def trained(place, kind, *words):
    folder = tiny_run(place, *words_of(place, kind, *words))
    run(folder)
    return folder


@pytest.fixture(scope="module")
def folder(place):
    steps = ["trainer.max_steps=40", "trainer.val_every=40"]
    return trained(place, "conll", "model.dim=32", *steps)


def told(folder, place, source, output="out.jsonl", **words):
    predict({"run": str(folder), "input": str(source), "output": str(place / output), **words})
    return (place / output).read_text(encoding="utf-8")


def told_rows(folder, place, source, **words):
    return [json.loads(line) for line in told(folder, place, source, **words).splitlines()]


def test_it_learns_and_its_scores_are_those_of_its_predictions(place, folder):
    rows = told_rows(folder, place, place / "test.conll")
    assert [row["tokens"] for row in rows] == [row["tokens"] for row in TEST]
    tags = [[row["tags"] for row in told] for told in (TEST, rows)]
    f1 = seqeval.metrics.f1_score(*tags)
    assert score_of(folder, "entity_f1") == pytest.approx(f1)
    assert f1 > 0.8
    for row in rows:
        text = " ".join(row["tokens"])
        assert all(text[one["start"] : one["end"]] == one["text"] for one in row["spans"])
    status = json.loads((folder / "status.json").read_text())
    assert status["best"]["metric"] == "val/entity_f1"


def test_another_file_is_scored_and_a_table_of_types_is_written(place, folder, capsys):
    metrics = print_metrics({"run": str(folder), "input": str(place / "test.jsonl")}, [])
    assert metrics["test/entity_f1"] == pytest.approx(score_of(folder, "entity_f1"))
    shown = capsys.readouterr().out
    assert "entity" in shown
    assert "PER" in shown
    written = folder / "evaluation/input-test"
    content = json.loads((written / "evaluation.json").read_text())
    report = seqeval.metrics.classification_report(
        [row["tags"] for row in TEST],
        [row["tags"] for row in told_rows(folder, place, place / "test.jsonl")],
        output_dict=True,
        zero_division=0,
    )
    assert content["entities"]["PER"]["f1"] == pytest.approx(report["PER"]["f1-score"])
    assert content["entities"]["LOC"]["support"] == report["LOC"]["support"]
    assert content["words"] == sum(len(row["tokens"]) for row in TEST)
    with (written / "confusion.csv").open() as file:
        table = list(csv.reader(file))
    assert table[0] == ["true tag", "B-LOC", "B-PER", "I-LOC", "I-PER", "O", "not read"]
    assert sum(int(cell) for row in table[1:] for cell in row[1:]) == content["words"]


def test_plain_text_is_answered_in_each_format(place, folder):
    text = "the Zoë saw, Ann"
    (place / "new.txt").write_text(f"{text}\n", encoding="utf-8")
    (row,) = told_rows(folder, place, place / "new.txt")
    assert row["tokens"] == ["the", "Zoë", "saw", ",", "Ann"]
    assert all(text[one["start"] : one["end"]] == one["text"] for one in row["spans"])
    lines = told(folder, place, place / "new.txt", "out.conll")
    pairs = zip(row["tokens"], row["tags"], strict=True)
    assert lines == "".join(f"{word}\t{tag}\n" for word, tag in pairs) + "\n"
    (of_csv,) = csv.DictReader(told(folder, place, place / "new.txt", "out.csv").splitlines())
    assert json.loads(of_csv["tags"]) == row["tags"]
    assert json.loads(of_csv["spans"]) == row["spans"]
    # Of words that are not read nothing is said.
    (row,) = told_rows(folder, place, place / "new.txt", **{"dataset.max_length": "5"})
    assert row["tags"][2:] == ["O"] * 3


def test_listed_words_with_tabs_and_ends_of_lines_stay_one_word_a_line(place, folder, capsys):
    source = place / "odd.jsonl"
    write_rows(source, [{"tokens": ["Ann", "", "New\tYork"]}, {"tokens": ["a\nb", "saw\r"]}])
    lines = told(folder, place, source, "out.conll").split("\n")
    assert [line.split("\t")[0] for line in lines] == [
        "Ann",
        "",
        "New York",
        "",
        "a b",
        "saw ",
        "",
        "",
    ]
    assert "1 words are empty or begin after dataset.max_length=" in capsys.readouterr().err


def test_an_export_gives_the_logits_of_each_token(place, folder):
    export({"run": str(folder), "output": str(place / "model")})
    config = json.loads((place / "model/config.json").read_text())
    assert config["scheme"] == "lenient"
    names = list(config["id2label"].values())
    row = TEST[0]
    text = " ".join(row["tokens"])
    tokens = torch.tensor([[byte + 1 for byte in text.encode()]])
    with torch.inference_mode():
        found = wavspa.load_model(place / "model")(tokens).argmax(dim=-1)[0]
    starts = [0, *np.cumsum([len(word.encode()) + 1 for word in row["tokens"]])[:-1]]
    (first, *_) = told_rows(folder, place, place / "test.conll")
    assert [names[found[start]] for start in starts] == first["tags"]


def test_the_confusion_of_tags_is_drawn(folder):
    draw(folder, ["confusion"], "test", ["png"], [])
    assert (folder / "figures/confusion.png").exists()


def test_tags_without_entities_have_scores_of_words_and_weights(place):
    for name, rows in (("train", TRAIN), ("test", TEST)):
        plain = [{**row, "tags": [tag[-3:] for tag in row["tags"]]} for row in rows]
        write_rows(place / f"plain/{name}.jsonl", plain)
    folder = trained(place / "plain", "jsonl", "task.class_weights=balanced")
    status = json.loads((folder / "status.json").read_text())
    assert status["best"]["metric"] == "val/token_f1"
    assert {name for name in status["test"] if "entity" in name} == set()
    row, *_ = told_rows(folder, place, place / "test.jsonl")
    assert set(row["tags"]) <= {"PER", "LOC", "O"}
    assert [one["text"] for one in row["spans"]] == row["tokens"]


def test_texts_with_spans_start_from_a_masked_run(place, tmp_path):
    for name, rows in (("train", TRAIN), ("test", TEST)):
        texts = [" ".join(row["tokens"]) for row in rows]
        spans = [[[0, len(row["tokens"][0]), "FIRST"]] for row in rows]
        items = [{"text": text, "spans": span} for text, span in zip(texts, spans, strict=True)]
        write_rows(tmp_path / f"{name}.jsonl", items)
    paths = [f"dataset.{split}={tmp_path / name}.jsonl" for split, name in SPLITS.items()]
    masked = tiny_run(
        tmp_path,
        "dataset=files",
        "dataset.label=null",
        "task=masked",
        "name=masked",
        *paths,
        *SHORT,
    )
    run(masked)
    words = ["dataset.text=text", "dataset.label=spans", "tokenizer=bytes", f"init.from={masked}"]
    folder = tiny_run(tmp_path, *words_of(tmp_path, "jsonl", *words))
    run(folder)
    taken = json.loads((folder / "init.json").read_text())["taken"]
    assert any("blocks" in name for name in taken)
    assert "embedding.weight" in taken
    row, *_ = told_rows(folder, tmp_path, tmp_path / "test.jsonl")
    assert set(row["tags"]) <= {"B-FIRST", "I-FIRST", "O"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dataset.scheme=IOBES2"], r"dataset\.scheme='IOBES2' is unknown; choose one of"),
        (["dataset.scheme=BILOU"], r"dataset\.scheme=BILOU ends entities with the prefixes L, U"),
        (["dataset.scheme=IOE2"], r"dataset\.scheme=IOE2 does not have the tag 'B-LOC'"),
        (["dataset.unit=line"], r"dataset\.unit='line' is unknown"),
        (["dataset.row=page"], r"dataset\.row='page' is unknown"),
        (["task.class_weights=[1,2]"], r"task\.class_weights must be one for each of 5 classes"),
        (["task=classification"], r"needs labels of the kind class, .* task=tagging"),
        (["model/encoder=classifier"], r"^task\.model must have logits at every token"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(place, tmp_path, words, message):
    with pytest.raises(UserError, match=message) as refused:
        tiny_run(tmp_path, *words_of(place, "jsonl", *words))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "runs").exists()


def test_what_a_command_cannot_do_is_refused(place, folder):
    run_word = {"run": str(folder)}
    (place / "new.txt").write_text("a text\n")
    with pytest.raises(UserError, match=r"embeddings=true: .* tags words"):
        predict({**run_word, "input": str(place / "new.txt"), "embeddings": "true"})
    with pytest.raises(UserError, match="set kind=conll to read a word and its tag per line"):
        print_metrics({**run_word, "input": str(place / "new.txt")}, [])
    with pytest.raises(UserError, match="format=conll has one word per line"):
        told(folder, place, place / "test.jsonl", "out.conll", id="tags")
