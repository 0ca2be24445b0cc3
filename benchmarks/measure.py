"""The common method of measurement: alternating runs, medians, two threads, an allocator that keeps."""

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping

import torch

from wavspa.launching.subprocesses import clean_environment

THREADS = 2


def keep_memory() -> None:
    """Start this program again with an allocator that keeps memory, for every peer alike.

    glibc reads the setting before ``main``; without it page faults cost more than the arithmetic.
    """
    if "MALLOC_TOP_PAD_" not in os.environ:
        # Jobs do not import from the working folder; `python -m benchmarks.…` must.
        environment = {**clean_environment(), "PYTHONSAFEPATH": ""}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
    torch.set_num_threads(THREADS)


def alternate(contestants: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each contestant; they take turns, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, run in contestants.items():
            start = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def machine() -> str:
    """One line that describes the machine of a measurement."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {THREADS} threads, "
        f"torch {torch.__version__}, float32, medians"
    )
