"""The attention bases by themselves against the original's vectors, values and all gradients."""

import pytest
import torch

from support import golden_vectors as golden
from support.golden_vectors import agree, tensor
from wavspa.attention import AttentionOptions, Longformer
from wavspa.models.upstream import build_from_flax
from wavspa.models.upstream.weights import flax_names, from_flax


@pytest.mark.parametrize(
    "path",
    [p for p in golden.files("attention/*.npz") if "mask" not in p.stem],
    ids=golden.name,
)
def test_attention(path):
    arrays, options = golden.load(path)
    module = build_from_flax(golden.parameters(arrays), options, upstream_defects=True)
    x = tensor(arrays["x"], True)
    y = module(x)
    agree(y, arrays["y"], golden.LOGIT, "y")
    (y * tensor(arrays["cot"])).sum().backward()
    agree(x.grad, arrays["grad_x"], golden.GRADIENT, "grad_x")
    for name, parameter in flax_names(module).items():
        expected = from_flax(name, tensor(arrays[f"grad/{name}"]), parameter.shape)
        agree(parameter.grad, expected.numpy(), golden.GRADIENT, name)


@pytest.mark.parametrize("path", golden.files("attention/window_mask_*.npz"), ids=golden.name)
def test_window(path):
    """Which places a query sees: with one-hot values the output is the attention's support."""
    arrays, options = golden.load(path)
    expected = torch.tensor(arrays["mask"] > 0)
    length = len(expected)
    longformer = Longformer(length, 1, AttentionOptions(window=options["window"]))
    q = k = torch.zeros(1, 1, length, length)
    seen = longformer.attend(q, k, torch.eye(length)[None, None], None)[0, 0] > 0
    assert torch.equal(seen, expected)
