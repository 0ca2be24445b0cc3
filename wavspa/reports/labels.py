"""What tables and figures call a cell."""

from collections.abc import Sequence

from wavspa.reports.collect import Run
from wavspa.training.labels import attention_label, option_labels


def cell_label(cell: Sequence[Run], options: str) -> str:
    """Attention, wavelet and the further ``options`` of a cell."""
    model = cell[0].config["model"]
    return ", ".join(
        part for part in (attention_label(model["attention"]), model["wavelet"], options) if part
    )


def data_label(cell: Sequence[Run]) -> str:
    """The name of a cell's data, as their card has it where they are not the official ones."""
    names = [run.card["name"] for run in cell if "name" in run.card]
    return names[0] if names else cell[0].config["dataset"]["name"]


def differing_options(groups: Sequence[Sequence[Run]]) -> list[str]:
    """For each cell its overrides that neither its other labels tell nor all cells share."""
    options = [option_labels(cell[0].config["frozen"]["overrides"]) for cell in groups]
    shared = set.intersection(*map(set, options)) if options else set()
    return [" ".join(label for label in labels if label not in shared) for labels in options]
