"""Values of a run's configuration by their dotted keys."""

from collections.abc import Mapping, Sequence
from typing import Any

from wavspa.config_options import did_you_mean, flatten
from wavspa.errors import UserError
from wavspa.reports.number_format import ABSENT
from wavspa.run_folder.labels import attention_label

UNTOLD = ("name", "experiment_name", "seed", "data_root")


def value_label(config: Mapping[str, Any], key: str) -> str:
    """The value of ``key`` as tables show it; a dash if the configuration has no such key."""
    value: Any = config
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return ABSENT
        value = value[part]
    return _label(value)


def check_keys(configs: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> None:
    """Refuse keys that no configuration has.

    Raises:
        UserError: There is one; the message suggests a similar key.
    """
    known = {key for config in configs for key, _ in flatten(config)}
    for key in keys:
        if key not in known:
            hint = did_you_mean(key, sorted(known))
            raise UserError(f"no run has the configuration key {key!r}{hint}")


def distinguishing_options(
    configs: Sequence[Mapping[str, Any]], places: Sequence[tuple[object, ...]]
) -> list[str]:
    """For each configuration the ``key=value`` pairs that distinguish it from the others in its place.

    Args:
        configs: Configurations of different cells.
        places: The place of each; a configuration alone in its place gets an empty text.
    """
    groups: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for config, place in zip(configs, places, strict=True):
        groups.setdefault(place, []).append(config)
    keys = {place: _distinguishing_keys(group) for place, group in groups.items()}
    return [
        " ".join(_assigned(config, key) for key in keys[place])
        for config, place in zip(configs, places, strict=True)
    ]


def _distinguishing_keys(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """A few keys, in the order of the configuration, that distinguish every configuration from the others."""
    keys: list[str] = []
    told: set[tuple[str, ...]] = {()}
    for key in dict.fromkeys(key for config in configs for key, _ in flatten(config)):
        if len(told) == len(configs):
            return keys
        if key.rpartition(".")[2] not in UNTOLD and not key.startswith("frozen."):
            more = {tuple(value_label(config, k) for k in (*keys, key)) for config in configs}
            if len(more) > len(told):
                keys, told = [*keys, key], more
    return keys if len(told) == len(configs) else [*keys, "frozen.cell"]


def _assigned(config: Mapping[str, Any], key: str) -> str:
    """The ``key=value`` pair; a ``_target_`` is shown as the name of its class, under the key above it."""
    value = value_label(config, key)
    name = key.removesuffix("._target_").rpartition(".")[2]
    return f"{name}={value.rpartition('.')[2] if key.endswith('_target_') else value}"


def _label(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return attention_label(value)
    return "null" if value is None else str(value)
