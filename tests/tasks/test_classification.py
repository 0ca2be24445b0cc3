import copy
from functools import partial
from typing import NamedTuple

import pytest
import torch
from pytorch_lightning import Trainer
from sklearn.metrics import f1_score, roc_auc_score
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from wavspa.errors import RunFailed
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics
from wavspa.tasks import Classification
from wavspa.training import schedules
from wavspa.training.loggers.metrics_csv import MetricsCsv
from wavspa.training.optimizers import adamw


class Batch(NamedTuple):
    tokens: Tensor
    lengths: Tensor
    labels: Tensor


class Lookup(nn.Module):
    """Logits of a row are the row of a table that its first token names."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.table = nn.Embedding(10, classes)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        return self.table(tokens[:, 0])


def task(classes: int, **options) -> Classification:
    torch.manual_seed(0)
    constant = partial(schedules.constant, warmup=0)
    return Classification(Lookup(classes), partial(adamw, lr=0.1), constant, classes, **options)


def batches(classes: int, sizes: list[int]) -> list[Batch]:
    generator = torch.Generator().manual_seed(1)
    return [
        Batch(
            torch.randint(10, (size, 4), generator=generator),
            torch.full((size,), 4),
            torch.randint(classes, (size,), generator=generator),
        )
        for size in sizes
    ]


def loader(data: list[Batch]) -> DataLoader:
    return DataLoader(data, batch_size=None)


def trainer(logger=False, **options) -> Trainer:
    return Trainer(
        accelerator="cpu",
        logger=logger,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("split", ["val", "test"])
def test_metrics_count_every_example_once_over_uneven_batches(classes, split):
    module, data = task(classes), batches(classes, [7, 7, 1])
    evaluator = trainer()
    run = evaluator.validate if split == "val" else evaluator.test
    (found,) = run(module, loader(data), verbose=False)

    labels = torch.cat([batch.labels for batch in data])
    with torch.no_grad():
        logits = torch.cat([module(batch.tokens, batch.lengths) for batch in data])
    chosen = logits.argmax(dim=1)
    expected = {
        "loss": F.cross_entropy(logits, labels).item(),
        "accuracy": (chosen == labels).double().mean().item(),
        "f1": f1_score(labels, chosen, average="macro"),
    }
    if classes == 2:
        expected["auroc"] = roc_auc_score(labels, logits.softmax(dim=1)[:, 1])
    assert found == pytest.approx({f"{split}/{k}": v for k, v in expected.items()}, abs=1e-6)


def test_class_weights_and_label_smoothing_shape_the_loss():
    logits, labels = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0])
    log = logits.log_softmax(dim=1)
    weighted = task(2, class_weights=[3.0, 1.0]).loss(logits, labels)
    assert weighted.item() == pytest.approx(-log[:, 0].mean().item())
    smoothed = task(2, label_smoothing=0.2).loss(logits, labels)
    assert smoothed.item() == pytest.approx(-(0.9 * log[:, 0] + 0.1 * log[:, 1]).mean().item())


@pytest.mark.slow
def test_training_follows_the_schedule_and_learns(tmp_path):
    module, data = task(3), batches(3, [8])
    before = module.loss(module(data[0].tokens, data[0].lengths), data[0].labels)
    fit = trainer(MetricsCsv(tmp_path), max_steps=20, log_every_n_steps=4)
    fit.fit(module, loader(data))
    after = module.loss(module(data[0].tokens, data[0].lengths), data[0].labels)
    assert after < before
    rows = read_metrics(tmp_path / layout.METRICS)
    assert [row["step"] for row in rows] == [4, 8, 12, 16, 20]
    assert all({"train/loss", "train/accuracy", "lr"} <= row.keys() for row in rows)


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_step():
    module, data = task(3), batches(3, [8, 8, 8])
    module.schedule = lambda step, total: 1.0 if step == 0 else float("nan")
    with pytest.raises(RunFailed, match="loss is nan at step 2"):
        trainer(max_steps=5).fit(module, loader(data))


def test_a_gradient_that_is_not_finite_stops_the_run_before_the_weights_take_it(monkeypatch):
    module, data = task(3), batches(3, [8, 8, 8])
    monkeypatch.setattr(module, "loss", lambda x, y: (x.sum() * 0).clamp(min=0).sqrt())
    before = module.model.table.weight.clone()
    with pytest.raises(RunFailed, match="gradient is not finite at step 0"):
        trainer(max_steps=5).fit(module, loader(data))
    assert torch.equal(module.model.table.weight, before)


@pytest.mark.parametrize("options", [{}, {"gradient_clip_val": 0.01}], ids=str)
def test_a_step_computes_one_norm_of_its_gradient(monkeypatch, options):
    norm, norms = torch.linalg.vector_norm, []
    monkeypatch.setattr(
        torch.linalg, "vector_norm", lambda *a, **k: norms.append(1) or norm(*a, **k)
    )
    module, data = task(3), batches(3, [8, 8, 8])
    torch.nn.utils.get_total_norm([p.detach() for p in module.model.parameters()])
    of_one = len(norms)
    trainer(max_steps=3, **options).fit(module, loader(data))
    assert of_one > 0
    assert len(norms) == 4 * of_one


@pytest.mark.parametrize(
    ("options", "clip"),
    [
        ({"gradient_clip_val": 0.01}, torch.nn.utils.clip_grad_norm_),
        (
            {"gradient_clip_val": 0.001, "gradient_clip_algorithm": "value"},
            torch.nn.utils.clip_grad_value_,
        ),
    ],
    ids=["norm", "value"],
)
def test_gradients_are_clipped_as_torch_clips_them(options, clip):
    module, data = task(3), batches(3, [8])
    expected = copy.deepcopy(module.model)
    F.cross_entropy(expected(data[0].tokens, data[0].lengths), data[0].labels).backward()
    clip(expected.parameters(), options["gradient_clip_val"])
    trainer(max_steps=1, **options).fit(module, loader(data))
    for parameter, other in zip(module.model.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, other.grad, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    "option",
    [
        {"classes": 1},
        {"class_weights": [1.0]},
        {"label_smoothing": 1.0},
        {"mode": "best"},
        {"monitor": "val/auroc"},
    ],
)
def test_impossible_options_are_refused_by_name(option):
    with pytest.raises(ValueError, match=f"^{next(iter(option))}[ =]"):
        task(**{"classes": 3, **option})
