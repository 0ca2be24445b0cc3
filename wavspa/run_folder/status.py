"""status.json: the state of a run, recorded in its folder."""

import json
from pathlib import Path
from typing import Any, Literal, TypedDict, cast

from wavspa import atomic
from wavspa.errors import UserError
from wavspa.run_folder import layout


class Best(TypedDict):
    """The best value of the monitored metric, and the step that reached it."""

    metric: str
    value: float
    step: int


class Status(TypedDict, total=False):
    """The content of status.json; a key is absent until it is known.

    ``step`` of ``steps`` are done; ``stopped_early`` is the reason for an early end, if known.
    ``peak_memory`` is in bytes, for one process, since its last start; ``first_step_seconds`` also
    belongs to that start, and ``tokens_per_second`` counts all devices, pads included. ``mfu`` is the
    share of a device's peak that the model's operations reach, None if the peak is not known.
    """

    state: Literal["running", "interrupted", "finished", "failed", "pruned"]
    reason: str
    step: int
    steps: int
    stopped_early: str
    best: Best | None
    test: dict[str, float]
    parameters: int
    seconds_per_step: float
    first_step_seconds: float
    tokens_per_second: float
    mfu: float | None
    device: str
    peak_memory: int


def read_status(folder: Path) -> Status:
    """Read a run's status.

    Args:
        folder: The run's folder.

    Returns:
        The status, empty if the run has not started.

    Raises:
        UserError: The file is damaged, or cannot be read.
    """
    path = folder / layout.STATUS
    try:
        if not path.exists():
            return {}
        status = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise UserError(
            f"{path} is damaged ({error}); remove it and start the run again"
        ) from error
    if not isinstance(status, dict) or "state" not in status:
        raise UserError(f"{path} is not the status of a run; remove it and start the run again")
    return cast(Status, status)


def early_end(status: Status) -> str:
    """A note that a finished run stopped before its last step, and why; empty for all other runs."""
    step, steps = status.get("step", 0), status.get("steps", 0)
    if status.get("state") != "finished" or step >= steps:
        return ""
    reason = status.get("stopped_early")
    return f"stopped early at step {step} of {steps}" + (f", {reason}" if reason else "")


def update_status(folder: Path, **changes: Any) -> None:
    """Write ``changes`` into a run's status.json."""
    status = {**read_status(folder), **changes}
    atomic.write_text(folder / layout.STATUS, json.dumps(status, indent=2) + "\n")
