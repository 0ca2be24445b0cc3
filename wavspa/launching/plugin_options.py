"""Options of a launcher or a sweeper as a dataclass; what is wrong is named by its key."""

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
        kind: Their dataclass.
        given: The node's keys and values.
        node: Its name, such as ``hydra.launcher``.
        chosen: What chose it, such as ``hydra/launcher=slurm``.

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
    """Refuse options that are not whole numbers, or too small.

    Args:
        options: A dataclass of options.
        node: What they are options of.
        least: The smallest value of each.
        optional: Those that may be None.

    Raises:
        UserError: There is one.
    """
    for name, smallest in least.items():
        value = getattr(options, name)
        if value is not None or name not in optional:
            whole_number(f"{node}.{name}", value, smallest)
