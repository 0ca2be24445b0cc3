"""Names for parts: what ``attention=`` and ``wavelet=`` choose from, and parts of others that join them."""

import re
from collections.abc import Callable, MutableMapping
from typing import Any, TypeVar

P = TypeVar("P", bound=Callable[..., object])

_registered: dict[str, dict[str, None]] = {}

_NAME = re.compile(r"[A-Za-z_]\w*")


def registered(option: str) -> list[str]:
    """The names of the parts of others among the choices of an option."""
    return list(_registered.get(option, ()))


def registering(option: str, parts: MutableMapping[str, Any], name: str) -> Callable[[P], P]:
    """A decorator that makes ``name`` a choice of an option.

    Args:
        option: What chooses among the parts, such as ``attention``.
        parts: The parts by name.
        name: The new one's: letters, digits and underscores, since a command line and a folder bear it.

    Raises:
        ValueError: The name cannot be typed, or is that of another part.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"register_{option}: the name must be letters, digits and underscores, got {name!r}"
        )

    def register(part: P) -> P:
        known = parts.get(name)
        # A notebook that runs its cell again, and a module that is reloaded, make the same part again.
        if known is not None and _place(known) != _place(part):
            raise ValueError(
                f"register_{option}: the name {name!r} is taken by {_place(known)}; choose another"
            )
        parts[name] = part
        _registered.setdefault(option, {})[name] = None
        return part

    return register


def _place(part: Callable[..., object]) -> str:
    """Where a class or function is defined, as imported."""
    name = getattr(part, "__qualname__", None)
    return repr(part) if name is None else f"{part.__module__}.{name}"
