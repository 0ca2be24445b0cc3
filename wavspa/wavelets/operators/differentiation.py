"""Gradients of gradients, of operators whose gradient has no operator that makes its own gradient.

Where autograd records a backward pass, that pass runs the formula in plain torch instead of the
operator: torch differentiates it to any order. Nothing of it runs in ordinary training.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def is_differentiated() -> bool:
    """Whether autograd records the backward pass that asks; torch.compile never does."""
    return torch.is_grad_enabled() and not torch.compiler.is_compiling()


def differentiable_gradients(
    formula: Callable[..., Sequence[Tensor]],
    inputs: Sequence[Tensor],
    gradients: Sequence[Tensor],
) -> list[Tensor | None]:
    """Gradients, recorded by autograd, of those inputs that need one; None for the others.

    Args:
        formula: The operator in plain torch, called with ``inputs``.
        inputs: Tensors as the operator got them.
        gradients: Gradients of what it returns.
    """
    # Aliases: a level's signal depends on the filters itself, where another level made it, and autograd would
    # count what reaches them that way here and again in that level's own backward pass.
    aliases = [tensor.view_as(tensor) for tensor in inputs]
    needed = [alias for alias in aliases if alias.requires_grad]
    found = iter(torch.autograd.grad(formula(*aliases), needed, gradients, create_graph=True))
    return [next(found) if alias.requires_grad else None for alias in aliases]
