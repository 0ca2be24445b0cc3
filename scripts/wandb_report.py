"""Saves a W&B report that compares the runs of an experiment, grouped by attention × wavelet.

    pip install 'wavspa[workspaces]'
    wandb login
    wandb sync runs/digits/*/wandb/offline-run-*
    python scripts/wandb_report.py runs/digits --entity NAME

The runs are those of the experiment's W&B group. Each line in a panel is one cell: the mean over its seeds,
with their range. The panels follow from the columns of the runs' metrics.csv. Each call saves a new report.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import wandb_workspaces.reports.v2 as wr

from wavspa.errors import UserError
from wavspa.reports.runs.collect import Run, collect
from wavspa.training.wavelet_metrics import ENERGY, ORTHOGONALITY

STEPS = "trainer/global_step"
COLUMNS = 24
HEIGHT = 8


class Logged(NamedTuple):
    """The place of an experiment's runs in W&B, and what they logged there."""

    project: str
    experiment: str
    monitor: str
    metrics: list[str]
    figures: list[str]


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="searched for runs")
    parser.add_argument("--entity", required=True, help="the user or team that owns the project")
    arguments = parser.parse_args()
    try:
        report = layout(arguments.entity, logged(collect(arguments.folders)))
    except UserError as error:
        sys.exit(f"error: {error}")
    report.save()
    print(f"report: {report.url}")


def logged(runs: list[Run]) -> Logged:
    """What some runs logged to W&B.

    Args:
        runs: The runs of one experiment; those that did not log to W&B are left out.

    Raises:
        UserError: None did, or they belong to several experiments.
    """
    runs = [run for run in runs if "wandb" in run.config.get("logger", {})]
    if not runs:
        raise UserError("none of these runs logs to W&B: start them with logger=wandb")
    places = {(r.config["logger"]["wandb"]["project"], r.config["experiment_name"]) for r in runs}
    if len(places) > 1:
        names = ", ".join(sorted(experiment for _, experiment in places))
        raise UserError(f"these runs belong to several experiments ({names}): name one folder")
    ((project, experiment),) = places
    metrics = dict.fromkeys(name for run in runs for row in run.metrics for name in row)
    figures = dict.fromkeys(
        name for run in runs for name in run.config["logger"]["wandb"].get("figures", [])
    )
    return Logged(
        project, experiment, runs[0].config["task"]["monitor"], list(metrics), list(figures)
    )


def layout(entity: str, found: Logged) -> wr.Report:
    """The report: the monitored metric, losses, bands and figures, each over all cells.

    Args:
        entity: The user or team that owns the project.
        found: The place of the runs and what they logged.
    """
    runs = wr.Runset(
        entity=entity,
        project=found.project,
        name="cells",
        filters=f"Config('experiment_name') = {found.experiment!r}",
        groupby=["config.model.attention", "config.model.wavelet"],
    )

    def section(title: str, panels: list) -> list:
        return [wr.H2(title), wr.PanelGrid(runsets=[runs], panels=panels)] if panels else []

    def starting(prefix: str) -> list[str]:
        return sorted(name for name in found.metrics if name.startswith(prefix))

    pictures = [
        wr.MediaBrowser(
            title=name, media_keys=[f"figures/{name}"], num_columns=2, layout=_place(number, 2)
        )
        for number, name in enumerate(found.figures)
    ]
    return wr.Report(
        entity=entity,
        project=found.project,
        title=f"{found.experiment}: attention by wavelet",
        width="fluid",
        blocks=[
            *section(found.monitor, _lines([found.monitor], 1)),
            *section("Losses", _lines(["train/loss", "val/loss"], 2)),
            *section("Energy of the bands", _lines(starting(ENERGY), 3)),
            *section("Orthogonality of the filters", _lines(starting(ORTHOGONALITY), 3)),
            *section("Figures", pictures),
        ],
    )


def _lines(metrics: list[str], columns: int) -> list:
    return [
        wr.LinePlot(
            title=name,
            x=STEPS,
            y=[name],
            title_x="optimizer steps",
            groupby_aggfunc="mean",
            groupby_rangefunc="minmax",
            layout=_place(number, columns),
        )
        for number, name in enumerate(metrics)
    ]


def _place(number: int, columns: int) -> wr.Layout:
    width = COLUMNS // columns
    return wr.Layout(x=number % columns * width, y=number // columns * HEIGHT, w=width, h=HEIGHT)


if __name__ == "__main__":
    main()
