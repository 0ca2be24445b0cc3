"""Writing metrics.csv while a run trains.

Lightning's own CSVLogger deletes the file of an interrupted run; this one continues it.
"""

import csv
import io
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only
from typing_extensions import override

from wavspa import atomic
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import FIXED_COLUMNS, read_rows


class MetricsCsv(Logger):
    """Writes ``metrics.csv``: columns ``step`` (steps done), ``epoch``, ``seconds`` of training, metrics.

    Metrics logged at the same step share a row. A new metric gets a column at the end.

    Args:
        folder: The run's folder.
        resumed_step: Rows after this step, which the run is about to repeat, are dropped.
        epoch_of: Which pass over the data a step belongs to; None: as Lightning counts them.
    """

    def __init__(
        self,
        folder: Path,
        resumed_step: int = 0,
        epoch_of: Callable[[int], int] | None = None,
    ) -> None:
        super().__init__()
        self.path = folder / layout.METRICS
        self.epoch_of = epoch_of
        self.columns: list[str] = list(FIXED_COLUMNS)
        self.row: dict[str, str] = {}
        self.row_start = 0
        self.started = time.perf_counter()
        self._open(resumed_step)

    @property
    @override
    def name(self) -> str:
        return "csv"

    @property
    @override
    def version(self) -> str:
        return ""

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace) -> None:
        """Do nothing: config.yaml holds the configuration."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add ``metrics`` to the row of ``step``, which Lightning counts from zero."""
        # Nine digits hold a float32 exactly.
        values = {name: f"{value:.9g}" for name, value in metrics.items()}
        if self.epoch_of:
            values["epoch"] = str(self.epoch_of(step or 0))
        new = [name for name in values if name not in self.columns]
        done = str((step or 0) + 1)
        if self.row.get("step") == done:
            self.row.update(values)
        else:
            self.row_start = self.path.stat().st_size
            seconds = f"{time.perf_counter() - self.started:.3f}"
            self.row = {"step": done, "seconds": seconds, **values}
        if new:
            self._add_columns(new)
        else:
            self._write_row()

    @rank_zero_only
    def _open(self, resumed_step: int) -> None:
        rows: list[dict[str, str]] = []
        if self.path.exists():
            self.columns, rows = read_rows(self.path)
            rows = [row for row in rows if int(row["step"]) <= resumed_step]
        self._rewrite(rows)
        if rows:
            self.started -= float(rows[-1]["seconds"])
            # A run that died between its last step and its test adds to that step's row.
            self.row = rows[-1]

    def _add_columns(self, names: list[str]) -> None:
        """Write all rows again, the last one as it is now."""
        _, rows = read_rows(self.path)
        self.columns += names
        if rows and rows[-1]["step"] == self.row["step"]:
            rows.pop()
        self._rewrite([*rows, self.row])

    def _rewrite(self, rows: list[dict[str, str]]) -> None:
        header, *lines = map(
            self._line, [dict(zip(self.columns, self.columns, strict=True)), *rows]
        )
        with atomic.atomic_write(self.path) as file:
            file.writelines([header, *lines])
        self.row_start = self.path.stat().st_size - len(lines[-1] if lines else b"")

    def _write_row(self) -> None:
        with self.path.open("r+b") as file:
            file.seek(self.row_start)
            file.write(self._line(self.row))
            file.truncate()

    def _line(self, row: Mapping[str, str]) -> bytes:
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, restval="", lineterminator="\n")
        writer.writerow(row)
        return text.getvalue().encode()
