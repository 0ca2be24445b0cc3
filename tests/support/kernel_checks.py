"""What the tests of the GPU kernels share: where kernels run, cases, and the reference in float64."""

import importlib.util
import os

import pytest
import torch

from wavspa.wavelets.boundaries import EXTENSIONS
from wavspa.wavelets.operators import Analysis, FilterGradient, Synthesis, use_backend

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cuda" if torch.cuda.is_available() and not INTERPRETED else "cpu"

needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="triton is not installed"
)
needs_kernels = pytest.mark.skipif(
    DEVICE == "cpu" and not INTERPRETED,
    reason="no CUDA device; on a CPU test_interpreted.py runs this file in Triton's interpreter",
)

# (rows, samples, channels, taps), ragged where there are two rows: several tiles and an odd length;
# rows shorter than the filter, of 5 samples and of 1; full rows.
SHAPES = [(2, 27, 3, 4), (2, 5, 2, 6), (1, 10, 2, 4), (1, 1, 2, 4)]


def random(*shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator).to(DEVICE, dtype)


def bands_of(samples, taps, extension):
    return EXTENSIONS[extension].band_length(samples, taps)


def row_lengths(rows, samples):
    """Each row another length, the first one full."""
    return torch.tensor([max(1, samples - 7 * row) for row in range(rows)], device=DEVICE)


def inputs(shape, extension, dtype=torch.float64):
    """x, low, high and filters of one case."""
    rows, samples, channels, taps = shape
    bands = bands_of(samples, taps, extension)
    signals = [random(rows, samples, channels, dtype=dtype)]
    signals += [random(rows, bands, channels, seed=seed, dtype=dtype) for seed in (1, 2)]
    return (*signals, random(taps, channels, seed=3))


def run(x, low, high, filters, extension, lengths=None, mirror_low=False):
    """All three operators: low, high, x and the filters' gradient."""
    bands, samples, taps = low.shape[1], x.shape[1], filters.shape[0]
    rest = (lengths, mirror_low)
    return (
        *Analysis.apply(x, filters, extension, bands, *rest, low.dtype, high.dtype),
        Synthesis.apply(low, high, filters, extension, samples, *rest, x.dtype),
        FilterGradient.apply(x, low, high, extension, taps, *rest, filters.dtype),
    )


def reference(*tensors_and_rest, **options):
    """:func:`run` in plain torch, in float64 throughout."""
    wide = [
        t.double() if isinstance(t, torch.Tensor) and t.is_floating_point() else t
        for t in tensors_and_rest
    ]
    with use_backend("plain"):
        return run(*wide, **options)


def layouts(x):
    """The same numbers: rows apart, time after channels, every second channel."""
    rows, length, channels = x.shape
    apart = x.new_zeros(rows, length + 3, channels)[:, :length].copy_(x)
    turned = x.transpose(1, 2).contiguous().transpose(1, 2)
    spread = x.new_zeros(rows, length, 2 * channels)[..., ::2].copy_(x)
    return {"apart": apart, "turned": turned, "spread": spread}


def assert_near(ours, theirs, tolerance):
    """Relative error of each tensor in the Euclidean norm, and nothing that is not finite."""
    assert len(ours) == len(theirs)
    for ours_one, theirs_one in zip(ours, theirs, strict=True):
        ours_one, theirs_one = ours_one.detach().double(), theirs_one.detach().double()
        error = float((ours_one - theirs_one).norm())
        assert error <= tolerance * max(float(theirs_one.norm()), 1e-3), error


__all__ = [
    "DEVICE",
    "EXTENSIONS",
    "INTERPRETED",
    "SHAPES",
    "assert_near",
    "bands_of",
    "inputs",
    "layouts",
    "needs_kernels",
    "needs_triton",
    "random",
    "reference",
    "row_lengths",
    "run",
]
