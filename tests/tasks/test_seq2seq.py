"""Training on sources and targets, and what is logged of it."""

import csv
import json
from functools import partial
from types import SimpleNamespace

import pytest
import torch

from models.seq2seq.test_encoder_decoder import tiny_model
from support.tiny_files import write_rows
from support.tiny_runs import compose_run, tiny_run
from wavspa import EncoderDecoder, load_model
from wavspa.commands.evaluate import print_metrics
from wavspa.commands.export import export
from wavspa.commands.predict import predict
from wavspa.data import Seq2SeqExample, collate_seq2seq
from wavspa.errors import UserError
from wavspa.launching.analysis.trained_run import TrainedRun
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.validate import validate
from wavspa.launching.run.worker import run
from wavspa.reports.formats.html import page
from wavspa.reports.report import build_report
from wavspa.reports.runs.collect import collect
from wavspa.reports.tables.comparison import Layout
from wavspa.run_folder import layout
from wavspa.tasks import Seq2Seq, text_metrics
from wavspa.tasks.bleu import sentence_bleu
from wavspa.training.optimizers import adamw
from wavspa.training.schedules import constant


def task_of(model, **options):
    return Seq2Seq(model, partial(adamw, lr=1e-3), partial(constant, warmup=0), **options)


@pytest.fixture
def batch():
    torch.manual_seed(4)
    rows = [torch.randint(1, 19, (n,)).numpy() for n in (5, 9, 7, 3)]
    examples = [Seq2SeqExample(rows[i], rows[j], rows[j], 0) for i, j in ((0, 2), (1, 3), (3, 0))]
    return collate_seq2seq(examples)


def test_the_loss_is_the_mean_over_target_tokens(batch):
    task = task_of(tiny_model())
    logits = task(batch.tokens, batch.targets, batch.lengths)
    by_hand, smoothed, right = [], [], []
    for row, length in enumerate(batch.target_lengths):
        for place in range(length):
            log_probability = logits[row, place].log_softmax(0)
            token = batch.targets[row, place]
            by_hand.append(-log_probability[token])
            smoothed.append(-0.9 * log_probability[token] - 0.1 * log_probability.mean())
            right.append(logits[row, place].argmax() == token)
    for smoothing, expected in ((0.0, by_hand), (0.1, smoothed)):
        loss, accuracy = task.losses_of(batch, smoothing)
        torch.testing.assert_close(loss.value, torch.stack(expected).mean())
        assert loss.weight == batch.target_lengths.sum() == len(by_hand)
        assert float(accuracy.value) == pytest.approx(float(torch.stack(right).float().mean()))
    # What stands at pads is of no account.
    other = batch._replace(targets=batch.targets.masked_fill(batch.targets == 0, 5))
    torch.testing.assert_close(task.losses_of(other, 0.0)[0].value, torch.stack(by_hand).mean())


def test_texts_are_those_of_the_search(batch):
    task = task_of(tiny_model(), max_length=4, beam_width=2).eval()
    task.use_vocabulary(SimpleNamespace(end_token=19, decode=lambda row: " ".join(map(str, row))))
    texts = task.write(batch)
    alone = task.write(collate_seq2seq([Seq2SeqExample(*(batch[0][2, :3].numpy(),) * 3, 0)]))
    assert texts[2].text == alone[0].text
    assert texts[2].score == pytest.approx(alone[0].score)
    assert all(len(text.text.split()) == 4 or text.ended for text in texts)


@pytest.mark.parametrize(
    ("share", "written"), [(0.0, []), (0.25, [0, 4]), (0.5, [0, 2, 4, 6]), (1.0, list(range(8)))]
)
def test_texts_are_written_of_a_share_of_the_validation(share, written, batch, monkeypatch):
    task = task_of(tiny_model(), val_share=share)
    seen = []
    monkeypatch.setattr(task, "_evaluate", lambda split, batch: None)
    monkeypatch.setattr(task, "write", lambda batch, beam_width: seen.append(number) or [])
    monkeypatch.setattr(task, "_score", lambda split, batch, texts: None)
    for number in range(8):
        task.validation_step(batch, number)
    assert seen == written
    assert ("val/sentence_bleu" in task.logged) == bool(written)


MISTAKES = {
    "label_smoothing": (1.0, r"label_smoothing must be in \[0, 1\), got 1.0"),
    "val_share": (1.5, r"val_share must be in \[0, 1\], got 1.5"),
    "beam_width": (0, "beam_width must be a whole number of at least 1, got 0"),
    "length_penalty": (-1, "length_penalty must be a number of at least 0, got -1"),
    "max_length": (13, "max_length must be at most 12, the longest target, got 13"),
    "monitor": ("val/bleu", "monitor='val/bleu' is unknown; choose one of val/loss, "),
}


@pytest.mark.parametrize("option", MISTAKES)
def test_impossible_values_are_named(option):
    value, message = MISTAKES[option]
    with pytest.raises(ValueError, match=f"^{message}"):
        task_of(tiny_model(), **{option: value})


def test_a_missing_package_and_a_task_of_other_data_are_named(monkeypatch):
    monkeypatch.setattr(text_metrics, "find_spec", lambda name: None)
    words = ["model=tiny", "dataset=docstrings", "dataset.vocab_size=300", "dataset.python=3"]
    with pytest.raises(UserError, match=r"sacrebleu=true needs the package sacrebleu: pip install"):
        validate(compose_run(*words, "task.metrics.sacrebleu=true"))
    with pytest.raises(UserError, match=r"there is no dataset\.max_target_length; choose another"):
        validate(compose_run("model=tiny", "task=summarization"))
    with pytest.raises(UserError, match=r"the model must write sequences: model/encoder=seq2seq"):
        validate(compose_run(*words, "model/encoder=embedding"))
    with pytest.raises(UserError, match=r"^task\.max_length must be at most 48"):
        validate(compose_run(*words, "task.max_length=49"))


