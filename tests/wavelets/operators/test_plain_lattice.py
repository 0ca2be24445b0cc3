"""The lattice's operator in plain torch: its gradient walks back, and is torch's own."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from support.kernel_checks import INTERPRETED, random
from wavspa import lattice_filters
from wavspa.wavelets.operators.lattice import Lattice
from wavspa.wavelets.operators.lattice.library import LATTICE, LATTICE_GRADIENT

pytestmark = pytest.mark.skipif(INTERPRETED, reason="nothing here runs a kernel")


@pytest.mark.parametrize("half", [1, 2, 5])
def test_gradients(half):
    angles = (random(half, 2) * 3).requires_grad_()
    assert torch.equal(Lattice.apply(angles), lattice_filters(angles))
    assert gradcheck(Lattice.apply, angles)
    assert gradgradcheck(Lattice.apply, angles)


def test_the_gradient_of_long_filters():
    angles = (random(38, 3) * 3).requires_grad_()
    given = random(76, 3, seed=1)
    (ours,) = torch.autograd.grad(Lattice.apply(angles), angles, given)
    (theirs,) = torch.autograd.grad(lattice_filters(angles), angles, given)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_operators_as_torch_wants_them():
    angles, check = random(3, 5), torch.library.opcheck
    filters = lattice_filters(angles)
    for own in (angles, angles.t().contiguous().t()):
        check(LATTICE, (own,))
        check(LATTICE_GRADIENT, (filters.square(), filters, own))


@pytest.mark.slow
# torch's own, where it traces an autograd.Function.
@pytest.mark.filterwarnings("ignore")
def test_compiled_in_one_graph():
    angles = random(4, 3).requires_grad_()
    compiled = torch.compile(Lattice.apply, fullgraph=True, backend="aot_eager")
    with torch.autocast("cpu", torch.bfloat16):
        results = [f(angles) for f in (compiled, Lattice.apply)]
    torch.testing.assert_close(*results)
    torch.testing.assert_close(*(torch.autograd.grad(r.pow(3).sum(), angles) for r in results))
