"""Masked tokens as a task: any data, a fixed mask, what is learned and what is refused."""

import math

import pytest
import torch
from torch.nn import functional as F

from support.tiny_files import write_rows
from support.tiny_runs import compose_run, finished_run, tiny_run, tiny_words
from wavspa.data import Batch, PairBatch
from wavspa.errors import UserError
from wavspa.launching.run.build import build_run
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.prepare import checked
from wavspa.launching.run.worker import run
from wavspa.metric_facts import direction, in_percent
from wavspa.run_folder.status import read_status
from wavspa.tasks.masked import rows_of
from wavspa.tasks.masking import by_content

MASKED = ["task=masked", "model/wavelet=none"]
ROWS = [{"text": f"some words, number {n} of it", "label": "ab"[n % 2]} for n in range(40)]


def files(place, *words):
    write_rows(place / "train.jsonl", ROWS)
    return [
        "dataset=files",
        f"dataset.train={place / 'train.jsonl'}",
        "dataset.max_length=40",
        *words,
    ]


def task_of(folder):
    task, data = build_run(read_config(folder))
    data.prepare_data()
    data.setup()
    return task, data


def test_loss_and_accuracy_are_those_of_the_masked_places(tmp_path):
    task, data = task_of(tiny_run(tmp_path, *MASKED))
    task.eval()
    batch = next(iter(data.val_dataloader()))
    masked = task._masked(*rows_of(batch), by_content(*rows_of(batch)))
    loss, right, count = task._scores(masked, batch.lengths)
    logits = task.model(masked.tokens, batch.lengths)
    is_masked = torch.zeros_like(masked.tokens, dtype=torch.bool)
    for row in range(len(is_masked)):
        is_masked[row, masked.places[row][masked.counts[row]]] = True
    assert count == is_masked.sum() == 32 * len(is_masked)
    expected = F.cross_entropy(logits[is_masked], batch.tokens[is_masked])
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    share = (logits[is_masked].argmax(-1) == batch.tokens[is_masked]).float().mean()
    assert right.item() == pytest.approx(share.item())


def test_a_run_reports_perplexity_and_keeps_the_lowest_loss(tmp_path):
    folder = finished_run(tmp_path, *MASKED)
    status = read_status(folder)
    assert status["best"]["metric"] == "val/loss"
    test = status["test"]
    assert set(test) == {"test/loss", "test/accuracy", "test/perplexity"}
    assert test["test/perplexity"] == pytest.approx(math.exp(test["test/loss"]), rel=1e-5)
    assert direction("val/perplexity") == "min"
    assert not in_percent("val/perplexity")


def test_left_out_lengths_change_nothing(tmp_path):
    task, data = task_of(tiny_run(tmp_path, *MASKED))
    task.eval()
    batch = next(iter(data.val_dataloader()))
    seen = []
    task.log = lambda *_, **__: None
    task._scores, scores = lambda *a: seen.append(scores(*a)) or seen[-1], task._scores
    task.evaluation_step("val", batch)
    task.evaluation_step("val", batch._replace(lengths=None))
    assert [value.item() for value in seen[0]] == pytest.approx([v.item() for v in seen[1]])


def test_evaluation_depends_neither_on_the_seed_nor_on_the_batch(tmp_path):
    folder = tiny_run(tmp_path, *MASKED)
    masks = []
    for size in (7, 50):
        config = read_config(folder)
        config.dataset.eval_batch_size, config.seed = size, size
        task, data = build_run(config)
        data.prepare_data()
        data.setup()
        rows = [
            task._masked(*rows_of(b), by_content(*rows_of(b))).tokens for b in data.val_dataloader()
        ]
        masks.append(torch.cat(rows))
    assert torch.equal(*masks)


