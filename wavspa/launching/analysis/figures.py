"""The figures of one run: which there are, and what each is drawn from."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from wavspa.data.decode import picture, symbols
from wavspa.data.labels import class_names
from wavspa.errors import UserError
from wavspa.launching.analysis.trained_run import TrainedRun
from wavspa.models.attention_maps import attention_maps
from wavspa.reports.figures.attention import BandOver, draw_over_picture, draw_over_symbols
from wavspa.reports.figures.bands import draw_energies, draw_orthogonality
from wavspa.reports.figures.cascade import draw_cascade
from wavspa.reports.figures.classification import draw_confusion, draw_lengths
from wavspa.reports.figures.curves import learning_curves
from wavspa.reports.figures.filters import Filters, draw_filters
from wavspa.training.callbacks.predictions import Predictions

EXAMPLES = 2
LOW_PASS = ", low pass"


def curves(run: TrainedRun) -> dict[str, Figure]:
    """The monitored metric over the steps, with the other seeds of the run."""
    return {"curves": learning_curves(run.seeds)}


def lengths(run: TrainedRun) -> dict[str, Figure]:
    """Accuracy against length."""
    predictions = _predictions(run)
    counts = torch.bincount(predictions.labels)
    right = predictions.predicted == predictions.labels
    guessing = float(counts.max() / counts.sum())
    return {"lengths": draw_lengths(predictions.lengths.numpy(), right.numpy(), guessing)}


def filters(run: TrainedRun) -> dict[str, Figure]:
    """Filters before and after training, in time and frequency."""
    return {"filters": draw_filters(_filters(run))}


def cascade(run: TrainedRun) -> dict[str, Figure]:
    """Scaling functions and wavelets."""
    low_passes = [
        layer._replace(title=layer.title.removesuffix(LOW_PASS))
        for layer in _filters(run)
        if layer.title.endswith(LOW_PASS)
    ]
    if not low_passes:
        raise UserError(
            f"wavelet={run.config.model.wavelet} is not linear: it has no scaling functions"
        )
    return {"cascade": draw_cascade(low_passes)}


def energy(run: TrainedRun) -> dict[str, Figure]:
    """The energy of each band over training."""
    return {"energy": draw_energies(run.run.metrics)}


def orthogonality(run: TrainedRun) -> dict[str, Figure]:
    """The orthogonality error over training."""
    return {"orthogonality": draw_orthogonality(run.run.metrics)}


def confusion(run: TrainedRun) -> dict[str, Figure]:
    """The confusion matrix."""
    predictions, classes = _predictions(run), run.config.task.classes
    counts = predictions.confusion(classes).numpy()
    return {"confusion": draw_confusion(counts, class_names(run.data.card, classes))}


def attention(run: TrainedRun) -> dict[str, Figure]:
    """Attention in wavelet space over the first examples."""
    return {
        f"attention_{number}": _attention(
            run, tokens, f"{run.split} example {number}{_of_class(run, label)}"
        )
        for number, (tokens, label) in enumerate(run.examples(EXAMPLES), start=1)
    }


SUBJECTS: dict[str, Callable[[TrainedRun], dict[str, Figure]]] = {
    subject.__name__: subject
    for subject in (
        curves,
        lengths,
        filters,
        cascade,
        energy,
        orthogonality,
        attention,
        confusion,
    )
}


def _filters(run: TrainedRun) -> list[Filters]:
    if not run.filters:
        raise UserError(f"wavelet={run.config.model.wavelet} has no filters")
    return run.filters


def _predictions(run: TrainedRun) -> Predictions:
    if not run.predictions:
        raise UserError("the task is not one of classes")
    return run.predictions


def _of_class(run: TrainedRun, label: Any) -> str:
    if not isinstance(label, int):
        return ""
    names = run.data.card.get("label_names", [])
    return f", class {names[label] if label < len(names) else label}"


def _attention(run: TrainedRun, tokens: np.ndarray, title: str) -> Figure:
    bands = [
        BandOver(number, band.name, band.positions.numpy())
        for number, layer in enumerate(attention_maps(run.model, torch.from_numpy(tokens)), start=1)
        for band in layer
    ]
    pixels = picture(run.data, tokens)
    if pixels is not None:
        return draw_over_picture(pixels, bands, title)
    return draw_over_symbols(symbols(run.data, tokens), bands, title)
