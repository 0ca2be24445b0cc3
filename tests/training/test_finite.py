"""What is not finite ends a run with its step and rows, and the loop never waits for its device."""

from functools import partial
from typing import NamedTuple

import pytest
import torch
from pytorch_lightning import Callback, LightningDataModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from support.no_waiting import NoWaiting, cpu_runs_ahead
from wavspa.errors import RunFailed
from wavspa.models import Encoder
from wavspa.tasks import Classification
from wavspa.training import finite, schedules
from wavspa.training.finite import FiniteWatch, Noted
from wavspa.training.loggers.metrics_csv import MetricsCsv
from wavspa.training.trainer import SeedEachBatch

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Batch(NamedTuple):
    tokens: Tensor
    lengths: Tensor
    labels: Tensor


class Rows(LightningDataModule):
    """Batches, each of which says that it has the row of its number."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def train_dataloader(self):
        return loader(self.number)

    def training_rows(self, batch):
        return [batch]


def batches(number):
    generator = torch.Generator().manual_seed(1)
    draw = partial(torch.randint, generator=generator)
    return [Batch(draw(1, 10, (4, 12)), draw(1, 13, (4,)), draw(3, (4,))) for _ in range(number)]


def loader(number):
    return DataLoader(batches(number), batch_size=None, pin_memory=DEVICE == "cuda")


def fused(model: nn.Module) -> torch.optim.AdamW:
    return torch.optim.AdamW(model.parameters(), lr=0.01, fused=True)


def unfused(model: nn.Module) -> torch.optim.SGD:
    return torch.optim.SGD(model.parameters(), lr=0.01)


def task(optimizer=fused, **options):
    torch.manual_seed(0)
    sizes = {"max_len": 12, "dim": 8, "depth": 1, "heads": 2, "mlp_dim": 8, "taps": 4}
    model = Encoder(10, 3, **sizes, **options)
    return Classification(model, optimizer, partial(schedules.constant, warmup=0), 3)


def trainer(steps, **options):
    return Trainer(
        accelerator="gpu" if DEVICE == "cuda" else "cpu",
        devices=1,
        max_steps=steps,
        enable_progress_bar=False,
        enable_model_summary=False,
        **{"logger": False, "enable_checkpointing": False, **options},
    )


class Unwaited(Callback):
    """Every step but the first and those that are logged runs where waiting is an error."""

    def __init__(self, every):
        self.every, self.batches = every, 0
        self.mode = NoWaiting()

    def forbids(self, trainer):
        step = trainer.global_step + 1
        return step > 1 and step % self.every

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.inside = self.forbids(trainer)
        self.batches += bool(self.inside)
        if self.inside and DEVICE == "cuda":
            torch.cuda.set_sync_debug_mode("error")
        elif self.inside:
            self.mode.__enter__()

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if self.inside and DEVICE == "cuda":
            torch.cuda.set_sync_debug_mode("default")
        elif self.inside:
            self.mode.__exit__(None, None, None)


@pytest.mark.parametrize("wavelet", ["none", "ada", "ortho", "lift"])
@pytest.mark.parametrize("attention", ["softmax", "linear"])
def test_a_step_waits_for_nothing(tmp_path, monkeypatch, attention, wavelet):
    cpu_runs_ahead(monkeypatch)
    watcher = Unwaited(every=5)
    callbacks = [watcher, SeedEachBatch(1)]
    fit = trainer(
        9,
        callbacks=callbacks,
        gradient_clip_val=1.0,
        accumulate_grad_batches=2,
        logger=MetricsCsv(tmp_path),
        log_every_n_steps=5,
    )
    fit.fit(task(attention=attention, wavelet=wavelet), loader(18))
    # Two batches a step, of all steps but the first and the fifth.
    assert watcher.batches == 14


def test_the_mode_of_these_tests_notices_waiting():
    x = torch.arange(3)
    for wait in (lambda: x[0].item(), lambda: bool(x[1]), lambda: x[x > 0], lambda: x.nonzero()):
        with NoWaiting(), pytest.raises(AssertionError, match="waits"):
            wait()


@pytest.mark.parametrize("optimizer", [fused, unfused])
@pytest.mark.parametrize("what", ["loss", "gradient"])
@pytest.mark.parametrize("at", [0, 3])
def test_a_step_that_is_not_finite_changes_no_weight_and_is_named(monkeypatch, optimizer, what, at):
    """Found long after it, and before the weights are written or validated."""
    cpu_runs_ahead(monkeypatch)
    module = task(optimizer, dropout=0.0)
    sensible, weights = module.loss, []

    def loss(logits, labels):
        if module.global_step < at:
            return sensible(logits, labels)
        return (
            logits.sum() * torch.nan if what == "loss" else (logits.sum() * 0).clamp(min=0).sqrt()
        )

    monkeypatch.setattr(module, "loss", loss)

    class Keep(Callback):
        def on_train_batch_end(self, trainer, pl_module, *args):
            weights.append(nn.utils.parameters_to_vector(pl_module.parameters()).clone())

    fit = trainer(8, callbacks=[Keep()], gradient_clip_val=1.0)
    name = "the loss is nan" if what == "loss" else "the gradient is not finite"
    with pytest.raises(RunFailed, match=rf"{name} at step {at} \(rows {at} of train\)"):
        fit.fit(module, datamodule=Rows(8))
    assert len(weights) == 8
    assert all(torch.equal(one, weights[max(at - 1, 0)]) for one in weights[max(at - 1, 0) :])
    assert weights[-1].isfinite().all()


def test_a_checkpoint_is_not_written_once_a_step_was_not_finite(monkeypatch, tmp_path):
    cpu_runs_ahead(monkeypatch)
    module = task()
    monkeypatch.setattr(module, "loss", lambda logits, labels: logits.sum() * torch.nan)

    class Save(Callback):
        def on_train_batch_end(self, trainer, *args):
            trainer.save_checkpoint(tmp_path / "last.ckpt")

    with pytest.raises(RunFailed, match="the loss is nan at step 0"):
        trainer(8, callbacks=[Save()]).fit(module, loader(8))
    assert not (tmp_path / "last.ckpt").exists()


def test_a_run_that_nobody_asks_is_ended_after_some_steps(monkeypatch):
    monkeypatch.setattr(finite, "runs_ahead", lambda device: True)
    watch = FiniteWatch()
    for step in range(2 * finite.BETWEEN_READS):
        value = torch.tensor(torch.nan if step == 5 else 1.0)
        if found := watch.note(Noted("loss", step, step), value):
            break
    assert found.noted.step == 5
    assert step == 2 * finite.BETWEEN_READS - 1


def test_on_a_cpu_a_number_is_looked_at_when_it_comes():
    watch = FiniteWatch()
    assert watch.note(Noted("loss", 0, 0), torch.tensor(1.0)) is None
    found = watch.note(Noted("gradient", 0, 0), torch.tensor(torch.inf, dtype=torch.float64))
    assert found == (("gradient", 0, 0), torch.inf)
