"""The flash kernel against the masked path in float32, on a CUDA device; skipped where there is none."""

import pytest
import torch

from wavspa import WavSpAttention
from wavspa.attention import AttentionOptions, build_attention
from wavspa.attention.base import real_positions
from wavspa.attention.flash import HALF_TYPES, runs_flash

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

DIM, HEADS = 64, 4
# Ragged, with full rows (their pads are a segment of length zero) and rows of one position; all full.
ROWS = {"ragged": (301, 150, 33, 1), "some full": (301, 301, 1, 301), "full": (301,) * 4}
WINDOWS = [1, 2, 5, 64, 129, 600, 603]


def layer(name, dtype, window=64, dropout=0.0):
    torch.manual_seed(0)
    options = AttentionOptions(window=window, dropout=dropout)
    return build_attention(name, DIM, HEADS, options).to("cuda", dtype)


def inputs(dtype, batch=4, length=301):
    generator = torch.Generator().manual_seed(1)
    x, y = (torch.randn(batch, length, DIM, generator=generator) for _ in range(2))
    return x.to("cuda", dtype).requires_grad_(), y.to("cuda", dtype)


def outputs_and_gradients(module, x, cotangent, lengths):
    y = module(x, lengths)
    if lengths is not None:
        real = real_positions(lengths, x.shape[1])[..., None]
        # Not a product: outputs at pads may be anything, but must not reach a gradient.
        y, cotangent = y.where(real, 0), cotangent.where(real, 0)
    return y, *torch.autograd.grad(y, [x, *module.parameters()], cotangent)


def assert_near(ours, theirs, tolerance):
    """Relative error in the Euclidean norm; a gradient that is zero but for rounding, against the largest."""
    least = 0.3 * max(float(their.norm()) for their in theirs)
    for our, their in zip(ours, theirs, strict=True):
        assert our.isfinite().all()
        error = (our.float() - their).norm() / max(float(their.norm()), least)
        assert error < tolerance, f"{error:.4f}"


def assert_matches_float32(name, dtype, lengths, window=64):
    half = layer(name, dtype, window)
    # The reference starts from the same rounded weights and inputs.
    whole = layer(name, dtype, window).float()
    x, cotangent = inputs(dtype)
    ours = outputs_and_gradients(half, x, cotangent, lengths)
    theirs = outputs_and_gradients(
        whole, x.detach().float().requires_grad_(), cotangent.float(), lengths
    )
    assert runs_flash(half.project(x)[0])
    assert not runs_flash(whole.project(x.float())[0])
    assert_near(ours, theirs, 2e-2 if dtype == torch.bfloat16 else 4e-3)


@pytest.mark.parametrize("dtype", HALF_TYPES, ids=str)
@pytest.mark.parametrize("rows", ROWS)
def test_softmax(rows, dtype):
    assert_matches_float32("softmax", dtype, torch.tensor(ROWS[rows], device="cuda"))


@pytest.mark.parametrize("rows", [*ROWS, None])
@pytest.mark.parametrize("window", WINDOWS)
def test_longformer(window, rows):
    """Even and odd windows, at both ends of rows, wider than they are."""
    lengths = None if rows is None else torch.tensor(ROWS[rows], device="cuda")
    assert_matches_float32("longformer", torch.bfloat16, lengths, window)


@pytest.mark.parametrize("name", ["softmax", "longformer"])
@pytest.mark.parametrize("length", [1, 2, 9])
def test_short_rows(name, length):
    module, whole = layer(name, torch.float16, 4), layer(name, torch.float16, 4).float()
    x, cotangent = inputs(torch.float16, 2, length)
    lengths = torch.tensor([1, length], device="cuda")
    ours = outputs_and_gradients(module, x, cotangent, lengths)
    x = x.detach().float().requires_grad_()
    assert_near(ours, outputs_and_gradients(whole, x, cotangent.float(), lengths), 1e-2)


