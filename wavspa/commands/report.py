"""``wavspa-report``: the runs of some folders side by side."""

import argparse
from pathlib import Path

from wavspa.commands.errors import command

DESCRIPTION = """\
Print the runs below the given folders as one table: attention base, wavelet mode and data set of each
cell, test metrics as mean ± standard deviation over its seeds. Runs that failed or have not finished
are listed as such. --figure draws validation accuracy over steps."""

EPILOG = """\
examples:
  wavspa-report runs/digits
  wavspa-report runs/digits runs/listops --figure curves.png"""


@command
def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        "wavspa-report",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="searched for runs")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="png, svg or pdf")
    arguments = parser.parse_args()
    # Imported here: --help need not wait for Lightning.
    from wavspa.reports.collect import collect
    from wavspa.reports.table import console, print_report

    runs = collect(arguments.folders)
    print_report(runs, console())
    if arguments.figure:
        from wavspa.reports.figures import draw_curves

        draw_curves(runs, arguments.figure)
        print(f"\nfigure: {arguments.figure}")


if __name__ == "__main__":
    main()
