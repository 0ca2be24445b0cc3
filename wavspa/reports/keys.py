"""Values of a run's configuration by their dotted keys."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from wavspa.errors import UserError
from wavspa.reports.numbers import ABSENT
from wavspa.training.labels import attention_label


def label_of(config: Mapping[str, Any], key: str) -> str:
    """The value of ``key`` as tables show it; a dash where the configuration has no such key."""
    value: Any = config
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return ABSENT
        value = value[part]
    return _label(value)


def check_keys(configs: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> None:
    """Refuse keys that no configuration has.

    Raises:
        UserError: There is one; the message names those that look like it.
    """
    known = set().union(*(_flat(config) for config in configs))
    for key in keys:
        if key not in known:
            near = get_close_matches(key, sorted(known), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UserError(f"no run has the configuration key {key!r}{hint}")


def differing_keys(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """The keys at which two configurations differ, but for what names the runs."""
    keys = (_flat(first) | _flat(second)) - {"name", "experiment_name", "seed"}
    return sorted(
        key
        for key in keys
        if not key.startswith("frozen.") and label_of(first, key) != label_of(second, key)
    )


def _label(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return attention_label(value)
    return "null" if value is None else str(value)


def _flat(config: Mapping[str, Any], above: str = "") -> set[str]:
    keys = set()
    for name, value in config.items():
        if isinstance(value, Mapping):
            keys |= _flat(value, f"{above}{name}.")
        else:
            keys.add(f"{above}{name}")
    return keys