@pytest.mark.parametrize(
    ("words", "rate"),
    [
        (["dataset=digits"], 0.5),
        (["dataset=listops_short", "dataset.train_examples=50", "dataset.val_examples=9"], 0.1),
        (["files"], 0.15),
        (["files", "task.unit=word"], 0.15),
        (["files", "task.unit=word", "tokenizer=characters"], 0.15),
        (["files", "task.unit=word", "tokenizer=bpe", "dataset.tokenizer.vocab_size=280"], 0.15),
        (["files", "task.unit=span", "task.random_share=0.0", "task.kept_share=0.0"], 0.15),
        (["dataset=lego"], 0.15),
    ],
)
def test_any_data_can_be_masked_at_the_rate_of_its_kind(tmp_path, words, rate):
    if words[0] == "files":
        words = files(tmp_path, *words[1:])
    if words[0] == "dataset=lego":
        words += ["dataset.train_examples=20", "dataset.val_examples=5", "dataset.test_examples=5"]
    folder = tiny_run(tmp_path, *MASKED, *words, "trainer.max_steps=1")
    config = read_config(folder)
    assert config.task.rate == rate
    run(folder)
    assert read_status(folder)["state"] == "finished"


def test_of_pairs_both_sequences_are_rows():
    first, second = torch.tensor([[1, 2, 3]]), torch.tensor([[4, 0]])
    pairs = PairBatch(first, torch.tensor([3]), second, torch.tensor([1]), torch.tensor([0]))
    tokens, lengths = rows_of(pairs)
    assert tokens.tolist() == [[1, 2, 3], [4, 0, 0]]
    assert lengths.tolist() == [3, 1]
    # Lengths that cut nothing are left out on their way to a GPU.
    tokens, lengths = rows_of(pairs._replace(lengths1=None))
    assert lengths.tolist() == [3, 1]
    batch = Batch(first, torch.tensor([3]), torch.tensor([0]))
    assert rows_of(batch) == (batch.tokens, batch.lengths)


@pytest.mark.slow
def test_a_run_learns_what_is_around_a_mask(tmp_path):
    rows = [{"text": chr(97 + n % 8) * (10 + n // 8), "label": "xy"[n % 2]} for n in range(160)]
    write_rows(tmp_path / "train.jsonl", rows)
    words = ["dataset=files", f"dataset.train={tmp_path / 'train.jsonl'}", "dataset.limit=null"]
    words += ["trainer.max_steps=60", "trainer.val_every=60", "optimizer.lr=0.01"]
    folder = tiny_run(tmp_path, *MASKED, *words, "task.random_share=0.0")
    run(folder)
    # The letters' own frequencies give 1/8, and ln 8 = 2.08.
    assert read_status(folder)["test"]["test/accuracy"] > 0.9
    assert read_status(folder)["test"]["test/loss"] < 0.5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["task.rate=1.5"], "task.rate must be a number between 0 and 1, got 1.5"),
        (["task.span=0.5"], "task.span must be a number of at least 1, got 0.5"),
        (["task.unit=line"], "task.unit='line' is unknown; choose one of token, word, span"),
        (["task.unit=word"], "task.unit='word' needs texts"),
        (["task.random_share=1.5"], "task.random_share must be a number from 0 to 1, got 1.5"),
        (["task.random_share=0.6", "task.kept_share=0.6"], "task.random_share=0.6 and kept_share"),
        (["model.pool=mean"], "model.pool must be token for masked tokens, got 'mean'"),
        (["model/encoder=classifier"], "leave model/encoder to task=masked, or choose masked"),
        (["task.monitor=val/f1"], "task.monitor='val/f1' is unknown"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, words, message):
    words = tiny_words(tmp_path, *MASKED, *words)
    with pytest.raises(UserError) as error:
        checked(compose_run(*words), words)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_sequences_of_one_token_are_refused(tmp_path):
    rows = [{"text": chr(60 + n), "label": "xy"[n % 2]} for n in range(40)]
    write_rows(tmp_path / "train.jsonl", rows)
    words = ["dataset=files", f"dataset.train={tmp_path / 'train.jsonl'}"]
    with pytest.raises(UserError, match="at least 2 tokens, and all of train have one"):
        tiny_run(tmp_path, *MASKED, *words)
    with pytest.raises(UserError, match=r"dataset.max_length must be at least 2"):
        tiny_run(tmp_path, *MASKED, "dataset.max_length=1")
    assert not (tmp_path / "runs").exists()
