import math
from functools import partial
from types import SimpleNamespace
from typing import NamedTuple

import pytest
import torch
from pytorch_lightning import Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from wavspa import DualEncoder
from wavspa.errors import UserError
from wavspa.tasks import Matching, metrics
from wavspa.tasks.class_weights import balanced_weights, class_weights
from wavspa.training import schedules
from wavspa.training.optimizers import adamw


class PairBatch(NamedTuple):
    tokens1: Tensor
    lengths1: Tensor
    tokens2: Tensor
    lengths2: Tensor
    labels: Tensor


def task(**options) -> Matching:
    torch.manual_seed(0)
    model = DualEncoder(9, 2, max_len=8, dim=8, depth=1, heads=2, mlp_dim=8, taps=4, dropout=0.0)
    constant = partial(schedules.constant, warmup=0)
    return Matching(model, partial(adamw, lr=0.01), constant, 2, **options)


def pairs(rows: int, seed: int) -> PairBatch:
    """Pairs of like sequences (label 1) and of others."""
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(1, 5, (rows, 1), generator=generator).expand(-1, 6)
    labels = torch.randint(2, (rows,), generator=generator)
    second = torch.where(labels[:, None] == 1, first, first + 4)[:, :5]
    return PairBatch(first, torch.full((rows,), 6), second, torch.full((rows,), 5), labels)


def trainer(**options) -> Trainer:
    return Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )


@pytest.mark.slow
def test_it_learns_which_pairs_match():
    module = task(metrics=metrics.clones, monitor="val/f1")
    trainer(max_steps=100).fit(module, DataLoader([pairs(32, 1)], batch_size=None))
    (found,) = trainer().test(
        module, DataLoader([pairs(9, 2), pairs(4, 3)], batch_size=None), verbose=False
    )
    assert found.keys() == {
        f"test/{name}" for name in ("loss", "f1", "precision", "recall", "accuracy")
    }
    assert found["test/accuracy"] > 0.9


def test_the_two_sides_reach_the_model_with_their_own_lengths():
    module, batch = task().eval(), pairs(3, 1)
    expected = module.model(batch.tokens1, batch.tokens2, batch.lengths1, batch.lengths2)
    torch.testing.assert_close(module.logits(batch), expected)


def test_balanced_weights_undo_the_shares_of_the_classes():
    weights = balanced_weights({"0": 39, "1": 1}, 2)
    torch.testing.assert_close(weights, torch.tensor([40 / 78, 20.0]))
    assert (weights * torch.tensor([39, 1])).sum() / 40 == pytest.approx(1)


def test_balanced_weights_come_from_the_card_of_the_train_split():
    module = task(class_weights="balanced")
    card = {"splits": {"train": {"labels": {"0": 30, "1": 10}}}}
    module.trainer = SimpleNamespace(datamodule=SimpleNamespace(training_card=card))
    module.setup("fit")
    torch.testing.assert_close(module.class_weights, torch.tensor([2 / 3, 2.0]))


def test_balanced_weights_need_a_card():
    module = task(class_weights="balanced")
    with pytest.raises(UserError, match=r"task\.class_weights=balanced"):
        trainer(max_steps=1).fit(module, DataLoader([pairs(4, 1)], batch_size=None))


def test_the_loss_of_a_split_is_its_weighted_mean():
    module = task(class_weights=[1.0, 5.0])
    batches = [pairs(7, 1), pairs(2, 2)]
    (found,) = trainer().validate(module, DataLoader(batches, batch_size=None), verbose=False)
    with torch.no_grad():
        logits = torch.cat([module.logits(batch) for batch in batches])
    labels = torch.cat([batch.labels for batch in batches])
    assert found["val/loss"] == pytest.approx(module.loss(logits, labels).item(), abs=1e-6)


@pytest.mark.parametrize(
    ("weights", "names", "expected"),
    [
        ({"pos": 10, "neg": 1}, ["neg", "pos"], [1.0, 10.0]),
        ({0: 1, 1: 10}, None, [1.0, 10.0]),
        ({2: 10, 1: 1}, ["1", "2"], [1.0, 10.0]),
        ([0.0, 2.5], ["neg", "pos"], [0.0, 2.5]),
    ],
)
def test_class_weights_may_go_by_label(weights, names, expected):
    card = {} if names is None else {"label_names": names}
    assert class_weights(weights, 2, card).tolist() == expected
    task(class_weights=weights).check_data(card)


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        (
            {"neg": 1, "nope": 2},
            r"^task\.class_weights: the label 'nope' is unknown; choose one of neg, pos$",
        ),
        (
            {"neg": 1},
            r"^task\.class_weights must have a weight for each of neg, pos, got none for 'pos'$",
        ),
        ({0: 1, 1: 10}, r"the label '0' is unknown"),
    ],
)
def test_labels_of_class_weights_are_held_against_the_data(weights, told):
    with pytest.raises(UserError, match=told):
        task(class_weights=weights).check_data({"label_names": ["neg", "pos"]})


@pytest.mark.parametrize(
    "weights",
    [
        [1.0, -2.0],
        [0, 0],
        {"a": 1, "b": -1},
        {"a": 0},
        [1, math.nan],
        [True, 1],
        ["a", 1],
        {0: 1, "b": 1},
    ],
)
def test_impossible_class_weights_are_refused(weights):
    with pytest.raises(ValueError, match=r"^class_weights must "):
        task(class_weights=weights)


def test_unknown_class_weights_are_refused():
    with pytest.raises(ValueError, match=r"^class_weights "):
        task(class_weights="even")
