"""``wavspa-status``: the progress of a sweep's runs."""

import time
from pathlib import Path

from wavspa.checks import number
from wavspa.commands.entry_point import command, parser

DESCRIPTION = """\
Print the state of every run below the given folders: finished, running (with the time left), interrupted,
failed (with the reason), lost (marked as running, without a process), pruned (stopped by a
search), not started; and which stopped early, and why. A wide terminal also shows milliseconds per step,
tokens per second (pads included) and, on GPUs whose peak is known, the share of it that is reached (MFU).
All of it comes from the runs' own files; squeue adds what runs in SLURM's queue are waiting for. The command
that started a sweep resumes what has not finished."""

DAY = 24 * 3600
EPILOG = """\
examples:
  wavspa-status runs/digits
  wavspa-status runs/digits --watch 10"""


@command
def main() -> None:
    """Run the command."""
    command_line = parser("wavspa-status", DESCRIPTION, EPILOG)
    command_line.add_argument(
        "folders", nargs="+", type=Path, metavar="FOLDER", help="folders to search for runs"
    )
    command_line.add_argument(
        "--watch", type=float, metavar="SECONDS", help="print again every SECONDS, until Ctrl-C"
    )
    arguments = command_line.parse_intermixed_args()
    if arguments.watch is not None:
        number("--watch", arguments.watch, least=0, most=DAY)
    # Imported here: --help need not wait for Lightning.
    from rich.live import Live

    from wavspa.launching.slurm.queue import waiting_runs
    from wavspa.reports.formats.terminal import console
    from wavspa.reports.runs.collect import Run, collect
    from wavspa.reports.runs.progress import print_states, states_table

    def look() -> tuple[list[Run], dict[Path, str]]:
        runs = collect(arguments.folders)
        return runs, waiting_runs(run.folder for run in runs if run.state != "finished")

    out = console()
    if arguments.watch is None:
        runs, queue = look()
        print_states(runs, out, queue)
        return
    with Live(console=out, auto_refresh=False) as live:
        while True:
            live.update(states_table(*look(), width=out.width), refresh=True)
            time.sleep(arguments.watch)


if __name__ == "__main__":
    main()
