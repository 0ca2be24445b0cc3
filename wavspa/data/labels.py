"""Labels as files and cards spell them."""

from collections.abc import Mapping
from typing import Any

from wavspa.errors import UserError

_BINARY = {"0": 0, "0.0": 0, "false": 0, "1": 1, "1.0": 1, "true": 1}


def binary(value: object, where: str) -> int:
    """0 or 1, of a number, a truth value, or the text of either.

    Args:
        value: as it was read.
        where: how a message names its place.

    Raises:
        UserError: it is something else.
    """
    label = _BINARY.get(str(value).strip().lower())
    if label is None:
        raise UserError(f"{where}: the label {value!r} is neither 0 nor 1")
    return label


def class_names(card: Mapping[str, Any], classes: int) -> list[str]:
    """What the card of the data calls the classes; their numbers if it does not."""
    return list(card.get("label_names", map(str, range(classes))))
