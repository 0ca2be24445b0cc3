"""Reading the folders of runs."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from wavspa.errors import UserError
from wavspa.reports.order import published_rank
from wavspa.reports.runs.schema import check
from wavspa.run_folder import layout
from wavspa.run_folder.labels import attention_label
from wavspa.run_folder.metrics import read_metrics
from wavspa.run_folder.status import Status, read_status

# libyaml's loader, if installed, reads thousands of configurations in seconds.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Run:
    """The content of a run's folder; missing or damaged parts are empty, and ``damage`` names them."""

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
        """Equal for runs that differ only in their seed."""
        cell: str = self.config["frozen"]["cell"]
        return cell


def collect(folders: Iterable[Path]) -> list[Run]:
    """Read every run at or below some folders.

    Args:
        folders: Run folders, or folders above them.

    Returns:
        The runs in the order of their paths, damaged ones included.

    Raises:
        UserError: A folder does not exist, or holds no run.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"there is no folder {folder}")
        below = sorted(_runs_below(folder))
        if not below:
            raise UserError(f"there are no runs in {folder}")
        for run in below:  # two paths to the same folder are one run
            found.setdefault(os.path.realpath(run), run)
    return [read_run(folder) for folder in found.values()]


def _runs_below(folder: Path) -> Iterator[Path]:
    """The runs at or below a folder, following links, except for those that a rerun has replaced."""
    seen = set()
    for name, inner, files in os.walk(folder, followlinks=True):
        if (place := os.path.realpath(name)) in seen:
            inner.clear()  # a link that leads back, or to a folder that was seen
            continue
        seen.add(place)
        inner[:] = [other for other in inner if not other.startswith(layout.REPLACED)]
        # Folders before links, so that a folder counts and a link to it does not.
        inner.sort(key=lambda other: (os.path.islink(os.path.join(name, other)), other))
        if layout.CONFIG in files:
            # W&B keeps its own config.yaml in its folder inside a run's folder.
            inner[:] = [other for other in inner if other not in layout.OF_A_RUN]
            path = Path(name)
            yield path if path.name not in ("", "..") else Path(os.path.abspath(path))


def read_run(folder: Path) -> Run:
    """Read one run; damage is reported in the result, not raised."""
    try:
        config = _read(folder / layout.CONFIG, _load_yaml)
        status = read_status(folder)
        card = _read(folder / layout.CARD, json.loads) or {}
        check(config, status, card)
        metrics = folder / layout.METRICS
        return Run(folder, config, status, read_metrics(metrics) if metrics.exists() else [], card)
    except (OSError, ValueError) as error:
        return Run(folder, damage=" ".join(str(error).split()))


def _read(path: Path, parse: Any) -> Any:
    """The content of a file; None if it is missing."""
    if not path.exists():
        return None
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{path.name}: {' '.join(str(error).split())}") from error


def _load_yaml(text: str) -> Any:
    return yaml.load(text, _Loader)


def cells(runs: Sequence[Run]) -> list[list[Run]]:
    """Group undamaged runs that differ only in their seed, in the order of the published table."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        if not run.damage:
            groups.setdefault(run.cell, []).append(run)
    return sorted(groups.values(), key=_place)


def _place(cell: list[Run]) -> list[tuple[int, str]]:
    model = cell[0].config["model"]
    attention = attention_label(model["attention"])
    return [
        published_rank(label)
        for label in (cell[0].config["dataset"]["name"], attention, model["wavelet"])
    ]
