"""The cost of models: a layer by length, and a training step of every cell, in CPU seconds of one thread.

    python -m scripts.evidence.cost length softmax ada 4096 FILE
    python -m scripts.evidence.cost steps RUNS DATA FILE

CPU time is measured, since other work may share the machine. Each length is measured in its own process,
since the peak memory of a process never falls.
"""

import argparse
import csv
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from scripts.evidence.pieces import Settings, chosen_runs
from scripts.evidence.studies import DATA, STUDIES
from wavspa import WavSpAttention
from wavspa.backend import use_backend
from wavspa.launching.run.build import build
from wavspa.launching.run.freeze import read_config
from wavspa.models.flops import training_flops

LENGTHS = tuple(1024 * 2**n for n in range(9))
LAYERS = [(base, mode) for base in ("softmax", "linear") for mode in ("none", "ada")]
DIM, HEADS, TAPS, LEVEL = 32, 2, 8, 2
LEAST_SECONDS = 0.5
STEPS = 5
LENGTH_COLUMNS = ("base", "mode", "length", "cpu_seconds", "peak_mib", "torch")
STEP_COLUMNS = ("data", "arm", "cpu_seconds", "flops", "parameters", "tokens", "torch")


def commands(folder: Path) -> Iterator[list[str]]:
    """The commands whose rows are missing from the files in ``folder``."""
    program = ["python", "-m", "scripts.evidence.cost"]
    done = {tuple(row[:3]) for row in _rows(folder / "lengths.csv")}
    for length in LENGTHS:
        for base, mode in LAYERS:
            if (base, mode, str(length)) not in done:
                yield [*program, "length", base, mode, str(length), str(folder / "lengths.csv")]
    for data in DATA:
        yield [*program, "steps", str(folder.parent), data, str(folder / "steps.csv")]


def measure_length(base: str, mode: str, length: int) -> tuple[float, float]:
    """CPU seconds and MiB of a forward and backward pass of one layer on one row."""
    layer = WavSpAttention(DIM, HEADS, base, mode, taps=TAPS, level=LEVEL, max_len=length)
    x = torch.randn(1, length, DIM, requires_grad=True)
    first = WavSpAttention(DIM, HEADS, base, mode, taps=TAPS, level=LEVEL, max_len=64)
    with use_backend("numba"):  # as in long sequences: loading its loops is a cost of the process
        first(x[:, :64]).sum().backward()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = cpu_seconds(lambda: layer(x).sum().backward(), least=LEAST_SECONDS)
    return seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def cpu_seconds(work: Callable[[], object], least: float, times: int = 1) -> float:
    """Mean CPU seconds of some work, repeated at least ``times`` and for ``least`` seconds."""
    began, done = time.process_time(), 0
    while done < times or time.process_time() - began < least:
        work()
        done += 1
    return (time.process_time() - began) / done


def measure_step(config: Any) -> dict[str, float]:
    """The cost of a training step of a run, on a batch of full length."""
    torch.manual_seed(0)
    model = build(config, "model")
    dataset = config.dataset
    optimizer = torch.optim.AdamW(model.parameters())
    tokens = torch.randint(1, dataset.vocab_size, (dataset.batch_size, dataset.max_length))
    lengths = torch.full((dataset.batch_size,), dataset.max_length)
    labels = torch.randint(dataset.classes, (dataset.batch_size,))

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(tokens, lengths), labels).backward()
        optimizer.step()

    step()
    return {
        "cpu_seconds": cpu_seconds(step, least=0.0, times=STEPS),
        "flops": training_flops(model, dataset.max_length) * dataset.batch_size,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "tokens": tokens.numel(),
    }


def measure_steps(settings: Settings, data: str, path: Path) -> int:
    """Add a row for each cell on a data set that has runs but no row yet.

    Returns:
        The number of rows added.
    """
    done = {tuple(row[:2]) for row in _rows(path)}
    cells = {
        cell.arm.name: cell
        for name in ("cells", "helps")
        for cell in STUDIES[name].cells
        if cell.data == data
    }
    added = 0
    for name, cell in cells.items():
        if (data, name) in done:
            continue
        run = chosen_runs(cell, settings).get(settings.seeds_of(cell)[0])
        if run is None:
            continue
        found = measure_step(read_config(run.folder))
        append(path, STEP_COLUMNS, [data, name, *found.values(), torch.__version__])
        added += 1
    return added


def append(path: Path, columns: Sequence[str], row: Sequence[object]) -> None:
    """Add a row to a csv file, which is created with a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(columns)
        writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in row])


def _rows(path: Path) -> list[list[str]]:
    if not path.exists():
        return []
    return list(csv.reader(path.read_text(encoding="utf-8").splitlines()))[1:]


def main(words: Sequence[str] | None = None) -> None:
    """Measure the item named on the command line."""
    parser = _parser()
    options = parser.parse_args(words)
    columns = LENGTH_COLUMNS if options.kind == "length" else STEP_COLUMNS
    if options.file.exists() and _header(options.file) != list(columns):
        parser.error(
            f"FILE must be new or have the columns {','.join(columns)}, got {options.file}"
        )
    torch.set_num_threads(1)
    if options.kind == "length":
        item = options.base, options.mode, options.length
        append(options.file, columns, [*item, *measure_length(*item), torch.__version__])
        return
    added = measure_steps(Settings(options.runs), options.data, options.file)
    print(f"{added} new rows on {options.data}: {options.file}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.evidence.cost",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    length = kinds.add_parser("length", help="add the cost of a layer at a length")
    length.add_argument("base", choices=list(dict.fromkeys(base for base, _ in LAYERS)))
    length.add_argument("mode", choices=list(dict.fromkeys(mode for _, mode in LAYERS)))
    length.add_argument("length", type=int, choices=LENGTHS)
    steps = kinds.add_parser("steps", help="add the costs of a step of the cells on a data set")
    steps.add_argument("runs", type=Path, metavar="RUNS", help="the folder of the runs")
    steps.add_argument("data", choices=DATA)
    for kind in (length, steps):
        kind.add_argument("file", type=Path, metavar="FILE", help="csv, created if it is missing")
    return parser


def _header(path: Path) -> list[str] | None:
    """The columns of a csv file; None of a folder."""
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        return next(csv.reader(file), [])


if __name__ == "__main__":
    main()
