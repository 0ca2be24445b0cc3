"""Weights & Biases: one run per job, which every restart continues, and which never stops training."""

import io
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.loggers.logger import rank_zero_experiment
from pytorch_lightning.utilities import rank_zero_only
from typing_extensions import override

from wavspa import atomic
from wavspa.run_folder import layout
from wavspa.training.loggers.service import Sent, ServiceLogger, config_of


class WandbRun(ServiceLogger, WandbLogger):
    """Logs to W&B what metrics.csv holds, and the resolved configuration.

    The run's id is in the run's folder. Steps that a restart repeats are not sent again, so the
    axis of steps never goes back. If W&B cannot be reached at the start, or fails later, a warning is
    printed once and training continues, offline or without it.

    Args:
        save_dir: The run's folder.
        project: W&B's project.
        group: What the dashboards group runs by.
        name: The name of this run.
        tags: Further names to find it by.
        offline: Keep everything in the folder, for `wandb sync`.
        figures: Names of the figures drawn at each validation, by the code that holds this logger.
        artifacts: Send the configuration, the record (with git's commit and diff) and the best checkpoint
            once the run has been tested.
        predictions: Largest number of test rows that are sent as a table with the predictions; 0: none.
        **options: Further arguments of ``wandb.init``.
    """

    service = "W&B"

    def __init__(
        self,
        save_dir: str,
        project: str,
        group: str | None = None,
        name: str | None = None,
        tags: Sequence[str] = (),
        offline: bool = True,
        figures: Sequence[str] = (),
        artifacts: bool = False,
        predictions: int = 0,
        **options: Any,
    ) -> None:
        folder = Path(save_dir)
        self.sent, self.failed = Sent.of_run(folder), False
        options = {"config": config_of(folder), "tags": list(tags), **options}
        super().__init__(
            name,
            # W&B's service may have been started in another folder.
            str(folder.absolute()),
            offline=offline,
            id=_identity(folder),
            project=project,
            group=group,
            **options,
        )
        if offline:
            self._go_offline()
        self.figures = list(figures)
        self.artifacts = artifacts
        self.predictions = predictions

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """W&B's run; the first use starts it."""
        if self._experiment is None and not self._offline:
            try:
                return super().experiment
            except Exception as error:
                self.warn(error, f"the run is kept in {self.save_dir} for `wandb sync`")
                self._go_offline()
        if self._experiment is None:
            try:
                return super().experiment
            except Exception as error:  # no folder to keep it in, such as no home
                self.warn(error, "nothing is logged to it")
                self.failed = True
                absent: Any = _Absent()
                self._experiment = absent
        return super().experiment

    @override
    def send(self, metrics: Mapping[str, Any], step: int | None) -> None:
        WandbLogger.log_metrics(self, metrics, step)

    def log_picture(self, name: str, png: bytes, step: int) -> None:
        """Send a picture, as ``figures/<name>`` of a step, on the terms of :meth:`log_metrics`."""
        # Imported here: runs without figures start sooner.
        import PIL.Image
        import wandb

        picture = wandb.Image(PIL.Image.open(io.BytesIO(png)))
        self.log_metrics({f"figures/{name}": picture}, step)

    @rank_zero_only
    def log_predictions(
        self, columns: Sequence[str], rows: Sequence[Sequence[Any]], step: int
    ) -> None:
        """Send a table of predictions, as ``test/predictions`` of a step, on the terms of
        :meth:`log_metrics`.

        Args:
            columns: The names of the columns.
            rows: Their cells; a picture is an array.
            step: As Lightning counts it.
        """
        # Imported here: runs without a table start sooner.
        import wandb

        cells = [
            [wandb.Image(cell) if isinstance(cell, np.ndarray) else cell for cell in row]
            for row in rows
        ]
        self.log_metrics({"test/predictions": wandb.Table(list(columns), cells)}, step)

    @rank_zero_only
    def log_artifacts(self) -> None:
        """Send the files that define the run, and its best checkpoint, if wanted.

        On the terms of :meth:`log_metrics`: a failure is not a reason to lose a run.
        """
        if not self.artifacts or self.failed:
            return
        folder = Path(str(self.save_dir))
        files = [folder / layout.CONFIG, folder / layout.RECORD]
        try:
            self._log_artifact("config", [path for path in files if path.exists()])
            self._log_artifact("model", [layout.best_checkpoint(folder)], ["best"])
        except Exception as error:
            self.warn(error, "its files are not sent")

    def _log_artifact(self, kind: str, files: Sequence[Path], aliases: Sequence[str] = ()) -> None:
        # Imported here: runs without artifacts start sooner.
        import wandb

        artifact = wandb.Artifact(f"{kind}-{self.experiment.id}", type=kind)
        for path in files:
            artifact.add_file(str(path))
        self.experiment.log_artifact(artifact, aliases=["latest", *aliases])

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Report to W&B that a run failed; one that succeeded still has its test to log."""
        if status == "failed" and not self.failed:
            self.finish(exit_code=1)

    @rank_zero_only
    def finish(self, exit_code: int = 0) -> None:
        """End W&B's run: the next run of the same process would otherwise log to it."""
        if self._experiment is None:
            return
        try:
            self._experiment.finish(exit_code)
        except Exception as error:
            self.stop_sending(error)
        self._experiment = None

    def _go_offline(self) -> None:
        self._offline = True
        self._wandb_init["mode"] = "offline"


class _Absent:
    """A replacement of W&B's run where it cannot start: takes every call and does nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


@rank_zero_only
def _identity(folder: Path) -> str:
    path = folder / layout.WANDB_ID
    if not path.exists():
        # An agent of a W&B sweep has chosen the id already.
        chosen = os.environ.get("WANDB_RUN_ID", secrets.token_hex(4))
        atomic.write_text(path, chosen + "\n")
    return path.read_text(encoding="utf-8").strip()
