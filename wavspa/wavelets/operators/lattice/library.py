"""The lattice as operators of torch: ``wavspa::lattice`` and ``wavspa::lattice_gradient``.

As in :mod:`wavspa.wavelets.operators.library`. Autocast would cast nothing in them.
"""

import torch
from torch import Tensor

from wavspa.backend import runs_triton
from wavspa.wavelets.operators.lattice import plain

SCHEMAS = (
    "lattice(Tensor angles) -> Tensor",
    "lattice_gradient(Tensor gradient, Tensor filters, Tensor angles) -> Tensor",
)

_library = torch.library.Library("wavspa", "FRAGMENT")
for schema in SCHEMAS:
    _library.define(schema, tags=(torch.Tag.pt2_compliant_tag,))


@torch.library.impl(_library, "lattice", "CompositeExplicitAutograd")
def _lattice(angles: Tensor) -> Tensor:
    if runs_triton(angles):
        from wavspa.wavelets.operators.lattice import triton_operators

        return triton_operators.lattice(angles)
    return plain.lattice(angles)


@torch.library.impl(_library, "lattice_gradient", "CompositeExplicitAutograd")
def _lattice_gradient(gradient: Tensor, filters: Tensor, angles: Tensor) -> Tensor:
    if runs_triton(gradient, filters, angles):
        from wavspa.wavelets.operators.lattice import triton_operators

        return triton_operators.lattice_gradient(gradient, filters, angles)
    return plain.lattice_gradient(gradient, filters, angles)


def _fake_lattice(angles: Tensor) -> Tensor:
    return angles.new_empty((2 * angles.shape[0], angles.shape[1]))


def _fake_lattice_gradient(gradient: Tensor, filters: Tensor, angles: Tensor) -> Tensor:
    return angles.new_empty(angles.shape)


# Called as functions, since as decorators they would erase the types of the decorated functions.
torch.library.register_fake("wavspa::lattice", _fake_lattice, lib=_library)
torch.library.register_fake("wavspa::lattice_gradient", _fake_lattice_gradient, lib=_library)

LATTICE = torch.ops.wavspa.lattice.default
LATTICE_GRADIENT = torch.ops.wavspa.lattice_gradient.default
