"""Tokens and operations a second, by hand."""

import pytest
import torch

from wavspa import DualEncoder, Encoder
from wavspa.data import Batch
from wavspa.data.loading.collate import PairBatch
from wavspa.models.flops import training_flops
from wavspa.training.callbacks.throughput import Throughput, token_shapes

SIZES = {"max_len": 64, "dim": 8, "depth": 1, "heads": 2, "mlp_dim": 8}


def batch(rows, length):
    """One on a device that holds no numbers: nothing may be read from it."""
    tokens = torch.zeros(rows, length, dtype=torch.int64, device="meta")
    return Batch(tokens, torch.zeros(rows, device="meta"), torch.zeros(rows, device="meta"))


def encoder():
    return Encoder(20, 3, attention="softmax", wavelet="ada", taps=4, **SIZES)


def test_the_first_step_is_told_apart():
    measured = Throughput(encoder(), peak=1e9)
    assert measured.seconds_per_step is None
    assert measured.tokens_per_second is None
    for seconds, length in [(30.0, 8), (1.0, 16), (3.0, 32), (1.0, 16)]:
        # Two batches a step.
        measured.add(batch(2, length))
        measured.add(batch(4, length))
        measured.end_step(seconds)
    assert measured.first_step_seconds == 30
    assert measured.seconds_per_step == 1
    assert measured.tokens_per_second == 6 * (16 + 32 + 16) / 5
    flops = {length: 6 * training_flops(measured.model, length) for length in (16, 32)}
    assert measured.flops_per_step == flops[16]
    assert measured.mfu == pytest.approx((2 * flops[16] + flops[32]) / 5 / 1e9)


def test_a_single_step_counts():
    measured = Throughput(encoder())
    measured.add(batch(2, 8))
    measured.end_step(2.0)
    assert (measured.seconds_per_step, measured.tokens_per_second) == (2, 8)
    assert measured.mfu is None


def test_a_pair_costs_what_its_sides_cost():
    model = DualEncoder(20, 2, attention="softmax", wavelet="none", **SIZES)
    first, second = batch(3, 16), batch(3, 32)
    measured = Throughput(model)
    measured.add(PairBatch(*first[:2], *second[:2], first.labels))
    measured.end_step(1.0)
    assert measured.tokens_per_second == 3 * (16 + 32)
    whole = 3 * (training_flops(model, 16) + training_flops(model, 32)) / 2
    assert measured.flops_per_step == whole


def test_other_models_and_batches_have_less_to_tell():
    measured = Throughput(torch.nn.Linear(2, 2), peak=1e9)
    measured.add(batch(2, 8))
    measured.end_step(2.0)
    assert measured.tokens_per_second == 8
    assert measured.flops_per_step is None
    assert measured.mfu is None
    assert token_shapes({"tokens": torch.zeros(2, 3)}) == []
    nothing = Throughput(encoder())
    nothing.add(None)
    nothing.end_step(1.0)
    assert nothing.tokens_per_second is None
