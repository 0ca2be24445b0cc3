"""``wavspa-report``: the runs of some folders side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavspa.commands.entry_point import command, parser, typed_path, writing
from wavspa.errors import UserError
from wavspa.run_folder import layout

if TYPE_CHECKING:
    from wavspa.reports.figures.filters import Filters
    from wavspa.reports.runs.collect import Run

DESCRIPTION = """\
Compare the runs below the given folders: print one row per cell (runs that differ only in their seed), and
write table.md, table.tex, table.csv and the page report.html. Test metrics are mean ± standard deviation
over the seeds; published numbers are next to ours; runs that failed or have not finished are shown as such.

  rows=KEY,...     keys of the configuration that make the rows (default: model.attention,model.wavelet)
  columns=KEY,...  keys that make the columns (default: dataset.name)
  metric=NAME      the test metric to compare (default: the metric that each task monitors)"""

EPILOG = """\
examples:
  wavspa-report runs/digits
  wavspa-report runs/digits rows=model.attention columns=model.wavelet --output digits-report
  wavspa-report runs/text rows=model.wavelet columns=model.taps metric=f1
  wavspa-report runs/digits runs/listops --figure curves.png
  wavspa-report runs/paper-table --published
  wavspa-report runs/text/NAME runs/text/OTHER --significance"""
RESAMPLES = 10_000
FILTERS = 12

CHOICES = ("rows", "columns", "metric")
OF_A_REPORT = ("output", "mixed", "filters", "figure", "published")


@command
def main() -> None:
    """Run the command."""
    command_line = parser(
        "wavspa-report",
        DESCRIPTION,
        EPILOG,
        usage="wavspa-report FOLDER ... [rows=KEY] [columns=KEY] [metric=NAME] [options]",
    )
    command_line.add_argument(
        "words", nargs="+", metavar="FOLDER", help="folders to search for runs"
    )
    command_line.add_argument(
        "--output",
        type=typed_path,
        metavar="FOLDER",
        help="where to write the files (default: report next to the runs)",
    )
    command_line.add_argument(
        "--mixed",
        action="store_true",
        default=None,
        help="allow a column to mix data protocols or numbers of steps",
    )
    command_line.add_argument(
        "--filters",
        type=int,
        metavar="N",
        help="show the learned filters of N runs, one of each cell first (default: 12)",
    )
    command_line.add_argument(
        "--figure",
        type=typed_path,
        metavar="FILE",
        help="draw the learning curves: png, svg or pdf",
    )
    command_line.add_argument(
        "--published",
        action="store_true",
        default=None,
        help="add published numbers of the Long Range Arena, and the gains of the modes, there and here",
    )
    command_line.add_argument(
        "--significance",
        action="store_true",
        help="for exactly two runs that wavspa-evaluate has evaluated: print whether they differ on the same "
        "rows of test (McNemar's exact test, paired bootstrap); writes nothing",
    )
    command_line.add_argument(
        "--resamples",
        type=int,
        metavar="N",
        help="number of bootstrap resamples for --significance (default: 10000)",
    )
    arguments = command_line.parse_intermixed_args()
    folders, choices = _split(arguments.words)
    if arguments.resamples is not None and not arguments.significance:
        raise UserError("--resamples is for --significance")
    if arguments.significance:
        others = {name: getattr(arguments, name) for name in OF_A_REPORT}
        typed = [f"--{name}" for name, value in others.items() if value is not None]
        _significance(folders, arguments.resamples, [*typed, *(f"{key}=" for key in choices)])
        return
    # Imported here: --help need not wait for Lightning.
    from wavspa.checks import whole_number
    from wavspa.reports.formats.terminal import console, print_beside, print_report
    from wavspa.reports.formats.write import default_report_dir, write_report
    from wavspa.reports.report import build_report
    from wavspa.reports.runs.collect import collect
    from wavspa.reports.tables.comparison import Layout

    most = FILTERS if arguments.filters is None else arguments.filters
    whole_number("--filters", most, least=0)
    if arguments.figure:
        from wavspa.reports.figures.style import check_format

        check_format(arguments.figure.suffix[1:])
    runs = collect(folders)
    print_report(runs, console())
    shown = Layout(**choices, mixed=bool(arguments.mixed))
    report = build_report(runs, shown, _filters(runs, most), bool(arguments.published))
    print_beside(report.beside, console())
    output = arguments.output or default_report_dir(folders)
    with writing(output, "name a writable place by --output FOLDER"):
        for path in write_report(report, output):
            print(f"written: {path}")
    if arguments.figure:
        from wavspa.reports.figures.curves import draw_curves

        with writing(arguments.figure, "name a writable place by --figure FILE"):
            draw_curves(runs, arguments.figure)
        print(f"written: {arguments.figure}")


def _significance(folders: list[Path], resamples: int | None, others: list[str]) -> None:
    """Print whether two runs differ on the same rows; ``others`` were typed and have no place here."""
    from wavspa.checks import whole_number
    from wavspa.reports.formats.significance import print_significance
    from wavspa.reports.formats.terminal import console
    from wavspa.reports.runs.answers import read_answers
    from wavspa.reports.runs.collect import collect

    if others:
        raise UserError(
            f"{others[0]} does not go with --significance, which prints whether two runs differ and nothing "
            "else: leave one out"
        )
    whole_number("--resamples", RESAMPLES if resamples is None else resamples)
    runs = collect(folders)
    if len(runs) != 2:
        raise UserError(f"--significance compares two runs, got {len(runs)}")
    first, second = map(read_answers, runs)
    print_significance(first, second, resamples or RESAMPLES, console())


def _filters(runs: list["Run"], most: int) -> dict[Path, list["Filters"]]:
    """The learned filters of some runs; checkpoints that cannot be read are named."""
    if not any(layout.best_checkpoint(run.folder).exists() for run in runs):
        return {}
    # Imported here: a report without checkpoints need not wait for Lightning.
    from wavspa.launching.analysis.trained_run import learned_filters
    from wavspa.reports.runs.collect import cells

    filters, troubles = learned_filters(cells(runs), most)
    for line in troubles:
        print(line)
    return filters


def _split(words: list[str]) -> tuple[list[Path], dict[str, Any]]:
    """Folders, and what else was chosen."""
    folders: list[Path] = []
    choices: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or Path(word).is_dir():
            folders.append(Path(word))
        elif key not in CHOICES or not value:
            raise UserError(
                f"{word!r} is neither a folder nor one of {', '.join(CHOICES)} with a value"
            )
        elif key in choices:
            raise UserError(f"{key}= is given twice: leave one out")
        else:
            choices[key] = value if key == "metric" else tuple(value.split(","))
    if not folders:
        raise UserError("no folder was named: wavspa-report FOLDER ...")
    return folders, choices


if __name__ == "__main__":
    main()
