"""The learned filters of the runs of a report."""

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from wavspa.errors import UserError, first_line
from wavspa.launching.folder import read_config
from wavspa.launching.trained import TrainedRun
from wavspa.reports.collect import Run
from wavspa.reports.filters import Filters
from wavspa.training import layout


def learned_filters(
    cells: Sequence[Sequence[Run]], most: int
) -> tuple[dict[Path, list[Filters]], list[str]]:
    """The filters of finished runs whose best checkpoint is still there.

    Args:
        cells: The runs of each cell. The first run of every cell comes before any second one.
        most: Of how many runs.

    Returns:
        The filters of every layer by the run's folder, and a line for each checkpoint that cannot be read.
    """
    rounds = zip_longest(*([run for run in cell if run.state == "finished"] for cell in cells))
    filters: dict[Path, list[Filters]] = {}
    troubles = []
    for run in (run for turn in rounds for run in turn if run):
        if len(filters) == most:
            break
        if not layout.best_checkpoint(run.folder).exists():
            continue
        try:
            found = TrainedRun(run.folder, read_config(run.folder), "val").filters
        except (UserError, RuntimeError) as error:
            troubles.append(f"no filters: {run.folder}: {first_line(error)}")
            continue
        if found:
            filters[run.folder] = found
    return filters, troubles
