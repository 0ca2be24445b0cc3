"""The data from which the figures of a trained run are drawn."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch

from wavspa.data.decode import picture, symbols
from wavspa.data.labels import class_names
from wavspa.errors import UserError
from wavspa.launching.analysis.trained_run import TrainedRun
from wavspa.models.attention_maps import attention_maps
from wavspa.reports.figures.attention import Attended, BandOver
from wavspa.reports.figures.filters import Filters
from wavspa.reports.runs.collect import Run
from wavspa.training.callbacks.predictions import Predictions

EXAMPLES = 2


class FigureData:
    """Everything that the figures in :data:`~wavspa.reports.figures.registry.FIGURES` need.

    Accessing what the run does not have raises a ``UserError``.

    Args:
        run: The run.
    """

    def __init__(self, run: TrainedRun) -> None:
        self._run = run

    @property
    def seeds(self) -> list[Run]:
        """The run and those that differ from it only in their seed."""
        return self._run.seeds

    @property
    def metrics(self) -> Sequence[dict[str, float]]:
        """The rows of the run's ``metrics.csv``."""
        return self._run.run.metrics

    @property
    def filters(self) -> list[Filters]:
        """The filters of every layer before and after training."""
        if not self._run.filters:
            raise UserError(f"wavelet={self._run.config.model.wavelet} has no filters")
        return self._run.filters

    @property
    def answers(self) -> tuple[np.ndarray, np.ndarray, float]:
        """The length [n] of each example, whether it is classified correctly [n], and chance accuracy."""
        predictions = self._predictions
        counts = torch.bincount(predictions.labels)
        right = predictions.predicted == predictions.labels
        return predictions.lengths.numpy(), right.numpy(), float(counts.max() / counts.sum())

    @property
    def confusion(self) -> tuple[np.ndarray, list[str], str]:
        """The counts by true (rows) and predicted class (columns), the class names, and what is counted."""
        if (tags := self._run.tags) is not None:
            return tags.confusion[:, :-1], tags.tagset.names, "words"
        predictions, classes = self._predictions, self._run.config.task.classes
        names = class_names(self._run.data.card, classes)
        return predictions.confusion(classes).numpy(), names, "examples"

    @cached_property
    def attention(self) -> list[Attended]:
        """The attention of the model over the first examples."""
        return [
            self._attended(tokens, f"{self._run.split} example {number}{self._of_class(label)}")
            for number, (tokens, label) in enumerate(self._run.examples(EXAMPLES), start=1)
        ]

    @property
    def _predictions(self) -> Predictions:
        if not self._run.predictions:
            raise UserError("this figure needs a classification task")
        return self._run.predictions

    def _of_class(self, label: Any) -> str:
        if not isinstance(label, int):
            return ""
        names = class_names(self._run.data.card, label + 1)
        return f", class {names[label]}"

    def _attended(self, tokens: np.ndarray, title: str) -> Attended:
        data, maps = self._run.data, attention_maps(self._run.model, torch.from_numpy(tokens))
        bands = [
            BandOver(number, band.name, band.positions.numpy())
            for number, layer in enumerate(maps, start=1)
            for band in layer
        ]
        pixels = picture(data, tokens)
        return Attended(title, bands, pixels, symbols(data, tokens) if pixels is None else ())
