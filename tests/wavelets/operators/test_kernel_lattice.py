"""The lattice by its kernels against plain torch in float64: filters and gradients."""

import pytest
import torch

from support.kernel_checks import DEVICE, assert_near, needs_kernels, needs_triton, random
from wavspa import lattice_filters
from wavspa.wavelets.operators import use_backend
from wavspa.wavelets.operators.lattice.library import LATTICE, LATTICE_GRADIENT

pytestmark = [needs_triton, needs_kernels]


def angles_of(half, channels, dtype=torch.float32):
    return random(half, channels, dtype=dtype) * 3


def results(angles, second=False):
    """Filters and the angles' gradient; ``second``: that of the gradient as well."""
    angles = angles.clone().requires_grad_()
    filters = lattice_filters(angles)
    given = random(*filters.shape, seed=1, dtype=angles.dtype)
    (first,) = torch.autograd.grad(filters, angles, given, create_graph=second)
    if not second:
        return filters, first
    return filters, first, *torch.autograd.grad(first.square().sum(), angles)


@pytest.mark.parametrize(
    ("half", "channels"), [(1, 1), (2, 3), (5, 17), (8, 16), (20, 2), (38, 40)], ids=str
)
def test_filters_and_gradients(half, channels):
    angles = angles_of(half, channels)
    with use_backend("plain"):
        theirs = results(angles.double())
    assert_near(results(angles), theirs, 2e-6)


def test_gradients_of_gradients():
    angles = angles_of(4, 3)
    with use_backend("plain"):
        theirs = results(angles.double(), second=True)
    assert_near(results(angles, second=True), theirs, 4e-6)


def test_strides_and_expanded_gradients():
    angles = angles_of(4, 3).t().contiguous().t().requires_grad_()
    filters = lattice_filters(angles)
    assert filters.is_contiguous()
    assert torch.equal(filters, lattice_filters(angles.detach().contiguous()))
    (ours,) = torch.autograd.grad(filters.sum(), angles, retain_graph=True)
    (theirs,) = torch.autograd.grad(filters, angles, torch.ones_like(filters))
    assert torch.equal(ours, theirs)


def test_operators_as_torch_wants_them():
    angles, check = angles_of(3, 5), torch.library.opcheck
    filters = lattice_filters(angles)
    for own in (angles, angles.t().contiguous().t()):
        check(LATTICE, (own,))
        check(LATTICE_GRADIENT, (filters.square(), filters, own))


@pytest.mark.skipif(DEVICE == "cpu", reason="needs a CUDA device")
def test_compiled_in_one_graph():
    angles = angles_of(8, 64).requires_grad_()
    compiled = torch.compile(lattice_filters, fullgraph=True)
    results = [f(angles) for f in (compiled, lattice_filters)]
    torch.testing.assert_close(*results)
    torch.testing.assert_close(*(torch.autograd.grad(r.pow(3).sum(), angles) for r in results))
