"""Gradients of gradients, for operators whose gradient is not itself an operator with a gradient.

If autograd records a backward pass, that pass runs the formula in plain torch instead of the
operator, and torch differentiates it to any order. None of this runs in ordinary training.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def is_differentiated() -> bool:
    """Whether autograd records the calling backward pass; torch.compile never does."""
    return torch.is_grad_enabled() and not torch.compiler.is_compiling()


def differentiable_gradients(
    formula: Callable[..., Sequence[Tensor]],
    inputs: Sequence[Tensor],
    gradients: Sequence[Tensor],
) -> list[Tensor | None]:
    """Gradients, recorded by autograd, of those inputs that need one; None for the others.

    Args:
        formula: The operator in plain torch, called with ``inputs``.
        inputs: The inputs of the operator.
        gradients: The gradients of its outputs.
    """
    # Aliases, because a level's signal may itself depend on the filters, through another level: autograd
    # would count that path here and again in that level's own backward pass.
    aliases = [tensor.view_as(tensor) for tensor in inputs]
    needed = [alias for alias in aliases if alias.requires_grad]
    found = iter(torch.autograd.grad(formula(*aliases), needed, gradients, create_graph=True))
    return [next(found) if alias.requires_grad else None for alias in aliases]
