"""The labels of cells in tables and figures."""

from collections.abc import Sequence

from wavspa.reports.runs.collect import Run
from wavspa.run_folder.labels import attention_label, option_labels

# The key that differs among the runs of a cell, apart from the seed.
FOLD = "dataset.fold"


def cell_label(cell: Sequence[Run], options: str) -> str:
    """Attention, wavelet and the further ``options`` of a cell."""
    model = cell[0].config["model"]
    return ", ".join(
        part for part in (attention_label(model["attention"]), model["wavelet"], options) if part
    )


def parent_of(run: Run) -> str:
    """The weights that a run started from: path, commit and checksum; empty if it started from scratch."""
    init = run.config.get("init") or {}
    if not (parent := init.get("parent")):
        return ""
    part = f", {parent['part']} alone" if parent["part"] else ""
    told = f"commit {parent['commit'] or 'unknown'}, SHA-256 {parent['checksum'][:12]}"
    return f"{parent['folder']} ({told}{part})"


def is_masked(run: Run) -> bool:
    """Whether a run predicts masked tokens, so that it ignores the labels of its data."""
    target: str = run.config["task"].get("_target_", "")
    return target.endswith(".Masked")


def data_label(cell: Sequence[Run]) -> str:
    """The name of a cell's data, from their card if they are not the official ones."""
    names = [run.card["name"] for run in cell if "name" in run.card]
    name = str(names[0] if names else cell[0].config["dataset"]["name"])
    return f"{name}, masked" if is_masked(cell[0]) else name


def differing_options(
    groups: Sequence[Sequence[Run]], data: Sequence[str], known: Sequence[str] = ()
) -> list[str]:
    """For each cell, the overrides that its other labels do not show and not all cells on its data share.

    Args:
        groups: The runs of each cell.
        data: The name of each cell's data.
        known: Keys whose values are shown elsewhere.
    """
    options = [_options(cell[0], known) for cell in groups]
    shared: dict[str, set[str]] = {}
    for name, labels in zip(data, options, strict=True):
        shared.setdefault(name, set(labels)).intersection_update(labels)
    return [
        " ".join(label for label in labels if label not in shared[name])
        for name, labels in zip(data, options, strict=True)
    ]


def _options(run: Run, known: Sequence[str]) -> list[str]:
    overrides = run.config["frozen"]["overrides"]
    told = {*known, FOLD}
    return option_labels([word for word in overrides if word.partition("=")[0] not in told])
