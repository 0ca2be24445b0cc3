"""Run the studies: ``python -m scripts.evidence.run [--study NAME] [--data NAME] [--data-root DATA_ROOT]``.

Finished runs and those in ``results/`` are skipped, interrupted ones resume. SIGINT and SIGTERM stop runs so
that they can be resumed; so does --minutes, after which the program exits with 75 and the same command
continues.
"""

import argparse
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.evidence import bbc, cost
from scripts.evidence.jobs import UNFINISHED, Stopped, listen, start
from scripts.evidence.load import RESULTS
from scripts.evidence.pieces import Piece, Settings, command_of, executable, pieces
from scripts.evidence.studies import STUDIES, Study


def chosen(study: str | None, data: str | None, arm: str | None) -> Iterator[tuple[str, Study]]:
    """The chosen studies, with the cells of the chosen data set and arm."""
    for name, one in STUDIES.items():
        if study not in (None, name):
            continue
        cells = tuple(
            cell for cell in one.cells if data in (None, cell.data) and arm in (None, cell.arm.name)
        )
        yield name, one._replace(cells=cells)


def run(study: Study, settings: Settings, until: float) -> list[Piece]:
    """Train the missing pieces of a study.

    Returns:
        The pieces that failed.

    Raises:
        subprocess.TimeoutExpired: The time is over; training has stopped.
    """
    failed, tried = [], set()
    for piece in pieces(study, settings):
        command = command_of(piece)
        if tuple(command) in tried:
            continue
        tried.add(tuple(command))
        print(f"$ {shlex.join(command)}", flush=True)
        if start(executable(command), until) != 0:
            failed.append(piece)
    return failed


def main(words: Sequence[str] | None = None) -> None:
    """Run what the command line names."""
    options = _parser().parse_args(words)
    settings = Settings(
        options.runs,
        options.data_root,
        options.results,
        options.jobs,
        options.seeds,
        tuple(options.words),
    )
    listen()
    until = time.monotonic() + 60 * options.minutes
    failed: list[list[str]] = []
    try:
        for name, study in chosen(options.study, options.data, options.arm):
            if name == "long" and not (Path(options.data_root or "data") / bbc.FILE).exists():
                print(
                    f"# {name}: left out, python -m scripts.evidence.bbc makes its file", flush=True
                )
            elif study.cells:
                print(f"# {name}: {study.question}", flush=True)
                failed += map(command_of, run(study, settings, until))
        if options.study in (None, "cost"):
            print("# cost: what does it cost?", flush=True)
            for command in cost.commands(options.runs / "cost"):
                print(f"$ {shlex.join(command)}", flush=True)
                if start([sys.executable, *command[1:]], until) != 0:
                    failed.append(command)
    except subprocess.TimeoutExpired:
        print(f"stopped after {options.minutes:g} minutes; the same command resumes", flush=True)
        sys.exit(UNFINISHED)
    except Stopped:
        print("stopped; the same command resumes", flush=True)
        sys.exit(UNFINISHED)
    for command in failed:
        print(f"failed: {shlex.join(command)}", file=sys.stderr)
    sys.exit(1 if failed else 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.evidence.run", description=__doc__)
    parser.add_argument("--study", choices=[*STUDIES, "cost"], help="a single study (default: all)")
    parser.add_argument("--data", help="only cells on this data set")
    parser.add_argument("--arm", help="only this arm")
    parser.add_argument("--data-root", help="the folder of the data sets (default: data)")
    parser.add_argument(
        "--runs", type=Path, default=Path("runs/evidence"), help="the folder of the runs"
    )
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="runs collected there are not trained again"
    )
    parser.add_argument(
        "--jobs", type=int, default=2, help="number of runs that train at the same time"
    )
    parser.add_argument("--minutes", type=float, default=1e6, help="stop after this time")
    parser.add_argument("--seeds", type=int, nargs="+", default=[], help="only these seeds")
    parser.add_argument(
        "words", nargs="*", help="key=value for every run, to try the machinery: the results differ"
    )
    return parser


if __name__ == "__main__":
    main()
