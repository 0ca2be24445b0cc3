"""MLflow: one run per job in a database next to the run folders, or on a server."""

import logging
import os
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import MLFlowLogger
from pytorch_lightning.loggers.logger import rank_zero_experiment
from pytorch_lightning.utilities import rank_zero_only
from typing_extensions import override

from wavspa import atomic
from wavspa.config_options import flatten
from wavspa.locks import lock
from wavspa.run_folder import layout
from wavspa.training.loggers.service import Sent, ServiceLogger, config_of

DATABASE = "mlflow.db"
_LOCK = ".mlflow.lock"
# What MLflow reads: do not print a line for each new table, send no telemetry, wait seconds
# for a server, not minutes.
_ENVIRONMENT = {
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
# It warns about each new experiment.
_LIGHTNING = "pytorch_lightning.loggers.mlflow"
_NOT_IN_A_NAME = re.compile(r"[^\w.\- :/]")


class MlflowRun(ServiceLogger, MLFlowLogger):
    """Logs to MLflow what metrics.csv holds, and the resolved configuration as parameters.

    The run's id is in the run's folder, so that a restart continues it. If MLflow fails, a warning is
    printed once and training continues without it.

    Args:
        save_dir: The run's folder.
        experiment_name: What MLflow groups runs by.
        run_name: The name of this run.
        tracking_uri: A server or a database; None: ``MLFLOW_TRACKING_URI``, or a database in the folder that
            holds the run's.
        tags: Further names to find it by, each with its value.
        artifact_location: Where artifacts of a new experiment go; None: where the server keeps them.
        synchronous: False: do not wait for the server.
    """

    service = "MLflow"

    def __init__(
        self,
        save_dir: str,
        experiment_name: str = "wavspa",
        run_name: str | None = None,
        tracking_uri: str | None = None,
        tags: Mapping[str, Any] | None = None,
        artifact_location: str | None = None,
        synchronous: bool | None = None,
    ) -> None:
        self.folder = Path(save_dir)
        self.sent, self.failed = Sent.of_run(self.folder), False
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        logging.getLogger(_LIGHTNING).setLevel(logging.ERROR)
        above = self.folder.absolute().parent
        try:
            with self._alone():  # the first process creates the tables of a database
                MLFlowLogger.__init__(
                    self,
                    experiment_name,
                    run_name,
                    tracking_uri
                    or os.environ.get("MLFLOW_TRACKING_URI")
                    or f"sqlite:///{above / DATABASE}",
                    {name: str(value) for name, value in (tags or {}).items()},
                    artifact_location=artifact_location,
                    run_id=self._kept_id(),
                    synchronous=synchronous,
                )
        except Exception as error:
            self.stop_sending(error)

    @property
    @override
    def save_dir(self) -> str:
        return str(self.folder)

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """MLflow's client; the first use starts the run, or continues it."""
        if self._initialized:
            return super().experiment
        resumed = self._run_id is not None
        with self._alone():  # the first process creates the experiment
            client = super().experiment
        if resumed:
            client.update_run(self._run_id, "RUNNING")
        else:
            atomic.write_text(self.folder / layout.MLFLOW_ID, f"{self._run_id}\n")
            values = flatten(config_of(self.folder))
            parameters = {_NOT_IN_A_NAME.sub("_", key): value for key, value in values}
            MLFlowLogger.log_hyperparams(self, parameters)
        return client

    @override
    def send(self, metrics: Mapping[str, Any], step: int | None) -> None:
        MLFlowLogger.log_metrics(self, metrics, step)

    @rank_zero_only
    def finalize(self, status: str = "success") -> None:
        """Report to MLflow how the run ended."""
        if self.failed:
            return
        try:
            MLFlowLogger.finalize(self, status)
        except Exception as error:
            self.stop_sending(error)

    def _kept_id(self) -> str | None:
        path = self.folder / layout.MLFLOW_ID
        return path.read_text(encoding="utf-8").strip() if path.exists() else None

    def _alone(self) -> AbstractContextManager[None]:
        """Keep other runs of the experiment out."""
        above = self.folder.absolute().parent
        return lock(above / _LOCK, above)
