"""Trackio: one run per job, on this machine or in a Space of the Hugging Face hub."""

import secrets
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers.logger import rank_zero_experiment
from pytorch_lightning.utilities import rank_zero_only
from typing_extensions import override

from wavspa import atomic
from wavspa.run_folder import layout
from wavspa.training.loggers.service import Sent, ServiceLogger, config_of


class TrackioRun(ServiceLogger):
    """Logs to Trackio what metrics.csv holds, and the resolved configuration.

    Trackio resumes a run by its name: it ends in an id, which is in the run's folder. If Trackio fails, a
    warning is printed once and training continues without it.

    Args:
        save_dir: The run's folder.
        project: Trackio's project.
        name: The start of the run's name.
        group: What the dashboard groups runs by.
        space_id: The Space that gets the metrics; None: they stay on this machine, below ``TRACKIO_DIR``.
        **options: Further arguments of ``trackio.init``.
    """

    service = "Trackio"

    def __init__(
        self,
        save_dir: str,
        project: str = "wavspa",
        name: str | None = None,
        group: str | None = None,
        space_id: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.folder = Path(save_dir)
        self.sent, self.failed = Sent.of_run(self.folder), False
        self.options = {"project": project, "group": group, "space_id": space_id, **options}
        self._name = name or self.folder.name
        self._run: Any = None

    @property
    @override
    def save_dir(self) -> str:
        return str(self.folder)

    @property
    @override
    def name(self) -> str:
        return self._name

    @property
    @override
    def version(self) -> str:
        return ""

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """Trackio's run; the first use starts it, or continues it."""
        if self._run is None:
            # Imported here: it takes a while, and it is an optional part.
            import trackio

            name = f"{self._name}-{_identity(self.folder)}"
            config = config_of(self.folder)
            # Standard output is for the results of runs.
            with redirect_stdout(sys.stderr):
                self._run = trackio.init(name=name, config=config, resume="allow", **self.options)
        return self._run

    @override
    def send(self, metrics: Mapping[str, Any], step: int | None) -> None:
        self.experiment.log(dict(metrics), step=step)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what is in memory; what is logged later continues the run."""
        if self._run is None:
            return
        import trackio

        with redirect_stdout(sys.stderr):
            trackio.finish()
        self._run = None


def _identity(folder: Path) -> str:
    path = folder / layout.TRACKIO_ID
    if not path.exists():
        atomic.write_text(path, secrets.token_hex(4) + "\n")
    return path.read_text(encoding="utf-8").strip()
