"""Options of a launcher or a sweeper as a dataclass; errors name the key."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from wavspa.checks import whole_number
from wavspa.config_options import did_you_mean
from wavspa.errors import UserError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def options_of(kind: type[T], given: Mapping[str, Any], node: str, chosen: str) -> T:
    """The options of a composed node.

    Args:
        kind: The dataclass of the options.
        given: The node's keys and values.
        node: Its name, such as ``hydra.launcher``.
        chosen: The choice that it belongs to, such as ``hydra/launcher=slurm``.

    Raises:
        UserError: A key is unknown.
    """
    known = [option.name for option in fields(kind)]
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known, f"{node}.")
            raise UserError(f"{node}.{name} is not an option of {chosen}{hint}")
    return kind(**given)


def check_whole_numbers(
    options: Any, node: str, least: Mapping[str, int], optional: Collection[str] = ()
) -> None:
    """Refuse options that are not whole numbers or are too small.

    Args:
        options: A dataclass of options.
        node: The node that they belong to, such as ``hydra.launcher``.
        least: The smallest allowed value of each.
        optional: The options that may be None.

    Raises:
        UserError: There is such an option.
    """
    for name, smallest in least.items():
        value = getattr(options, name)
        if value is not None or name not in optional:
            whole_number(f"{node}.{name}", value, smallest)
