"""Gradients of gradients, of operators whose gradient has no operator that makes its own gradient.

Where autograd records a backward pass, that pass runs the formula in plain torch instead of the
operator: torch differentiates it to any order. Nothing of it runs in ordinary training.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def is_differentiated() -> bool:
    """Whether autograd records the backward pass that asks; torch.compile never does."""
    return torch.is_grad_enabled() and not torch.compiler.is_compiling()


def differentiable_gradients(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], gradients: Sequence[Tensor]
) -> list[Tensor | None]:
    """Gradients, recorded by autograd, of those inputs that need one; None for the others.

    Args:
        outputs: What plain torch made of ``inputs``.
        inputs: Tensors as the operator got them.
        gradients: Gradients of the outputs.
    """
    needed = [tensor for tensor in inputs if tensor.requires_grad]
    found = iter(torch.autograd.grad(outputs, needed, gradients, create_graph=True))
    return [next(found) if tensor.requires_grad else None for tensor in inputs]