@pytest.mark.parametrize("name", ["softmax", "longformer"])
def test_dropout(name):
    """Weights are dropped, in the mean they stay, and the gradient belongs to the mask of its forward."""
    module = layer(name, torch.float16, dropout=0.25).train()
    lengths = torch.tensor(ROWS["ragged"], device="cuda")
    q, k, _ = (t.detach() for t in module.project(inputs(torch.float16)[0]))
    values = torch.ones_like(q).requires_grad_()
    y = module.attend(q, k, values, lengths)
    kept = y[0, :, :300].float()
    assert kept.std() > 0
    assert abs(kept.mean() - 1) < 0.02
    # Linear in the values: their product with the gradient of the sum is the sum.
    (gradient,) = torch.autograd.grad(y[0].float().sum(), values)
    torch.testing.assert_close(gradient[0].float().sum(), y[0].float().sum(), rtol=5e-3, atol=0)
    torch.manual_seed(3)
    once = module.attend(q, k, values, lengths)
    torch.manual_seed(3)
    assert torch.equal(module.attend(q, k, values, lengths), once)


@pytest.mark.parametrize("name", ["softmax", "longformer"])
def test_pads_do_not_reach_rows(name):
    module = layer(name, torch.bfloat16).eval()
    x, lengths = inputs(torch.bfloat16)[0].detach(), torch.tensor([301, 150, 33, 1], device="cuda")
    real = real_positions(lengths, 301)[..., None]
    y = module(x, lengths)
    assert torch.equal(y.where(real, 0), module(x.where(real, 1e4), lengths).where(real, 0))


@pytest.mark.parametrize("wavelet", ["none", "ada"])
@pytest.mark.parametrize("attention", ["softmax", "longformer"])
def test_the_host_waits_for_nothing(attention, wavelet):
    module = WavSpAttention(DIM, HEADS, attention, wavelet, dropout=0.1).cuda()
    x, cotangent = inputs(torch.float32)
    lengths = torch.tensor(ROWS["ragged"], device="cuda")

    def step():
        with torch.autocast("cuda", torch.bfloat16):
            y = module(x, lengths)
        y.backward(cotangent)

    step()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("wavelet", ["none", "ada"])
@pytest.mark.parametrize("attention", ["softmax", "longformer", "linear", "performer"])
def test_compiled_under_autocast(attention, wavelet):
    """One graph, which gives what the eager layer gives, for other lengths of rows too."""
    torch._dynamo.reset()
    module = WavSpAttention(DIM, HEADS, attention, wavelet).cuda()
    compiled = torch.compile(module, fullgraph=True)
    x, cotangent = inputs(torch.float32)
    for rows in ((301, 150, 33, 1), (7, 301, 300, 2)):
        lengths = torch.tensor(rows, device="cuda")
        results = []
        for run in (compiled, module):
            with torch.autocast("cuda", torch.bfloat16):
                y = run(x, lengths)
            results.append((y, *torch.autograd.grad(y, [x, *module.parameters()], cotangent)))
        ours, theirs = results
        assert_near(ours, [their.float() for their in theirs], 3e-2)


@pytest.mark.parametrize("wavelet", ["none", "ada", "lift"])
@pytest.mark.parametrize("attention", ["softmax", "longformer", "linear", "performer", "linformer"])
def test_layers_under_autocast(attention, wavelet):
    """Bands in the half type: values and gradients of the layer in float32 within its precision."""
    torch.manual_seed(0)
    module = WavSpAttention(DIM, HEADS, attention, wavelet, 16, 2, max_len=301, rank=32).cuda()
    x, cotangent = inputs(torch.float32)
    for lengths in (None, torch.tensor(ROWS["some full"], device="cuda")):
        wanted = outputs_and_gradients(module, x, cotangent, lengths)
        with torch.autocast("cuda", torch.bfloat16):
            y = module(x, lengths)
        assert y.dtype == x.dtype
        ours = (y, *torch.autograd.grad(y, [x, *module.parameters()], cotangent))
        # Performer's features of normalised queries and keys are the least exact: 5.8 % on an H200.
        assert_near(ours, wanted, 8e-2 if attention == "performer" else 5e-2)
