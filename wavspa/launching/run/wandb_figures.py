"""Figures of a run that trains, sent to W&B at each validation."""

import sys
from collections.abc import Iterator
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
from wavspa.reports.figures.bands import draw_energies
from wavspa.reports.figures.classification import draw_confusion
from wavspa.reports.figures.filters import draw_filters
from wavspa.reports.figures.style import as_png
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics
from wavspa.training.callbacks.predictions import Predictions
from wavspa.training.wandb_run import WandbRun


def figure_callbacks(logger: WandbRun) -> list[Callback]:
    """What draws for a logger that wants figures."""
    predictions = Predictions()
    return [predictions, FiguresInWandb(logger, predictions)]


class FiguresInWandb(Callback):
    """Draws at each validation, on rank zero, what a W&B logger wants to be drawn.

    What the run does not have (filters of a plain base, classes) is left out. A figure is no reason to
    lose a run: when drawing fails, that is said once on standard error and nothing more is drawn.

    Args:
        logger: Where figures go.
        predictions: A callback of the same trainer, before this one.
    """

    def __init__(self, logger: WandbRun, predictions: Predictions) -> None:
        self.logger, self.predictions = logger, predictions
        self.initial: list[dict[str, np.ndarray]] = []
        self.failed = False

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        # Before a checkpoint is loaded: the filters that the run began with.
        self.initial = all_filters(pl_module)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        counts = self._confusion(trainer, pl_module)
        if self.failed or not trainer.is_global_zero:
            return
        try:
            for name, figure in self._figures(trainer, pl_module, counts):
                self.logger.log_picture(name, as_png(figure), trainer.global_step - 1)
        except Exception as error:
            reason = first_line(error)
            line = f"warning: a figure cannot be drawn ({reason}); no more figures go to W&B"
            print(line, file=sys.stderr, flush=True)
            self.failed = True

    def _confusion(self, trainer: Trainer, pl_module: Any) -> np.ndarray | None:
        """The counts of all ranks, which each of them has to give."""
        if "confusion" not in self.logger.figures or not self.predictions:
            return None
        counts = self.predictions.confusion(pl_module.classes).to(trainer.strategy.root_device)
        return trainer.strategy.reduce(counts, reduce_op="sum").cpu().numpy()

    def _figures(
        self, trainer: Any, pl_module: LightningModule, counts: np.ndarray | None
    ) -> Iterator[tuple[str, Figure]]:
        wanted = self.logger.figures
        layers = paired(self.initial, all_filters(pl_module)) if "filters" in wanted else []
        if layers:
            yield "filters", draw_filters(layers)
        if "energy" in wanted:
            rows = read_metrics(Path(str(self.logger.save_dir)) / layout.METRICS)
            # Without bands, or without their energies, there is nothing to draw.
            with suppress(UserError):
                yield "energy", draw_energies(rows)
        if counts is not None:
            names = class_names(trainer.datamodule.card, len(counts))
            yield "confusion", draw_confusion(counts, names)
