"""The lattice with its gradient: the operator where kernels run, plain torch elsewhere."""

from typing import Any

from torch import Tensor
from torch.autograd import Function

from wavspa.backend import runs_triton
from wavspa.tracing import is_transformed
from wavspa.wavelets.operators.differentiation import differentiable_gradients, is_differentiated
from wavspa.wavelets.operators.lattice import plain
from wavspa.wavelets.operators.lattice.library import LATTICE, LATTICE_GRADIENT


class Lattice(Function):
    """``angles [L/2, D] -> filters [L, D]``."""

    @staticmethod
    def forward(ctx: Any, angles: Tensor) -> Tensor:
        """Run the operator."""
        filters: Tensor = LATTICE(angles)
        ctx.save_for_backward(filters, angles)
        return filters

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor | None:
        """The angles' gradient."""
        filters, angles = ctx.saved_tensors
        if is_differentiated():
            return differentiable_gradients(lambda a: [plain.lattice(a)], [angles], [gradient])[0]
        found: Tensor = LATTICE_GRADIENT(gradient, filters, angles)
        return found


def filters_of_angles(angles: Tensor) -> Tensor:
    """The low pass [L, D] of ``angles [L/2, D]``."""
    if runs_triton(angles) and not is_transformed():
        filters: Tensor = Lattice.apply(angles)
        return filters
    return plain.lattice(angles)
