"""What the tests of the attention bases share: bases with random parameters, and their definition."""

import torch

from references import attention as reference
from wavspa.attention import AttentionOptions, build_attention
from wavspa.attention.base import real_positions

DIM, HEADS, MAX_LEN = 8, 2, 200
CLOSE = {"rtol": 1e-9, "atol": 1e-10}
# Even and odd, on both sides of the blocks and of the lengths that tests have.
WINDOWS = [1, 2, 3, 8, 65, 129, 300]


def random(*shape, seed=0):
    """Normal values in float64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def build(name, **options):
    """A base in float64 whose parameters, biases and scales too, are all random."""
    torch.manual_seed(0)
    module = build_attention(name, DIM, HEADS, AttentionOptions(max_len=MAX_LEN, **options))
    module = module.double().eval()
    for index, parameter in enumerate(module.parameters()):
        parameter.data += 0.3 * random(*parameter.shape, seed=index)
    return module


def ragged(batch, length):
    """A full row, half a row, a row of one."""
    return torch.tensor([length, max(1, length // 2), 1][:batch])


def assert_matches(module, x, lengths, close):
    """Outputs at real positions, and the gradients of x and of every parameter through them."""
    x.requires_grad_()
    ours, expected = module(x, lengths), reference.attention(module, x, lengths)
    cotangent = random(*x.shape, seed=5)
    if lengths is not None:
        real = real_positions(lengths, x.shape[1])[..., None]
        ours, expected, cotangent = ours * real, expected * real, cotangent * real
    torch.testing.assert_close(ours, expected, **close)
    inputs = {"x": x, **dict(module.named_parameters())}
    gradients = torch.autograd.grad(ours, inputs.values(), cotangent)
    wanted = torch.autograd.grad(expected, inputs.values(), cotangent)
    for name, gradient, want in zip(inputs, gradients, wanted, strict=True):
        torch.testing.assert_close(gradient, want, **close, msg=lambda m, n=name: f"{n}: {m}")
