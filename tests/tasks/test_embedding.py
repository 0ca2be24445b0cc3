from functools import partial
from typing import NamedTuple

import pytest
import torch
from pytorch_lightning import Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from wavspa import Encoder
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics
from wavspa.tasks import Embedding
from wavspa.tasks.metrics import map_at_r
from wavspa.training import schedules
from wavspa.training.loggers.metrics_csv import MetricsCsv
from wavspa.training.optimizers import adamw

SIZES = {"max_len": 12, "dim": 16, "depth": 1, "heads": 2, "mlp_dim": 16, "taps": 4}


class Batch(NamedTuple):
    tokens: Tensor
    lengths: Tensor
    labels: Tensor


class PairBatch(NamedTuple):
    tokens1: Tensor
    lengths1: Tensor
    tokens2: Tensor
    lengths2: Tensor
    labels: Tensor


def task(classes: int | None = None, **options) -> Embedding:
    torch.manual_seed(0)
    constant = partial(schedules.constant, warmup=0)
    return Embedding(Encoder(20, classes, **SIZES), partial(adamw, lr=0.01), constant, **options)


def sequences(labels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Label c prefers the tokens 2 c + 1 and 2 c + 2."""
    generator = torch.Generator().manual_seed(seed)
    tokens = 1 + 2 * labels[:, None] + torch.randint(2, (len(labels), 12), generator=generator)
    return tokens, torch.randint(4, 13, (len(labels),), generator=generator)


def trainer(logger=False, **options) -> Trainer:
    return Trainer(
        accelerator="cpu",
        logger=logger,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )


def test_the_loss_picks_the_partner_among_other_labels():
    module = task(temperature=0.5)
    first, second = torch.randn(4, 6), torch.randn(4, 6)
    labels = torch.tensor([0, 1, 0, 2])
    found = module.similarities(first, second, labels).softmax(dim=1)[:, 0]
    for i in range(4):
        partner = (first[i] @ second[i] / 0.5).exp()
        others = [
            (first[i] @ vector / 0.5).exp()
            for j in range(4)
            for vector in (first[j], second[j])
            if labels[j] != labels[i]
        ]
        assert found[i].item() == pytest.approx((partner / (partner + sum(others))).item())


def test_embeddings_have_length_1_and_ignore_pads():
    module = task().eval()
    tokens, lengths = sequences(torch.arange(3), seed=1)
    embeddings = module(tokens, lengths)
    assert embeddings.shape == (3, 16)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(3))
    tokens[0, lengths[0] :] = 0
    torch.testing.assert_close(module(tokens, lengths), embeddings)


@pytest.mark.slow
def test_it_learns_and_reports_map_at_r_of_the_whole_split(tmp_path):
    module = task()
    labels = torch.arange(6).repeat(2)
    pairs = PairBatch(*sequences(labels, 2), *sequences(labels, 3), labels)
    fit = trainer(MetricsCsv(tmp_path), max_steps=30, log_every_n_steps=1)
    fit.fit(module, DataLoader([pairs], batch_size=None))
    last = read_metrics(tmp_path / layout.METRICS)[-1]
    assert {"train/loss", "train/accuracy", "lr"} <= last.keys()
    assert last["train/accuracy"] > 0.9

    unseen = torch.arange(6, 9).repeat(5)
    batches = [Batch(*sequences(part, i), part) for i, part in enumerate(unseen.split(4))]
    (found,) = trainer().test(module, DataLoader(batches, batch_size=None), verbose=False)
    with torch.no_grad():
        embeddings = torch.cat([module(batch.tokens, batch.lengths) for batch in batches])
    assert found == {"test/map_at_r": pytest.approx(map_at_r(embeddings, unseen).item())}


@pytest.mark.parametrize(
    "option", [{"temperature": 0.0}, {"monitor": "val/loss"}, {"mode": "best"}]
)
def test_impossible_options_are_refused_by_name(option):
    with pytest.raises(ValueError, match=f"^{next(iter(option))}[ =]"):
        task(**option)


def test_a_model_with_a_head_is_refused():
    with pytest.raises(ValueError, match="model/encoder=embedding"):
        task(classes=3)
