from functools import partial
from typing import NamedTuple

import pytest
import torch
from pytorch_lightning import Trainer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from wavspa import Encoder
from wavspa.tasks import Lego
from wavspa.training import schedules
from wavspa.training.optimizers import adamw

SIZES = {"max_len": 7, "dim": 16, "depth": 1, "heads": 2, "mlp_dim": 16, "taps": 4}


class Batch(NamedTuple):
    tokens: Tensor
    lengths: Tensor
    places: Tensor
    labels: Tensor


class Table(nn.Module):
    """Logits [B, N, 2] that are the tokens of a sequence and zero."""

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        return torch.stack([torch.zeros_like(tokens), tokens], dim=-1).float()


def task(model: nn.Module | None = None, **options) -> Lego:
    torch.manual_seed(0)
    constant = partial(schedules.constant, warmup=0)
    options = {"variables": 3, "trained": 2, **options}
    encoder = Encoder(9, 2, pool="token", **SIZES)
    return Lego(model or encoder, partial(adamw, lr=0.01), constant, **options)


def trainer(**options) -> Trainer:
    return Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )


def test_logits_are_read_at_the_places():
    tokens = torch.tensor([[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]])
    places = torch.tensor([[4, 0, 1], [2, 3, 0]])
    found = task(Table())(tokens, torch.tensor([5, 5]), places)
    assert found.tolist() == [[4, 0, 1], [7, 8, 5]]


def test_the_loss_counts_the_trained_positions():
    logits, labels = torch.randn(4, 3), torch.randint(2, (4, 3))
    expected = [
        F.cross_entropy(torch.stack([torch.zeros(4), logits[:, i]], dim=1), labels[:, i])
        for i in range(2)
    ]
    torch.testing.assert_close(task().loss(logits, labels), torch.stack(expected).mean())


def test_the_metrics_of_a_split():
    # Signs of the logits: + + -, - + + and + - -.
    tokens = torch.tensor([[2, 3, -1], [-1, 2, 1], [1, -4, -2]])
    places = torch.arange(3).repeat(3, 1)
    labels = torch.tensor([[1, 0, 0], [0, 0, 1], [0, 1, 0]])
    whole = Batch(tokens, torch.full((3,), 3), places, labels)
    batches = [Batch(*(part[rows] for part in whole)) for rows in (slice(2), slice(2, 3))]
    module = task(Table())
    (found,) = trainer().test(module, DataLoader(batches, batch_size=None), verbose=False)
    assert found.pop("test/loss") == pytest.approx(module.loss(tokens.float(), labels).item())
    expected = {"accuracy": 1 / 3, "accuracy_beyond": 1}
    expected |= {"accuracy_1": 2 / 3, "accuracy_2": 0, "accuracy_3": 1}
    assert found == {f"test/{name}": pytest.approx(value) for name, value in expected.items()}


@pytest.mark.slow
def test_it_learns():
    tokens = torch.randint(1, 9, (64, 7), generator=torch.Generator().manual_seed(0))
    places = torch.tensor([3, 0, 5]).repeat(64, 1)
    labels = (tokens.gather(1, places) > 4).long()
    batch = Batch(tokens, torch.full((64,), 7), places, labels)
    module = task()
    trainer(max_steps=60).fit(module, DataLoader([batch], batch_size=None))
    (found,) = trainer().test(module, DataLoader([batch], batch_size=None), verbose=False)
    assert found["test/accuracy"] > 0.95


@pytest.mark.parametrize(
    "option", [{"trained": 0}, {"trained": 3}, {"monitor": "val/accuracy_4"}, {"mode": "best"}]
)
def test_impossible_options_are_refused_by_name(option):
    with pytest.raises(ValueError, match=f"^{next(iter(option))}[ =]"):
        task(**option)
