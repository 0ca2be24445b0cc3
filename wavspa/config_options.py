"""Options of a nested configuration: dotted keys, differences, suggestions for mistyped names."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any


def flatten(
    config: Mapping[Any, Any], inner: bool = False, above: str = ""
) -> Iterator[tuple[str, Any]]:
    """The dotted key of every value of a configuration, and the value, in order.

    Args:
        config: Nested mappings; lists are values.
        inner: Also yield each mapping, before its content.
        above: The prefix of every key.
    """
    for name, value in config.items():
        key = f"{above}{name}"
        is_mapping = isinstance(value, Mapping)
        if inner or not is_mapping:
            yield key, value
        if is_mapping:
            yield from flatten(value, inner, f"{key}.")


def did_you_mean(name: str, names: Iterable[str], above: str = "") -> str:
    """``"; did you mean X?"``, or nothing if no name is similar.

    Args:
        name: The name as typed.
        names: The possible names.
        above: The prefix of the suggested name.
    """
    near = get_close_matches(name, [other for other in names if other], n=1)
    return f"; did you mean {above}{near[0]}?" if near else ""


def differences(one: Mapping[Any, Any], other: Mapping[Any, Any], most: int = 3) -> list[str]:
    """Where two configurations differ: ``"model.taps=4, here 6"`` for each key, up to ``most``."""
    first, second = dict(flatten(one)), dict(flatten(other))
    lines = [
        f"{key}={_typed(first.get(key))}, here {_typed(second.get(key))}"
        for key in dict.fromkeys([*first, *second])
        if first.get(key) != second.get(key)
    ]
    left = len(lines) - most
    return [*lines[:most], *([f"and {left} more"] if left > 0 else [])]


def _typed(value: object) -> str:
    """A value as typed."""
    names = {None: "null", True: "true", False: "false"}
    return names[value] if value is None or isinstance(value, bool) else str(value)
