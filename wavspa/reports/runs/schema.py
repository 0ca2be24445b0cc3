"""The content that a report requires of a run's files; those of another version may lack it."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

from wavspa.errors import UserError
from wavspa.run_folder import layout

_CONFIG: dict[str, Any] = {
    "seed": int,
    "frozen.cell": str,
    "frozen.hash": str,
    "frozen.overrides": list,
    "dataset.name": str,
    "model.attention": (str, list),
    "model.wavelet": str,
    "task.monitor": str,
    "trainer.max_steps": int,
}
_STATUS: dict[str, Any] = {
    "state": str,
    "reason": str,
    "step": int,
    "steps": int,
    "stopped_early": str,
    "best": (Mapping, type(None)),
    "test": Mapping,
    "parameters": int,
    "seconds_per_step": Real,
    "first_step_seconds": Real,
    "tokens_per_second": Real,
    "mfu": (Real, type(None)),
    "device": str,
    "peak_memory": int,
}
_BEST: dict[str, Any] = {"metric": str, "value": Real, "step": int}
_CARD: dict[str, Any] = {
    "splits.test.examples": int,
    "splits.test.labels": Mapping,
}


def check(config: Any, status: Mapping[str, Any], card: Any) -> None:
    """Refuse files that a report cannot use.

    Args:
        config: The content of a run's config.yaml.
        status: Content of its status.json, empty if it has none.
        card: Content of its card.json, empty if it has none.

    Raises:
        UserError: Something is missing or has another type; the message names the file and the key.
    """
    for key, kind in _CONFIG.items():
        _demand(layout.CONFIG, config, key, kind)
    for key in _STATUS.keys() & status.keys():
        _demand(layout.STATUS, status, key, _STATUS[key])
    for key in _BEST if status.get("best") else ():
        _demand(layout.STATUS, status["best"], key, _BEST[key])
    if status.get("state") == "finished":
        _demand(layout.STATUS, status, "test", Mapping)
    for name, value in status.get("test", {}).items():
        if not isinstance(value, Real):
            raise UserError(f"{layout.STATUS}: test metric {name} is {value!r}, not a number")
    for key in _CARD if card else ():
        _demand(layout.CARD, card, key, _CARD[key])


def _demand(file: str, content: Any, key: str, kind: Any) -> None:
    value = content
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise UserError(
                f"{file} has no {key}: it is damaged, or from another version of wavspa"
            )
        value = value[part]
    if not isinstance(value, kind):
        raise UserError(
            f"{file}: {key} is {value!r}: it is damaged, or from another version of wavspa"
        )
