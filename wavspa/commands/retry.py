"""``python -m wavspa.commands.retry``: what a SLURM script does when srun ends badly."""

from pathlib import Path

from wavspa.commands.entry_point import MISTAKE, command, parser

DESCRIPTION = """\
Requeue the SLURM job that this is called from because its run has died, at most RETRIES times.
A mistake in the input (CODE 2) is final, and a job that SLURM is ending is not requeued. With
--stop-after, pending jobs of the array are cancelled if RUNS runs failed for the same reason and none
finished."""


@command
def main() -> None:
    """Run the command."""
    command_line = parser("wavspa.commands.retry", DESCRIPTION)
    command_line.add_argument("folder", type=Path, metavar="FOLDER", help="the run's folder")
    command_line.add_argument("code", type=int, metavar="CODE", help="the exit code of srun")
    command_line.add_argument("retries", type=int, metavar="RETRIES")
    command_line.add_argument("--stop-after", type=int, metavar="RUNS")
    command_line.add_argument("--runs", type=Path, metavar="FILE", help="the array's run folders")
    arguments = command_line.parse_args()
    from wavspa.launching.run.slurm import retry, stop_array

    folder, code = arguments.folder, arguments.code
    if arguments.stop_after:
        line = stop_array(arguments.runs, arguments.stop_after, folder, code)
        if line is not None:
            print(line)
            return
    if code == MISTAKE:
        return
    if line := retry(folder, code, arguments.retries):
        print(line)


if __name__ == "__main__":
    main()
