"""The transforms against the original's vectors, values and all gradients."""

import pytest
import torch

from support import golden_vectors as golden
from support.golden_vectors import agree, tensor
from wavspa import lattice_filters, lifting_dec, lifting_rec, wavedec, waverec
from wavspa.models.upstream.quirks import MisalignedLift
from wavspa.wavelets import WaveletOptions, daubechies_taps
from wavspa.wavelets.transforms import Bands


def bands(arrays, key):
    return [arrays[f"{key}/{i}"] for i in range(sum(k.startswith(f"{key}/") for k in arrays))]


def dot(tensors, arrays):
    return sum((t * torch.tensor(a)).sum() for t, a in zip(tensors, arrays, strict=True))


@pytest.mark.parametrize("path", golden.files("dwt/*.npz"), ids=golden.name)
@pytest.mark.parametrize("defects", [True, False], ids=["defects", "fixed"])
def test_dwt(path, defects):
    arrays, options = golden.load(path)
    prefix = "" if defects or "fix/rec" not in arrays else "fix/"
    level = options["level"]

    def dec(x, w):
        return wavedec(x, w, level, "upstream", mirror_low=defects)

    def rec(coeffs, w, length=None):
        return waverec(coeffs, w, length, "upstream", mirror_low=defects)

    x, w = tensor(arrays["x"], True), tensor(arrays["wavelet"], True)
    coeffs = dec(x, w)
    for i, band in enumerate(coeffs):
        agree(band, arrays[f"{prefix}coef/{i}"], golden.TRANSFORM, f"coef/{i}")
    agree(rec(coeffs, w), arrays[f"{prefix}rec"], golden.TRANSFORM, "rec")
    # Where the file has one filter for all channels, its filter gradients carry the channel flip.
    filters_comparable = defects or prefix
    grads = torch.autograd.grad(dot(coeffs, bands(arrays, "cot_coef")), [x, w])
    agree(grads[0], arrays[f"{prefix}grad_dec_x"], golden.GRADIENT, "grad_dec_x")
    if filters_comparable:
        agree(grads[1], arrays[f"{prefix}grad_dec_w"], golden.GRADIENT, "grad_dec_w")

    given = [tensor(c, True) for c in bands(arrays, f"{prefix}coef")]
    loss = (rec(given, w) * tensor(arrays["cot_rec"])).sum()
    *grad_coeffs, grad_w = torch.autograd.grad(loss, [*given, w])
    for i, grad in enumerate(grad_coeffs):
        agree(grad, arrays[f"{prefix}grad_rec_coef/{i}"], golden.GRADIENT, f"grad_rec_coef/{i}")
    if filters_comparable:
        agree(grad_w, arrays[f"{prefix}grad_rec_w"], golden.GRADIENT, "grad_rec_w")

    loss = (rec(dec(x, w), w) * tensor(arrays["cot_rec"])).sum()
    grad_x, grad_w = torch.autograd.grad(loss, [x, w])
    agree(grad_x, arrays[f"{prefix}grad_round_x"], golden.GRADIENT, "grad_round_x")
    if filters_comparable:
        agree(grad_w, arrays[f"{prefix}grad_round_w"], golden.GRADIENT, "grad_round_w")


@pytest.mark.parametrize("path", golden.files("lift/*.npz"), ids=golden.name)
def test_lifting(path):
    arrays, options = golden.load(path)
    learned = options["kind"] == "adalift"
    # The fixed lifting's own gradients are wrong in the original; the corrected ones are stored too.
    prefix = "" if learned else "fix/"
    level = options["level"]
    names = ("wavelet_est", "wavelet_pred")
    filters = [tensor(arrays[n], True) for n in names] if learned else [None, None]
    wanted = filters if learned else []
    x = tensor(arrays["x"], True)
    coeffs = lifting_dec(x, *filters, level)
    for i, band in enumerate(coeffs):
        agree(band, arrays[f"coef/{i}"], golden.TRANSFORM, f"coef/{i}")
    agree(lifting_rec(coeffs, *filters), arrays[f"{prefix}rec"], golden.TRANSFORM, "rec")

    grads = torch.autograd.grad(dot(coeffs, bands(arrays, f"{prefix}cot_coef")), [x, *wanted])
    for grad, what in zip(grads, ["x", *names], strict=False):
        agree(grad, arrays[f"{prefix}grad_dec_{what}"], golden.GRADIENT, f"grad_dec_{what}")
    given = [tensor(c, True) for c in bands(arrays, f"{prefix}coef" if not learned else "coef")]
    loss = (lifting_rec(given, *filters) * tensor(arrays[f"{prefix}cot_rec"])).sum()
    grads = torch.autograd.grad(loss, [*given, *wanted])
    for i, grad in enumerate(grads[: len(given)]):
        agree(grad, arrays[f"{prefix}grad_rec_coef/{i}"], golden.GRADIENT, f"grad_rec_coef/{i}")
    for grad, what in zip(grads[len(given) :], names, strict=False):
        agree(grad, arrays[f"{prefix}grad_rec_{what}"], golden.GRADIENT, f"grad_rec_{what}")
    reconstruction = lifting_rec(lifting_dec(x, *filters, level), *filters)
    loss = (reconstruction * tensor(arrays[f"{prefix}cot_rec"])).sum()
    grads = torch.autograd.grad(loss, [x, *wanted], allow_unused=True)
    for grad, what in zip(grads, ["x", *names], strict=False):
        agree(grad, arrays[f"{prefix}grad_round_{what}"], golden.GRADIENT, f"grad_round_{what}")


@pytest.mark.parametrize("path", golden.files("lift/lift_*.npz"), ids=golden.name)
def test_misaligned_lifting(path):
    arrays, options = golden.load(path)
    mode = MisalignedLift(options["D"], WaveletOptions(level=options["level"]))
    coeffs = [tensor(c) for c in bands(arrays, "coef")]
    expected = arrays["rec"]
    rec = mode.transform().synthesise(Bands(coeffs, [None], expected.shape[1]))
    agree(rec, expected, golden.TRANSFORM, "rec")


@pytest.mark.parametrize("path", golden.files("ortho/wlen*.npz"), ids=golden.name)
def test_lattice(path):
    arrays, _ = golden.load(path)
    angles = tensor(arrays["thetas"], True)
    filters = lattice_filters(angles)
    agree(filters, arrays["filters"], golden.TRANSFORM)
    (grad,) = torch.autograd.grad((filters * tensor(arrays["cot"])).sum(), [angles])
    agree(grad, arrays["grad_thetas"], golden.GRADIENT)


@pytest.mark.parametrize("path", golden.files("ortho/daubcqf*.npz"), ids=golden.name)
def test_the_originals_long_filters_are_no_wavelets(path):
    """Why fixed filters beyond 40 taps cannot be imported with defects: ours are orthonormal."""
    arrays, options = golden.load(path)
    taps = options["taps"]
    theirs = torch.tensor(arrays["filter"], dtype=torch.float64)
    ours = daubechies_taps(taps)

    def defect(h):
        shifts = range(taps // 2)
        return max(abs(float(h[2 * s :] @ h[: taps - 2 * s]) - float(s == 0)) for s in shifts)

    assert defect(ours) < 1e-8 < 1e-5 < defect(theirs)
