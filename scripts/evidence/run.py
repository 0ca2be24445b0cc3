"""Run the studies: ``python -m scripts.evidence.run [--study NAME] [--data NAME] [--data-root DATA_ROOT]``.

Finished runs and those in ``results/`` are skipped, interrupted ones resume. SIGINT and SIGTERM stop runs so
that they can be resumed; so does --minutes, after which the program exits with 75 and the same command
continues.
"""

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.evidence import arguments, bbc, cost
from scripts.evidence.jobs import UNFINISHED, Stopped, listen, start
from scripts.evidence.load import RESULTS
from scripts.evidence.pieces import PLACES, Piece, Settings, command_of, executable, pieces
from scripts.evidence.studies import STUDIES, Study, all_cells

DATA = list(dict.fromkeys(cell.data for cell in all_cells()))
# The keys that the studies set in every command.
OWN = (*PLACES, "init", "experiment", "experiment_name", "optimizer.lr", "seed")


def chosen(study: str | None, data: str | None, arm: str | None) -> Iterator[tuple[str, Study]]:
    """The chosen studies, with the cells of the chosen data set and arm."""
    for name, one in STUDIES.items():
        if study not in (None, name):
            continue
        cells = tuple(
            cell for cell in one.cells if data in (None, cell.data) and arm in (None, cell.arm.name)
        )
        yield name, one._replace(cells=cells)


def absent(study: str | None, data: str | None, arm: str | None) -> str:
    """The error for a choice that no study has, with the alternatives."""
    options = {"--study": study, "--data": data, "--arm": arm}
    typed = " ".join(f"{option} {word}" for option, word in options.items() if word is not None)
    cells = [cell for _, one in chosen(study, data, None) for cell in one.cells]
    if cells:
        option, names = "--arm", [cell.arm.name for cell in cells]
    else:
        option = "--data"
        names = [cell.data for _, one in chosen(study, None, None) for cell in one.cells]
    return f"no study has {typed}; choose {option} from {', '.join(dict.fromkeys(names))}"


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
    if not tried:
        print("nothing is missing", flush=True)
    return failed


def measure(folder: Path, until: float) -> list[list[str]]:
    """Measure the missing costs.

    Returns:
        The commands that failed.

    Raises:
        subprocess.TimeoutExpired: The time is over.
    """
    print("# cost: what does it cost?", flush=True)
    failed = []
    for command in cost.commands(folder):
        print(f"$ {shlex.join(command)}", flush=True)
        if start([sys.executable, *command[1:]], until) != 0:
            failed.append(command)
    return failed


def main(words: Sequence[str] | None = None) -> None:
    """Run what the command line names."""
    parser = _parser()
    options = parser.parse_args(words)
    studies = _studies(parser, options)
    settings = Settings(
        options.runs,
        options.data_root,
        options.results,
        options.jobs,
        tuple(dict.fromkeys(options.seeds)),
        tuple(options.words),
    )
    listen()
    until = time.monotonic() + 60 * options.minutes
    failed: list[list[str]] = []
    try:
        for name, study in studies.items():
            print(f"# {name}: {study.question}", flush=True)
            failed += map(command_of, run(study, settings, until))
        if options.study in (None, "cost") and options.data is None and options.arm is None:
            failed += measure(options.runs / "cost", until)
    except subprocess.TimeoutExpired:
        print(f"stopped after {options.minutes:g} minutes; the same command resumes", flush=True)
        sys.exit(UNFINISHED)
    except Stopped:
        print("stopped; the same command resumes", flush=True)
        sys.exit(UNFINISHED)
    for command in failed:
        print(f"failed: {shlex.join(command)}", file=sys.stderr)
    sys.exit(1 if failed else 0)


def _studies(parser: argparse.ArgumentParser, options: argparse.Namespace) -> dict[str, Study]:
    """The chosen studies that can be trained; an error ends the program."""
    choice = options.study, options.data, options.arm
    if options.study == "cost":
        if any((options.data, options.arm is not None, options.seeds, options.words)):
            parser.error(
                "--study cost takes no --data, --arm, --seeds or KEY=VALUE: it trains nothing"
            )
        return {}
    studies = {name: study for name, study in chosen(*choice) if study.cells}
    if not studies:
        parser.error(absent(*choice))
    # As conf/train.yaml finds it.
    root = Path(options.data_root or os.environ.get("WAVSPA_DATA", "data"))
    if "long" in studies and not (root / bbc.FILE).is_file():
        if len(studies) == 1:
            sys.exit(bbc.missing(root))
        print(f"# long: left out, {bbc.missing(root)}", flush=True)
        del studies["long"]
    return studies


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.evidence.run", description=__doc__)
    parser.add_argument(
        "--study",
        choices=[*STUDIES, "cost"],
        help="a single study (default: all; cost only if neither --data nor --arm is given)",
    )
    parser.add_argument("--data", choices=DATA, help="only cells on this data set")
    parser.add_argument("--arm", help="only this arm")
    parser.add_argument(
        "--data-root",
        type=arguments.data_root,
        help="the folder of the data sets (default: $WAVSPA_DATA, or data)",
    )
    parser.add_argument(
        "--runs",
        type=arguments.folder,
        default=Path("runs/evidence"),
        help="the folder of the runs",
    )
    parser.add_argument(
        "--results",
        type=arguments.folder,
        default=RESULTS,
        help="runs collected there are not trained again",
    )
    parser.add_argument(
        "--jobs",
        type=arguments.whole(1),
        default=2,
        help="number of runs that train at the same time",
    )
    parser.add_argument(
        "--minutes", type=arguments.minutes, default=1e6, help="stop after this time"
    )
    parser.add_argument(
        "--seeds", type=arguments.whole(0), nargs="+", default=[], help="only these seeds"
    )
    parser.add_argument(
        "words",
        type=_word,
        nargs="*",
        metavar="KEY=VALUE",
        help="for every run, to try the machinery: the results differ (after --seeds: -- KEY=VALUE)",
    )
    return parser


def _word(word: str) -> str:
    key, equals, _ = word.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"must be key=value, got {word!r}")
    if key in OWN:
        raise argparse.ArgumentTypeError(
            f"{key} is set by the studies, got {word!r}; "
            "--runs, --data-root, --jobs, --seeds, --data and --arm choose what they set"
        )
    return word


if __name__ == "__main__":
    main()
