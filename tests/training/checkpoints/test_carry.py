"""Which weights of one model are taken by another, by name and shape."""

import pytest
import torch
from torch import nn

from wavspa.errors import UserError
from wavspa.models import DualEncoder, Encoder, MaskedEncoder
from wavspa.training.checkpoints.carry import copy, is_in, plan

SIZES = {"max_len": 8, "dim": 8, "depth": 2, "heads": 2, "mlp_dim": 8, "taps": 4}


class Writer(nn.Module):
    """A model that holds an encoder whose embedding is scaled."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder(9, **SIZES)
        self.decoder = nn.Linear(8, 8)

    def weights_of_encoder(self, weights):
        assert not any(name.startswith("head") for name in weights)
        return {f"encoder.{n}": w / 2 if n == "embedding.weight" else w for n, w in weights.items()}


@pytest.mark.parametrize(
    "make", [lambda: Encoder(9, 3, **SIZES), lambda: DualEncoder(9, 3, **SIZES), Writer]
)
def test_a_masked_encoder_gives_all_but_its_head_and_mask(make):
    parent, child = MaskedEncoder(9, **SIZES), make()
    weights = parent.state_dict()
    found = plan(child, weights, None, False)
    copy(child, weights, found.taken)
    encoder = getattr(child, "encoder", child)
    scale = 2 if isinstance(child, Writer) else 1
    assert torch.equal(encoder.embedding.weight * scale, parent.embedding.weight[:9])
    assert torch.equal(encoder.blocks[1].norm.weight, parent.blocks[1].norm.weight)
    assert not found.misfits
    assert all(name.startswith("head.") for name in found.left)
    assert all(name.startswith(("head.", "decoder.")) for name in found.new)


def test_what_has_another_shape_does_not_fit_and_stays():
    wider = {**SIZES, "max_len": 16, "positions": "learned"}
    parent, child = Encoder(9, 3, **{**wider, "max_len": 8}), Encoder(9, 3, **wider)
    before = child.positions.table.clone()
    found = plan(child, parent.state_dict(), None, True)
    copy(child, parent.state_dict(), found.taken)
    ((name, shapes),) = found.misfits.items()
    assert name.startswith("positions.")
    assert shapes == (list(parent.positions.table.shape), list(child.positions.table.shape))
    assert torch.equal(child.positions.table, before)
    assert "head.0.weight" in found.taken


def test_a_deeper_child_has_new_blocks():
    parent, child = Encoder(9, **SIZES), Encoder(9, **{**SIZES, "depth": 3})
    found = plan(child, parent.state_dict(), None, False)
    assert all(name.startswith("blocks.2.") for name in found.new)
    assert found.new


def test_nothing_that_fits_is_refused():
    with pytest.raises(UserError, match="has no weight"):
        plan(nn.Linear(3, 3), Encoder(9, **SIZES).state_dict(), None, False)


def test_parts():
    assert is_in("blocks.1.norm.weight", "blocks.1")
    assert not is_in("blocks.10.norm.weight", "blocks.1")
    assert is_in("embedding.weight", "encoder")
    assert not is_in("head.0.bias", "encoder")
    assert not is_in("decoder.blocks.0.bias", "encoder")
