"""Transfer of weights from one model to another, by name and shape.

Names are those of an encoder: the ``encoder.`` of a model that holds one is left out.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from wavspa.errors import UserError

ENCODER = "encoder"
HEAD = "head"
EMBEDDING = "embedding.weight"


class Plan(NamedTuple):
    """The use of the weights.

    Attributes:
        taken: Names of those that are copied.
        new: Names in the new model to which nothing is copied, for lack of a counterpart.
        left: Names of weights that have no place in the new model, or are not asked for.
        misfits: Names that both have, with different shapes: that of the weights, and the new model's.
    """

    taken: list[str]
    new: list[str]
    left: list[str]
    misfits: dict[str, tuple[list[int], list[int]]]


def plan(
    model: nn.Module, weights: Mapping[str, Tensor], part: str | None, with_head: bool
) -> Plan:
    """Plan which weights can be taken.

    Args:
        model: The new model, which may be without memory.
        weights: The weights by name.
        part: The part to take: see :func:`is_in`; None: all.
        with_head: Whether the head is the same one; it is taken if all of it fits.

    Raises:
        UserError: There is no such part, or nothing fits.
    """
    own = {short(name): tensor for name, tensor in model.state_dict().items()}
    theirs = _within(model, weights)
    if part is not None and not any(is_in(name, part) for name in theirs):
        raise UserError(f"has no part {part!r}; choose one of {', '.join(parts(theirs))}")
    head = [name for name in own if is_in(name, HEAD)]
    whole = with_head and all(n in theirs and theirs[n].shape == own[n].shape for n in head)
    wanted = {
        name
        for name in theirs
        if (part is None or is_in(name, part)) and (whole or not is_in(name, HEAD))
    }
    both = [name for name in own if name in wanted]
    taken = [name for name in both if _fits(name, own[name], theirs[name])]
    if not taken:
        raise UserError("has no weight that fits this model by name and shape")
    return Plan(
        taken,
        [name for name in own if name not in both],
        [name for name in theirs if name not in both],
        {n: (list(theirs[n].shape), list(own[n].shape)) for n in both if n not in taken},
    )


def copy(model: nn.Module, weights: Mapping[str, Tensor], names: list[str]) -> None:
    """Copy the weights of these names into a model."""
    theirs = _within(model, weights)
    chosen = set(names)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if short(name) in chosen:
                given = torch.atleast_1d(theirs[short(name)])
                rows = min(len(given), len(torch.atleast_1d(tensor)))
                torch.atleast_1d(tensor)[:rows].copy_(given[:rows])


def _within(model: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights by their short names, and as this model would hold them.

    A model whose encoder is not a plain one translates those of plain encoders by ``weights_of_encoder``.
    """
    translate = getattr(model, "weights_of_encoder", None)
    if translate is None or any(name.startswith(f"{ENCODER}.") for name in weights):
        return {short(name): tensor for name, tensor in weights.items()}
    head = {name: tensor for name, tensor in weights.items() if is_in(name, HEAD)}
    rest = {name: tensor for name, tensor in weights.items() if name not in head}
    return {short(name): tensor for name, tensor in translate(rest).items()} | head


def _fits(name: str, own: Tensor, theirs: Tensor) -> bool:
    # An encoder of masked tokens has one more row, the last, for the mask.
    if name == EMBEDDING and own.shape[1:] == theirs.shape[1:]:
        return abs(len(own) - len(theirs)) <= 1
    return own.shape == theirs.shape


def short(name: str) -> str:
    """The name of a parameter within its encoder."""
    return name.removeprefix(f"{ENCODER}.")


def is_in(name: str, part: str) -> bool:
    """Whether a parameter belongs to a part.

    Args:
        name: Name of the parameter, within its encoder.
        part: A module by its dotted name, such as ``embedding``, ``blocks`` or ``blocks.0``; or ``encoder``,
            all but the head.
    """
    if part == ENCODER:
        return not is_in(name, HEAD) and not name.startswith("decoder.")
    return name == part or name.startswith(f"{part}.")


def parts(names: Mapping[str, object]) -> list[str]:
    """The parts that are made of parameters with these names."""
    return [ENCODER, *dict.fromkeys(name.partition(".")[0] for name in names)]
