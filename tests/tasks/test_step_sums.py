"""A step is the same however its examples are divided into batches."""

from functools import partial
from typing import NamedTuple

import pytest
import torch
from pytorch_lightning import Trainer
from torch import Tensor, nn
from torch.nn.utils import get_total_norm
from torch.utils.data import DataLoader

from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics
from wavspa.tasks import Classification, Lego
from wavspa.tasks.base import GRADIENT_NORM
from wavspa.training import schedules
from wavspa.training.loggers.metrics_csv import MetricsCsv
from wavspa.training.optimizers import adamw

STEPS, EXAMPLES = 3, 32
constant = partial(schedules.constant, warmup=0)


class Batch(NamedTuple):
    tokens: Tensor
    lengths: Tensor
    labels: Tensor
    places: Tensor


class Lookup(nn.Module):
    """Logits of the class, or of every position, from a table."""

    def __init__(self, classes: int, everywhere: bool = False) -> None:
        super().__init__()
        self.table = nn.Embedding(10, classes)
        self.everywhere = everywhere

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        return self.table(tokens if self.everywhere else tokens[:, 0])


def classification(**options):
    return Classification(Lookup(3), partial(adamw, lr=0.1), constant, 3, **options)


def lego():
    return Lego(
        Lookup(2, everywhere=True), partial(adamw, lr=0.1), constant, variables=4, trained=2
    )


def batches(sizes, labels):
    generator = torch.Generator().manual_seed(1)
    draw = partial(torch.randint, generator=generator)
    for _ in range(STEPS):
        whole = Batch(
            draw(10, (EXAMPLES, 4)),
            torch.full((EXAMPLES,), 4),
            draw(*labels),
            torch.arange(4).expand(EXAMPLES, 4),
        )
        yield from (Batch(*parts) for parts in zip(*(x.split(sizes) for x in whole), strict=True))


def trained(module, folder, sizes, labels, **options):
    """The weights after a few steps, and the rows of metrics.csv."""
    torch.manual_seed(0)
    module = module()
    trainer = Trainer(
        accelerator="cpu",
        precision="64-true",
        max_steps=STEPS,
        accumulate_grad_batches=len(sizes),
        log_every_n_steps=1,
        logger=MetricsCsv(folder),
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )
    trainer.fit(module, DataLoader(list(batches(sizes, labels)), batch_size=None))
    rows = read_metrics(folder / layout.METRICS)
    return module.model.table.weight.detach(), rows


KINDS = {
    "plain": (classification, (3, (EXAMPLES,))),
    "weights": (partial(classification, class_weights=[0.1, 1.0, 7.0]), (3, (EXAMPLES,))),
    "smoothed": (
        partial(classification, class_weights=[0.1, 1.0, 7.0], label_smoothing=0.2),
        (3, (EXAMPLES,)),
    ),
    "lego": (lego, (2, (EXAMPLES, 4))),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", [[16, 16], [8] * 4, [24, 8], [31, 1]], ids=str)
def test_a_divided_step_is_the_whole_one(tmp_path, kind, sizes):
    module, labels = KINDS[kind]
    clip = {"gradient_clip_val": 0.01}
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    weights, rows = trained(module, tmp_path / "whole", [EXAMPLES], labels, **clip)
    parts, rows_of_parts = trained(module, tmp_path / "parts", sizes, labels, **clip)
    torch.testing.assert_close(parts, weights, rtol=0, atol=1e-9)
    for name in ("train/loss", "train/accuracy", GRADIENT_NORM):
        of_parts = [row[name] for row in rows_of_parts]
        assert of_parts == pytest.approx([row[name] for row in rows], rel=1e-7)


@pytest.mark.parametrize("clip", [{}, {"gradient_clip_val": 0.01}], ids=["free", "clipped"])
def test_the_norm_of_a_step_is_that_before_clipping(tmp_path, clip):
    kind, labels = KINDS["weights"]
    _, rows = trained(kind, tmp_path, [24, 8], labels, **clip)
    torch.manual_seed(0)
    module, whole = kind().double(), next(batches([EXAMPLES], labels))
    module.loss(module(whole.tokens, whole.lengths), whole.labels).backward()
    norm = module.model.table.weight.grad.norm().item()
    assert norm > 0.02
    assert rows[0][GRADIENT_NORM] == pytest.approx(norm, rel=1e-6)


def test_the_norm_is_computed_once(tmp_path, monkeypatch):
    computed = []

    def counted(gradients):
        computed.append(len(gradients))
        return get_total_norm(gradients)

    monkeypatch.setattr("wavspa.tasks.base.get_total_norm", counted)
    kind, labels = KINDS["plain"]
    trained(kind, tmp_path, [EXAMPLES], labels, gradient_clip_val=1.0)
    assert computed == [1] * STEPS


def test_an_epoch_that_ends_within_a_step_has_a_step_of_what_is_left(tmp_path):
    """Three batches and two a step: the second step is the third batch alone, as a whole step is."""
    data = next(batches([EXAMPLES], (3, (EXAMPLES,))))
    first, second, third = (Batch(*(x[i : i + 8] for x in data)) for i in (0, 8, 16))

    def table(loaded, accumulated):
        torch.manual_seed(0)
        module = classification(class_weights=[0.1, 1.0, 7.0])
        trainer = Trainer(
            accelerator="cpu",
            precision="64-true",
            max_steps=2,
            accumulate_grad_batches=accumulated,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, DataLoader(loaded, batch_size=None))
        return module.model.table.weight.detach()

    both = Batch(*(torch.cat(pair) for pair in zip(first, second, strict=True)))
    divided, whole = table([first, second, third], 2), table([both, third], 1)
    torch.testing.assert_close(divided, whole, rtol=0, atol=1e-9)


@pytest.mark.parametrize("sizes", [[EXAMPLES], [16, 16]], ids=str)
def test_a_step_of_classes_that_weigh_nothing_leaves_the_weights(tmp_path, sizes):
    def module():
        def sgd(model):
            return torch.optim.SGD(model.parameters(), lr=0.1)

        return Classification(Lookup(3), sgd, constant, 3, class_weights=[0.0, 1.0, 1.0])

    torch.manual_seed(0)
    before = module().model.table.weight.detach().double()
    after, _ = trained(module, tmp_path, sizes, (1, (EXAMPLES,)))
    assert torch.equal(after, before)


def test_a_batch_of_classes_that_weigh_nothing_has_no_loss():
    module = classification(class_weights=[0.0, 1.0, 1.0])
    logits = torch.randn(4, 3, requires_grad=True)
    loss = module.loss(logits, torch.zeros(4, dtype=torch.int64))
    loss.backward()
    assert (loss.item(), logits.grad.abs().sum().item()) == (0, 0)
