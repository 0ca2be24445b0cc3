"""Names for parts: the choices of ``attention=`` and ``wavelet=``, including registered parts of users."""

import re
from collections.abc import Callable, MutableMapping
from typing import Any, TypeVar

P = TypeVar("P", bound=Callable[..., object])

_registered: dict[str, dict[str, None]] = {}

_NAME = re.compile(r"[A-Za-z_]\w*")


def registered(option: str) -> list[str]:
    """The names of the user's parts among the choices of an option."""
    return list(_registered.get(option, ()))


def registering(option: str, parts: MutableMapping[str, Any], name: str) -> Callable[[P], P]:
    """A decorator that makes ``name`` a choice of an option.

    Args:
        option: The option that chooses among the parts, such as ``attention``.
        parts: The parts by name.
        name: The new name: letters, digits and underscores, since it is typed and used in folder names.

    Raises:
        ValueError: The name has other characters, or is that of another part.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"register_{option}: the name must be letters, digits and underscores, got {name!r}"
        )

    def register(part: P) -> P:
        known = parts.get(name)
        # Rerunning a notebook cell or reloading a module defines the same part again.
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