# Of a run: what it is trained to write, and how its texts come out of every command.
ROWS = [{"n": n, "q": f"say {'ab'[n % 2] * 3}", "a": f"{'ab'[n % 2] * 3}!"} for n in range(40)]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seq2seq")
    write_rows(folder / "train.jsonl", ROWS)
    write_rows(folder / "test.csv", ROWS[:10])
    return folder


@pytest.fixture(scope="module")
def trained(place):
    folder = tiny_run(
        place,
        *("dataset=file_seq2seq", "tokenizer=bytes", "dataset.source=q", "dataset.target=a"),
        *(f"dataset.train={place / 'train.jsonl'}", f"dataset.test={place / 'test.csv'}"),
        *("dataset.max_length=16", "dataset.max_target_length=6", "dataset.together=equal"),
        *("dataset.val=" + str(place / "test.csv"), "task.val_share=1", "task.beam_width=2"),
        *("model.dim=32", "optimizer.lr=1e-2", "schedule.warmup=5", "model.dropout=0"),
        *("trainer.max_steps=60", "trainer.val_every=60"),
    )
    return folder, run(folder)


def test_a_run_learns_and_keeps_what_it_writes(trained):
    folder, metrics = trained
    assert metrics["test/exact_match"] == metrics["test/sentence_bleu"] == 1
    assert metrics["test/cut_off"] == metrics["test/empty"] == 0
    rows = [json.loads(line) for line in (folder / layout.TEXTS).read_text().splitlines()]
    assert [(row["source"], row["text"]) for row in rows] == [(r["q"], r["a"]) for r in ROWS[:10]]
    assert all(row["reference"] == row["text"] and row["ended"] for row in rows)


def test_new_sources_are_answered_in_their_order(trained, place, capsys):
    folder, _ = trained
    rows = [{"n": 1, "q": "say bbb"}, {"n": 2, "q": "say aaa" + " " * 20}, {"n": 3, "q": "say aaa"}]
    write_rows(place / "new.jsonl", rows)
    words = {"run": str(folder), "input": str(place / "new.jsonl")}
    predict({**words, "output": str(place / "out.txt")})
    lines = (place / "out.txt").read_text().splitlines()
    assert (lines[0], lines[2], len(lines)) == ("bbb!", "aaa!", 3)
    assert "1 of them had more than dataset.max_length=16 tokens" in capsys.readouterr().err
    predict({**words, "output": str(place / "out.csv"), "id": "n"})
    with (place / "out.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == ["n", "text", "score", "ended"]
    assert [row["text"] for row in table] == lines
    assert -1 < float(table[0]["score"]) < 0
    assert table[0]["ended"] == "true"


def test_an_evaluation_writes_the_texts_of_a_split_or_a_file(trained, place, capsys):
    folder, metrics = trained
    again = print_metrics({"run": str(folder), "output": str(place / "test.txt")}, [])
    assert again == pytest.approx(metrics)
    assert (place / "test.txt").read_text().splitlines() == [row["a"] for row in ROWS[:10]]
    val = print_metrics(
        {"run": str(folder), "split": "val", "output": str(place / "val.jsonl")}, []
    )
    assert val["val/exact_match"] == 1
    other = [{"q": "say bbb", "t": "bbb !"}, {"q": "say aaa", "t": "ccc"}]
    write_rows(place / "other.csv", other)
    scored = print_metrics(
        {"run": str(folder), "input": str(place / "other.csv"), "label": "t"}, []
    )
    expected = (sentence_bleu("bbb!", "bbb !") + sentence_bleu("aaa!", "ccc")) / 2
    assert scored["test/sentence_bleu"] == pytest.approx(expected)
    assert scored["test/exact_match"] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            {"output": "x.parquet"},
            r"output=x\.parquet: its name has to end in \.csv, \.jsonl, \.txt",
        ),
        ({"output": "no/x.csv"}, r"output=no/x\.csv: there is no folder no"),
        ({"input": "x.txt"}, r"there is no file x\.txt"),
    ],
)
def test_mistakes_of_an_evaluation_are_named(trained, words, message):
    with pytest.raises(UserError, match=message):
        print_metrics({"run": str(trained[0]), **words}, [])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"embeddings": "true"}, "embeddings=true: .* writes texts and has no embeddings"),
        (
            {"format": "txt", "id": "n"},
            "id=n: format=txt has one text per line and cannot hold columns",
        ),
        ({"format": "d2a", "id": "n"}, "format=d2a needs two classes; this run has none"),
    ],
)
def test_mistakes_of_a_prediction_are_named(trained, place, words, message):
    with pytest.raises(UserError, match=message):
        predict({"run": str(trained[0]), "input": str(place / "test.csv"), **words})


def test_the_report_page_shows_what_was_written(trained, place):
    folder, _ = trained
    runs = collect([folder])
    text = page(build_report(runs, Layout()))
    assert "What the models write" in text
    assert text.count("<td>say aaa</td><td>aaa!</td><td>aaa!</td>") == 5


def test_an_export_is_refused_and_figures_are_drawn(trained, place):
    folder, _ = trained
    with pytest.raises(UserError, match=r"writes sequences, and exports are for models of classes"):
        export({"run": str(folder), "output": str(place / "export")})
    assert not (place / "export").exists()
    assert type(load_model(folder)) is EncoderDecoder
    assert not TrainedRun(folder, read_config(folder), "val").predictions
