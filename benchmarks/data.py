"""Time and memory to prepare data sets: `python -m benchmarks.data DATA_ROOT [NAME…]`.

DATA_ROOT holds IMDB, CIFAR-10 and POJ-104; nothing is written there. Each set is prepared by its own
`wavspa-prepare` in a new folder; the time includes the start of the command.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

PATHS = ["dataset.generate=true", "dataset.workers=2"]
TENTH = ["train_examples=8000", "val_examples=1000", "test_examples=1000"]
SETS = {
    "IMDB": ["dataset=lra/text"],
    "CIFAR-10": ["dataset=lra/image", "dataset.workers=2"],
    "POJ-104, bytes": ["dataset=codexglue/poj104", "tokenizer=bytes"],
    "POJ-104, byte pairs": ["dataset=codexglue/poj104"],
    "ListOps, 100,000": ["dataset=lra/listops", "dataset.workers=2"],
    "Pathfinder-32 hard, 200,000": ["dataset=lra/pathfinder32", *PATHS],
    "Path-X, 10,000": ["dataset=lra/pathx", *PATHS, *(f"dataset.{few}" for few in TENTH)],
    "AAN's format, 2 GB": ["dataset=lra/retrieval"],
}
# Approximate number of characters in the benchmark's papers.
PAPER = 29_000
PAIRS = {"train": 34_500, "eval": 500, "test": 500}


def measure(words: list[str], make_root: Callable[[Path], None]) -> tuple[float, float, float]:
    """Seconds, CPU seconds on all cores together, and peak memory in MiB of one command."""
    with tempfile.TemporaryDirectory() as folder:
        make_root(Path(folder))
        command = [sys.executable, "-m", "wavspa.commands.prepare", *words, f"data_root={folder}"]
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(words)} failed")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def links_to(root: Path) -> Callable[[Path], None]:
    """Make a data root of links to the content of another, except the prepared data."""

    def make(folder: Path) -> None:
        for path in root.iterdir():
            if path.name != "prepared":
                (folder / path.name).symlink_to(path.resolve())

    return make


def write_pairs(folder: Path) -> None:
    """Write pairs of texts in the format of AAN, 2 GB of random words."""
    rng = np.random.default_rng(0)
    letters = rng.integers(ord("a"), ord("z") + 1, 2**20, dtype=np.uint8)
    letters[rng.random(len(letters)) < 1 / 6] = ord(" ")
    words = letters.tobytes().decode()
    (folder / "aan").mkdir()
    for split, pairs in PAIRS.items():
        starts = rng.integers(len(words) - PAPER, size=(pairs, 2))
        with (folder / "aan" / f"new_aan_pairs.{split}.tsv").open("w") as file:
            for row, (first, second) in enumerate(starts):
                texts = f"{words[first : first + PAPER]}\t{words[second : second + PAPER]}"
                file.write(f"{row % 2}.0\tA{row}\tB{row}\t{texts}\n")


def main() -> None:
    """Print a row for each set, or for each named one."""
    root, *names = sys.argv[1:]
    print("| | seconds | CPU seconds | peak MiB |")
    print("| --- | ---: | ---: | ---: |")
    for name in names or SETS:
        make_root = write_pairs if name.startswith("AAN") else links_to(Path(root))
        seconds, busy, mebibytes = measure(SETS[name], make_root)
        print(f"| {name} | {seconds:.1f} | {busy:.1f} | {mebibytes:.0f} |", flush=True)


if __name__ == "__main__":
    main()
