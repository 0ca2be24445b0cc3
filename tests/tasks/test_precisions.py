"""Every precision of Lightning's trains, validates and tests every task on a CPU."""

import math
from functools import partial
from typing import NamedTuple

import pytest
import torch
from pytorch_lightning import Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from support.tiny_files import write_rows
from support.tiny_runs import compose_run, tiny_run
from wavspa.errors import UserError
from wavspa.launching.run.build import build
from wavspa.launching.run.worker import run
from wavspa.tasks import Classification

PRECISIONS = ["32-true", "64-true", "bf16-mixed", "bf16-true", "16-mixed", "16-true"]
TASKS = ["classification", "detection", "clones", "matching", "embedding", "lego", "masked"]
ROWS, LENGTH, CLASSES, VARIABLES = 8, 12, 2, 8


class Single(NamedTuple):
    tokens: Tensor
    lengths: Tensor
    labels: Tensor


class Placed(NamedTuple):
    tokens: Tensor
    lengths: Tensor
    labels: Tensor
    places: Tensor


class Pairs(NamedTuple):
    tokens1: Tensor
    lengths1: Tensor
    tokens2: Tensor
    lengths2: Tensor
    labels: Tensor


def batches(task: str) -> tuple[tuple, tuple]:
    """A batch to train on and one to evaluate."""
    draw = partial(torch.randint, generator=torch.Generator().manual_seed(1))
    sequences = lambda: (draw(10, (ROWS, LENGTH)), torch.full((ROWS,), LENGTH))  # noqa: E731
    labels = torch.arange(ROWS) % CLASSES
    if task == "lego":
        places = torch.arange(VARIABLES).expand(ROWS, -1)
        placed = Placed(*sequences(), draw(2, (ROWS, VARIABLES)), places)
        return placed, placed
    pairs = Pairs(*sequences(), *sequences(), labels)
    single = Single(*sequences(), labels)
    if task == "embedding":
        return pairs, single
    return (pairs, pairs) if task in ("matching", "clones") else (single, single)


def build_task(task: str):
    words = ["model=tiny", "model.dim=16", "model.mlp_dim=16", "model.taps=4", f"task={task}"]
    sizes = [f"dataset.classes={CLASSES}", "dataset.vocab_size=10", f"dataset.max_length={LENGTH}"]
    more = {"lego": [f"+dataset.variables={VARIABLES}"], "masked": ["task.rate=0.5"]}.get(task, [])
    config = compose_run(*words, *sizes, *more, "schedule.warmup=0")
    if task == "detection":
        config.task.class_weights = [0.3, 1.7]
    torch.manual_seed(0)
    parts = {node: build(config, node) for node in ("model", "optimizer", "schedule")}
    return build(config, "task", **parts)


def trainer(precision: str) -> Trainer:
    return Trainer(
        accelerator="cpu",
        precision=precision,
        max_steps=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def load(batch: tuple) -> DataLoader:
    return DataLoader([batch], batch_size=None)


@pytest.mark.slow
# On a CPU Lightning takes bf16-mixed instead, and says so.
@pytest.mark.filterwarnings("ignore:.*precision='16-mixed'")
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", TASKS)
def test_a_step_changes_the_weights_and_they_stay_finite(name, precision):
    task, (training, evaluation) = build_task(name), batches(name)
    before = {key: value.clone() for key, value in task.model.state_dict().items()}
    fit = trainer(precision)
    fit.fit(task, load(training), load(evaluation))
    assert fit.global_step == 1
    after = task.model.state_dict()
    assert all(value.isfinite().all() for value in after.values())
    assert any(not torch.equal(value.to(before[key]), before[key]) for key, value in after.items())
    (tested,) = fit.test(task, load(evaluation), verbose=False)
    assert all(torch.tensor(value).isfinite() for value in tested.values())


# Tasks that learn a scale, names or a vocabulary from their data: from files.
FILE_ROWS = [
    {
        "text": f"say {'ab'[n % 2] * 3} {n}",
        "price": n + 0.5,
        "topics": ["x"] if n % 2 else ["x", "y"],
        "tokens": ["Ann", "saw", f"R{n}"],
        "tags": ["B-PER", "O", "B-LOC"],
        "target": "ab"[n % 2] * 3,
    }
    for n in range(40)
]
OF_FILES = {
    "regression": ["dataset=files", "dataset.text=text", "dataset.label=price"],
    "multilabel": ["dataset=files", "dataset.text=text", "dataset.label=topics"],
    "tagging": ["dataset=tagging"],
    "seq2seq": ["dataset=file_seq2seq", "dataset.source=text", "dataset.max_target_length=8"],
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*precision='16-mixed'")
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", OF_FILES)
def test_a_step_of_a_task_that_learns_from_its_data(name, precision, tmp_path):
    write_rows(tmp_path / "train.jsonl", FILE_ROWS)
    words = [*OF_FILES[name], f"dataset.train={tmp_path / 'train.jsonl'}", f"task={name}"]
    words += ["dataset.max_length=24", "trainer.max_steps=1", f"trainer.precision={precision}"]
    if name == "regression" and precision in ("bf16-true", "16-true"):
        with pytest.raises(UserError, match=r"would round the numbers .*precision=.*mixed"):
            tiny_run(tmp_path, *words)
        return
    tested = run(tiny_run(tmp_path, *words))
    assert math.isfinite(tested["test/loss"])


def test_weights_of_classes_are_exact_in_any_precision():
    task = Classification(torch.nn.Identity(), None, None, 2, class_weights=[0.3, 1.7])
    exact = task.class_weights.clone()
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        task.to(dtype)
        assert torch.equal(task.class_weights, exact)
        loss = task.loss(torch.tensor([[1.0, 2.0]], dtype=dtype), torch.tensor([0]))
        assert loss.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
