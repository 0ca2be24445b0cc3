"""The kernels against plain torch in float64: every extension, ragged rows, dtypes."""

import pytest
import torch

from support.kernel_checks import (
    EXTENSIONS,
    SHAPES,
    assert_near,
    inputs,
    needs_kernels,
    needs_triton,
    random,
    reference,
    row_lengths,
    run,
)

pytestmark = [needs_triton, needs_kernels]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("extension", EXTENSIONS)
def test_all_three_operators(extension, shape):
    lengths = row_lengths(*shape[:2]) if shape[0] > 1 else None
    tensors = [t.float() for t in inputs(shape, extension)]
    assert_near(run(*tensors, extension, lengths), reference(*tensors, extension, lengths), 1e-6)


@pytest.mark.parametrize("taps", [2, 18])
def test_taps(taps):
    tensors = [t.float() for t in inputs((1, 21, 2, taps), "zero")]
    assert_near(run(*tensors, "zero"), reference(*tensors, "zero"), 1e-6)


@pytest.mark.parametrize("extension", ["zero", "wrap"])
def test_bands_longer_than_the_samples_need(extension):
    x, _, _, filters = (t.float() for t in inputs((1, 9, 2, 4), extension))
    low, high = random(1, 8, 2, dtype=torch.float32), random(1, 8, 2, seed=1, dtype=torch.float32)
    tensors = (x, low, high, filters)
    assert_near(run(*tensors, extension), reference(*tensors, extension), 1e-6)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 4e-3), (torch.float16, 5e-4)])
def test_narrow_dtypes_lose_their_rounding_only(dtype, tolerance):
    tensors = inputs((2, 13, 8, 4), "zero", dtype)
    ours, theirs = run(*tensors, "zero"), reference(*tensors, "zero")
    assert [o.dtype for o in ours] == [dtype, dtype, dtype, torch.float64]
    assert_near(ours, theirs, tolerance)


def test_low_pass_mirrored_over_the_channels():
    tensors = [t.float() for t in inputs((1, 9, 3, 4), "zero")]
    ours = run(*tensors, "zero", mirror_low=True)
    assert_near(ours, reference(*tensors, "zero", mirror_low=True), 1e-6)


def test_nothing_beyond_a_row_is_read():
    lengths = row_lengths(2, 13)
    clean = [t.float() for t in inputs((2, 13, 2, 4), "reflect")]
    spoilt = [t.clone() for t in clean]
    spoilt[0][1, lengths[1] :] = torch.nan
    bands = (int(lengths[1]) + 3) // 2
    spoilt[1][1, bands:] = spoilt[2][1, bands:] = torch.nan
    ours = run(*spoilt, "reflect", lengths)
    assert all(
        torch.equal(o, t) for o, t in zip(ours, run(*clean, "reflect", lengths), strict=True)
    )
    assert not ours[0][1, bands:].any()
    assert not ours[2][1, lengths[1] :].any()
