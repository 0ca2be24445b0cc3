"""The cost of models: a layer by length, and a training step of every cell, in CPU seconds of one thread.

    python -m scripts.evidence.cost length softmax ada 4096 FILE
    python -m scripts.evidence.cost steps RUNS DATA FILE

CPU time is measured, since other work may share the machine. Each length is measured in its own process,
since the peak memory of a process never falls.
"""

import csv
import resource
import sys
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


def measure_steps(settings: Settings, data: str, path: Path) -> None:
    """Add a row for each cell on a data set that has runs but no row yet."""
    done = {tuple(row[:2]) for row in _rows(path)}
    cells = {
        cell.arm.name: cell
        for name in ("cells", "helps")
        for cell in STUDIES[name].cells
        if cell.data == data
    }
    for name, cell in cells.items():
        if (data, name) in done:
            continue
        run = chosen_runs(cell, settings).get(settings.seeds_of(cell)[0])
        if run is None:
            continue
        found = measure_step(read_config(run.folder))
        append(path, STEP_COLUMNS, [data, name, *found.values(), torch.__version__])


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


def main() -> None:
    """Measure the item named on the command line."""
    torch.set_num_threads(1)
    kind, *words = sys.argv[1:]
    if kind == "length":
        base, mode, length, path = words
        found = measure_length(base, mode, int(length))
        append(Path(path), LENGTH_COLUMNS, [base, mode, int(length), *found, torch.__version__])
        return
    runs, data, path = words
    measure_steps(Settings(Path(runs)), data, Path(path))


if __name__ == "__main__":
    main()
