"""How many kernels a layer asks a GPU for: its bands' attention, and little more."""

import pytest
import torch

from support.kernel_checks import INTERPRETED, needs_triton
from support.launches import counted, layer_launches
from wavspa import WavSpAttention
from wavspa.attention import AttentionOptions, build_attention

pytestmark = [
    needs_triton,
    pytest.mark.skipif(INTERPRETED, reason="nothing here runs a kernel"),
]

X = torch.zeros(2, 64, 16)


def layer(mode, level):
    torch.manual_seed(0)
    return WavSpAttention(16, 4, "softmax", mode, 16, level, max_len=64)


@pytest.mark.parametrize(
    ("mode", "level", "more"),
    [
        ("ada", 1, 12),
        ("ada", 3, 34),
        ("ortho", 1, 14),
        ("ortho", 3, 36),
        ("lift", 1, 19),
        ("lift", 3, 57),
    ],
)
def test_a_layer_is_its_bands_attention_and_a_few(mode, level, more, monkeypatch):
    """Forward and backward, under autocast: what the transform adds to one attention a band."""
    base = layer_launches(monkeypatch, layer("none", 1), X).total
    ours = layer_launches(monkeypatch, layer(mode, level), X)
    assert ours.total <= (level + 1) * base + more, ours.names


@pytest.mark.parametrize("lengths", [None, torch.tensor([64, 9])], ids=["full", "ragged"])
@pytest.mark.parametrize(("mode", "kernels"), [("ada", ["analysis"]), ("lift", ["step"] * 2)])
def test_a_level_forward_is_at_most_two(mode, kernels, lengths, monkeypatch):
    transform = layer(mode, 3).wavelet.transform()
    with counted(monkeypatch) as launches, torch.no_grad():
        rows = transform.analyse(X, lengths).rows
    ours = {name: count for name, count in launches.names.items() if name.endswith("kernel")}
    assert ours == {f"{kernels[0]}_kernel": 3 * len(kernels)}
    # The rest is arithmetic with the numbers of samples.
    assert launches.total - sum(ours.values()) <= (0 if rows[0] is None else 9)


def test_a_lattice_is_one_forward_and_one_backward(monkeypatch):
    mode = layer("ortho", 1).wavelet
    with counted(monkeypatch) as launches:
        (filters,) = mode.filters()
        filters.backward(filters.detach())
    assert launches.names == {"lattice_kernel": 1, "lattice_gradient_kernel": 1}


@pytest.mark.parametrize(
    ("base", "options", "more"),
    [
        ("linear", {}, 5),
        ("performer", {}, 5),
        ("performer", {"features": "favor"}, 5),
        # A row's own mixtures take all heads at once, as they lie; one for all rows copies them.
        ("linformer", {}, 0),
    ],
)
def test_lengths_cost_kernel_bases_few(base, options, more, monkeypatch):
    """Keys lose their pads where features are made: nothing passes over values, or waits for a choice."""

    def launches(lengths):
        torch.manual_seed(0)
        chosen = AttentionOptions(max_len=64, rank=8, **options)
        return layer_launches(monkeypatch, build_attention(base, 16, 4, chosen), X, lengths)

    full, ragged = launches(None), launches(torch.tensor([64, 9]))
    assert ragged.total <= full.total + more, ragged.names
    assert ragged.names["where"] == full.names["where"]
    assert "masked_fill" not in ragged.names
