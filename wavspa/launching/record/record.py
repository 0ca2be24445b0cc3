"""run.json: every start of a run, with its environment, duration and energy."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from typing_extensions import override

from wavspa import atomic
from wavspa.errors import RunInterrupted, RunPruned, UserError, first_line
from wavspa.launching.record.environment import environment, typed_command
from wavspa.reporting import is_first_rank, warn
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status
from wavspa.training.device_info import energy_used

STARTS = "starts"


class RunRecord(Callback):
    """Writes a start into run.json and, when it ends, how it ended; only the first rank writes.

    As a callback it measures the energy of the devices that train, from the moment they are chosen.

    Args:
        folder: The run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._began = 0.0
        self._devices: list[int] = []
        self._energy: float | None = None

    def __enter__(self) -> "RunRecord":
        self._began = time.perf_counter()
        if is_first_rank():
            starts = read_starts(self._folder)
            starts.append(
                {
                    "started": _now(),
                    "command": typed_command(),
                    "folder": str(Path.cwd()),
                    **_news(environment(), starts),
                }
            )
            _write(self._folder, starts)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not is_first_rank():
            return
        try:
            status, starts = read_status(self._folder), read_starts(self._folder)
            starts[-1] |= {
                "ended": _now(),
                "state": _state_of(error),
                "step": status.get("step", 0),
                "seconds": round(time.perf_counter() - self._began, 3),
                "joules": self._joules(),
            }
            _write(self._folder, starts)
        except (OSError, UserError) as unwritten:
            # Only warn: the user has to see the error that ended the run.
            warn(f"{self._folder / layout.RECORD} is not complete: {first_line(unwritten)}")

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if trainer.strategy.root_device.type == "cuda":
            self._devices = list(trainer.device_ids)
            self._energy = energy_used(self._devices)

    def _joules(self) -> float | None:
        now = energy_used(self._devices)
        return None if now is None or self._energy is None else round(now - self._energy, 1)


def read_starts(folder: Path) -> list[dict[str, Any]]:
    """The starts of a run, in order; empty if it never started, or started before records were introduced.

    Raises:
        UserError: The file is damaged.
    """
    path = folder / layout.RECORD
    if not path.exists():
        return []
    try:
        starts = json.loads(path.read_text(encoding="utf-8"))[STARTS]
        return [dict(start) for start in starts]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}); remove it") from error


def _state_of(error: BaseException | None) -> str:
    if error is None:
        return "finished"
    if isinstance(error, RunPruned):
        return "pruned"
    stopped = isinstance(error, RunInterrupted | KeyboardInterrupt | SystemExit)
    return "interrupted" if stopped else "failed"


def _news(now: Mapping[str, Any], starts: list[dict[str, Any]]) -> dict[str, Any]:
    """The entries that differ from those of earlier starts."""
    known: dict[str, Any] = {}
    for start in starts:
        known |= start
    return {key: value for key, value in now.items() if known.get(key) != value}


def _write(folder: Path, starts: list[dict[str, Any]]) -> None:
    atomic.write_text(folder / layout.RECORD, json.dumps({STARTS: starts}, indent=2) + "\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
