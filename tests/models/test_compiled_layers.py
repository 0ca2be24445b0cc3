"""A layer of every mode is one graph under autocast with lengths, and computes what it computes eagerly."""

import pytest
import torch

from support.kernel_checks import DEVICE, INTERPRETED
from wavspa import WavSpAttention
from wavspa.wavelets import MODES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(INTERPRETED, reason="the interpreter is not traced"),
    # torch's own, where it traces an autograd.Function.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture
def dynamo():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("mode", MODES)
def test_compiles_whole_under_autocast(mode, dynamo):
    torch.manual_seed(0)
    layer = WavSpAttention(16, 2, "softmax", mode, 6, 2, max_len=40).to(DEVICE)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    x = torch.randn(3, 37, 16, device=DEVICE)
    lengths = torch.tensor([37, 20, 1], device=DEVICE)
    results = []
    for function in (layer, compiled):
        layer.zero_grad(set_to_none=True)
        own = x.clone().requires_grad_()
        with torch.autocast(DEVICE, torch.bfloat16):
            y = function(own, lengths)
        y.float().square().sum().backward()
        results.append((y, own.grad, *(p.grad for p in layer.parameters())))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("mode", ["fourier", "ada"])
def test_compiled_code_takes_other_lengths(mode, dynamo):
    """From the second length on it is compiled for any."""
    torch.manual_seed(0)
    layer = WavSpAttention(16, 2, "softmax", mode, 6, 2, max_len=40).to(DEVICE)
    compiled = torch.compile(layer, backend="aot_eager")
    for length in (10, 23, 32):
        x = torch.randn(2, length, 16, device=DEVICE, requires_grad=True)
        lengths = torch.tensor([length, 4], device=DEVICE)
        gradients = [
            torch.autograd.grad(function(x, lengths).square().sum(), [x, *layer.parameters()])
            for function in (layer, compiled)
        ]
        for ours, theirs in zip(*gradients, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)
