"""Train cells again and compare to the last digit: ``python -m scripts.evidence.again [DATA ARM SEED]``.

The default is the cells whose commands the page prints, one from each study.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from scripts.evidence import arguments
from scripts.evidence.jobs import THREADS, Stopped, listen, start
from scripts.evidence.load import RESULTS, Results, load
from scripts.evidence.page import example_cells
from scripts.evidence.pieces import executable, parent_of
from wavspa.errors import UserError
from wavspa.reports.runs.collect import Run, collect

# Depends on the machine's load, not on the run.
TIMES = ("seconds",)
INIT = "init.from="


def train(results: Results, cell: tuple[str, str, int], runs: Path, data_root: str | None) -> Run:
    """Train a collected run again with its original options, after its pre-training if it has one.

    Args:
        results: The collected results.
        cell: Data set, arm and seed.
        runs: The folder to train in.
        data_root: The folder of the data sets; None: the one of the configuration.

    Raises:
        SystemExit: It did not finish.
    """
    data, arm, seed = cell
    overrides = results.runs[data, arm][seed].config["frozen"]["overrides"]
    words = [*(word for word in overrides if not word.startswith(INIT)), f"runs={runs}"]
    if (parent := parent_of(arm)) is not None:
        words.append(f"init={train(results, (data, parent, seed), runs, data_root).folder}")
    if data_root:
        words.append(f"data_root={data_root}")
    if code := start(executable(["wavspa-train", *words]), float("inf"), THREADS):
        sys.exit(code)
    (found,) = collect([runs / arm])
    return found


def differences(before: Run, after: Run) -> Iterator[str]:
    """Differences between two trainings of a run: test metrics, and evaluations step by step."""
    for name, value in before.status["test"].items():
        other = after.status["test"].get(name)
        if value != other:
            yield f"{name}: {value!r}, again {other!r}"
    of_steps = {row["step"]: row for row in after.metrics}
    for row in before.metrics:
        for name, value in row.items():
            other = of_steps.get(row["step"], {}).get(name)
            if name not in TIMES and value != other:
                yield f"step {row['step']:g}, {name}: {value!r}, again {other!r}"


def check(results: Results, cell: tuple[str, str, int], data_root: str | None) -> bool:
    """Train a cell again in a temporary folder and print all differences.

    Returns:
        Whether there are none.
    """
    data, arm, seed = cell
    before = results.runs[data, arm][seed]
    with tempfile.TemporaryDirectory() as folder:
        found = list(differences(before, train(results, cell, Path(folder), data_root)))
    print(f"{arm} on {data}, seed {seed}: {'equal to the last digit' if not found else 'differs'}")
    print("".join(f"  {line}\n" for line in found), end="", flush=True)
    return not found


def named(results: Results, words: Sequence[str]) -> tuple[str, str, int]:
    """The collected cell that three words name.

    Raises:
        UserError: They are not three, or no such run was collected; the message lists those that were.
    """
    if len(words) != 3:
        raise UserError(f"DATA ARM SEED must be three words, got {' '.join(words)!r}")
    data, arm, seed = words
    _known("DATA", data, dict.fromkeys(of for of, _ in results.runs))
    _known("ARM", arm, [name for of, name in results.runs if of == data], f" on {data}")
    _known("SEED", seed, map(str, results.runs[data, arm]), f" of {arm} on {data}")
    if (parent := parent_of(arm)) is not None:
        named(results, (data, parent, seed))
    return data, arm, int(seed)


def _known(what: str, typed: str, collected: Iterable[str], where: str = "") -> None:
    names = list(collected)
    if typed not in names:
        choices = ", ".join(names)
        raise UserError(f"results/ has no {what} {typed!r}{where}; choose one of {choices}")


def main(words: Sequence[str] | None = None) -> None:
    """Check the cells named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m scripts.evidence.again", description=__doc__)
    parser.add_argument(
        "cell", nargs="*", metavar="DATA ARM SEED", help="default: one of each study"
    )
    parser.add_argument(
        "--data-root",
        type=arguments.data_root,
        help="of the data sets (default: $WAVSPA_DATA, or data)",
    )
    options = parser.parse_args(words)
    results = load(RESULTS)
    cells = [cell for cell in example_cells().values() if cell[2] in results.runs.get(cell[:2], {})]
    if options.cell:
        try:
            cells = [named(results, options.cell)]
        except UserError as error:
            parser.error(str(error))
    if not cells:
        sys.exit(f"no run of the page is in {RESULTS}")
    listen()
    try:
        same = [check(results, cell, options.data_root) for cell in cells]
    except Stopped:
        sys.exit("stopped; nothing was kept")
    sys.exit(not all(same))


if __name__ == "__main__":
    main()
