"""Reading the folders of runs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from wavspa.errors import UserError
from wavspa.training import layout
from wavspa.training.metrics_csv import read_metrics
from wavspa.training.status import Status, read_status


@dataclass(frozen=True)
class Run:
    """What one run's folder holds; what is missing or damaged is empty and named in ``damage``."""

    folder: Path
    config: dict[str, Any] = field(default_factory=dict)
    status: Status = field(default_factory=Status)
    metrics: list[dict[str, float]] = field(default_factory=list)
    card: dict[str, Any] = field(default_factory=dict)
    damage: str | None = None

    @property
    def state(self) -> str:
        """``finished``, ``failed``, ``running``, ``not started`` or ``damaged``."""
        if self.damage:
            return "damaged"
        return self.status.get("state", "not started")

    @property
    def cell(self) -> str:
        """Equal for runs that differ in their seed alone."""
        return self.config["frozen"]["cell"]


def collect(folders: Iterable[Path]) -> list[Run]:
    """Read every run at or below some folders.

    Args:
        folders: Run folders, or folders above them.

    Returns:
        The runs in the order of their paths, damaged ones included.

    Raises:
        UserError: A folder does not exist, or holds no run.
    """
    found: dict[Path, None] = {}
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"there is no folder {folder}")
        below = sorted(path.parent for path in folder.rglob(layout.CONFIG))
        if not below:
            raise UserError(f"there are no runs in {folder}")
        found.update(dict.fromkeys(below))
    return [read_run(folder) for folder in found]


def read_run(folder: Path) -> Run:
    """Read one run; damage is reported in the result, not raised."""
    try:
        config = yaml.safe_load((folder / layout.CONFIG).read_text())
        if not isinstance(config, dict) or not {"frozen", "model", "dataset"} <= config.keys():
            return Run(folder, damage=f"{layout.CONFIG} is not the configuration of a run")
        return Run(
            folder,
            config,
            read_status(folder),
            _optional(folder / layout.METRICS, read_metrics, []),
            _optional(folder / layout.CARD, _read_json, {}),
        )
    except (UserError, yaml.YAMLError, OSError, ValueError) as error:
        return Run(folder, damage=str(error).splitlines()[0])


def cells(runs: Sequence[Run]) -> list[list[Run]]:
    """Group undamaged runs that differ in their seed alone; plain bases come before wavelets."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        if not run.damage:
            groups.setdefault(run.cell, []).append(run)
    return sorted(groups.values(), key=_place)


def _place(cell: list[Run]) -> tuple[str, str, bool]:
    model = cell[0].config["model"]
    return cell[0].config["dataset"]["name"], str(model["attention"]), model["wavelet"] != "none"


def _optional(path: Path, read: Any, absent: Any) -> Any:
    return read(path) if path.exists() else absent


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text())
