"""Figures of a training run, sent to W&B at each validation."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from pytorch_lightning import Callback, LightningModule, Trainer
from typing_extensions import override

from wavspa.data.labels import class_names
from wavspa.errors import UserError, first_line
from wavspa.launching.run.filters import all_filters, paired
from wavspa.reporting import warn
from wavspa.reports.figures.filters import Filters
from wavspa.reports.figures.registry import FIGURES, check_live
from wavspa.reports.figures.style import as_png
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics
from wavspa.tasks import Tagging
from wavspa.training.callbacks.predictions import Predictions
from wavspa.training.wandb_run import WandbRun


def figure_callbacks(logger: WandbRun) -> list[Callback]:
    """The callbacks that draw the figures of a logger.

    Raises:
        UserError: The logger asks for a figure that cannot be drawn during training.
    """
    check_live("figures", logger.figures)
    predictions = Predictions()
    return [predictions, FiguresInWandb(logger, predictions)]


class FiguresInWandb(Callback):
    """Draws the figures that a W&B logger asks for at each validation, on rank zero.

    A figure of something that the run does not have (filters, classes) is left out. A figure that fails
    must not end a run: one line on standard error reports it, and nothing more is drawn.

    Args:
        logger: The logger that receives the figures.
        predictions: A callback of the same trainer, placed before this one.
    """

    def __init__(self, logger: WandbRun, predictions: Predictions) -> None:
        self.logger, self.predictions = logger, predictions
        self.run = _TrainingRun(predictions, Path(str(logger.save_dir)) / layout.METRICS)
        self.failed = False

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        # A checkpoint has not been loaded yet, so these are the filters before the first step.
        self.run.initial = all_filters(pl_module)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.run.see(trainer, pl_module, self.logger.figures)
        if self.failed or not trainer.is_global_zero:
            return
        try:
            for name, figure in self._figures():
                self.logger.log_picture(name, as_png(figure), trainer.global_step - 1)
        except Exception as error:
            reason = first_line(error)
            warn(f"a figure cannot be drawn ({reason}); no more figures go to W&B")
            self.failed = True

    def _figures(self) -> Iterator[tuple[str, Figure]]:
        for name in self.logger.figures:
            # Raised for a figure of something that the run does not have.
            with suppress(UserError):
                yield from FIGURES[name].of(name, self.run).items()


class _TrainingRun:
    """The data that figures need from a training run: the attributes of ``WHILE_TRAINING``."""

    def __init__(self, predictions: Predictions, metrics: Path) -> None:
        self.initial: list[dict[str, np.ndarray]] = []
        self._predictions, self._metrics = predictions, metrics
        self._counts: np.ndarray | None = None
        self._what = "examples"
        self._trainer: Any = None
        self._module: Any = None

    def see(self, trainer: Trainer, pl_module: Any, figures: Sequence[str]) -> None:
        """Read the run after a validation, on every rank, since each has its share of the counts."""
        self._trainer, self._module, self._counts = trainer, pl_module, None
        self._what = "examples"
        if isinstance(pl_module, Tagging) and pl_module.counted is not None:
            # Already the same on all ranks.
            self._counts, self._what = pl_module.counted.confusion[:, :-1], "words"
        elif self._predictions and any(FIGURES[name].needs == "confusion" for name in figures):
            counts = self._predictions.confusion(pl_module.classes)
            counts = counts.to(trainer.strategy.root_device)
            self._counts = trainer.strategy.reduce(counts, reduce_op="sum").cpu().numpy()

    @property
    def filters(self) -> list[Filters]:
        layers = paired(self.initial, all_filters(self._module))
        if not layers:
            raise UserError("the run has no filters")
        return layers

    @property
    def metrics(self) -> Sequence[dict[str, float]]:
        return read_metrics(self._metrics)

    @property
    def confusion(self) -> tuple[np.ndarray, list[str], str]:
        if self._counts is None:
            raise UserError("this figure needs a classification task")
        names = class_names(self._trainer.datamodule.card, len(self._counts))
        return self._counts, names, self._what
