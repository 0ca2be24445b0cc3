"""What tables and figures call a cell."""

from collections.abc import Sequence

from wavspa.reports.collect import Run
from wavspa.training.labels import attention_label, option_labels


def cell_label(cell: Sequence[Run], options: bool) -> str:
    """Attention and wavelet of a cell, and its further options if asked for."""
    model = cell[0].config["model"]
    label = f"{attention_label(model['attention'])}, {model['wavelet']}"
    return f"{label}, {options_label(cell)}" if options and options_label(cell) else label


def options_label(cell: Sequence[Run]) -> str:
    """The overrides of a cell that dataset, attention, wavelet and seed do not tell."""
    return " ".join(option_labels(cell[0].config["frozen"]["overrides"]))
