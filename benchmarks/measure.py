"""The common method: alternating runs, medians, two threads, an allocator that keeps memory."""

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from wavspa.launching.subprocesses import clean_environment

THREADS = 2
FEWEST = 3  # smallest number of turns that count, however long they take


def keep_memory() -> None:
    """Restart this program with the settings of the commands, for all peers: memory kept, OpenMP asleep.

    glibc reads its settings before ``main``, OpenMP when torch is loaded; without them page faults and
    spinning threads cost more than the arithmetic.
    """
    if "MALLOC_TOP_PAD_" not in os.environ:
        # Jobs do not import from the working folder; `python -m benchmarks.…` must.
        environment = {
            "OMP_WAIT_POLICY": "PASSIVE",
            **clean_environment(),
            "PYTHONSAFEPATH": "",
        }
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
    torch.set_num_threads(THREADS)


def alternate(
    contestants: Mapping[str, Callable[[], object]], rounds: int, limit: float = 20.0
) -> dict[str, float]:
    """Median seconds of each contestant; they take turns, after one round that does not count.

    Args:
        contestants: The functions to measure, by name.
        rounds: Number of turns of each; if time runs out, at least three.
        limit: Seconds after which no further turn starts.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    began = time.perf_counter()
    for turn in range(rounds + 1):
        if turn > FEWEST and time.perf_counter() > began + limit:
            break
        for name, run in contestants.items():
            start = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def refuse(what: str, pairs: Iterable[tuple[Tensor, Tensor]], tolerance: float) -> None:
    """Refuse to measure wrong results.

    Args:
        what: The compared things, for the message.
        pairs: Our results, each with another's.
        tolerance: Largest allowed difference, relative to the norm of the other.

    Raises:
        SystemExit: A result differs by more; the exit code is 1.
    """
    for ours, theirs in pairs:
        error = float(((ours - theirs).norm() / theirs.norm()).detach())
        if not error <= tolerance:
            raise SystemExit(
                f"nothing is measured, because results differ: {what} is off by {error:.1e}"
            )


def machine() -> str:
    """One line that describes the machine of a measurement."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {THREADS} threads, "
        f"torch {torch.__version__}, float32, medians"
    )
