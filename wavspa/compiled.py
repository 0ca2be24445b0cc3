"""Loops compiled by Numba for the CPU and split among threads; only modules with such loops import this.

Numba comes with the framework, not with the bare library; :mod:`wavspa.backend` checks whether it is
installed. Compiled loops are cached on disk, so that only the first call waits for the compiler. Numba
recompiles a loop when its own file changes: after changing a helper in another file, touch the loop's file.
"""

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from numba import njit

# Sums may be vectorised, but numbers that are not finite stay so.
FAST = {"reassoc", "contract", "nsz", "arcp"}

_helpers: ThreadPoolExecutor | None = None


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a loop ``function(first, last, ...)`` when it is first called; it runs without the GIL."""
    try:
        return _compile(function, cache=True)
    except RuntimeError:
        # Numba has no writable folder for its cache: each process compiles for itself.
        return _compile(function, cache=False)


def _compile(function: Callable[..., Any], cache: bool) -> Any:
    return njit(cache=cache, nogil=True, fastmath=FAST, error_model="numpy")(function)


def share(loop: Callable[..., Any], count: int, *arguments: object) -> None:
    """Call ``loop(first, last, *arguments)`` for ranges that cover 0..count, one for each thread of torch.

    A loop must write each result in a single iteration, so that results do not depend on the threads.
    """
    threads = max(1, min(torch.get_num_threads(), count))
    bounds = [count * i // threads for i in range(threads + 1)]
    waiting = [
        _pool().submit(loop, first, last, *arguments)
        for first, last in itertools.pairwise(bounds[1:])
    ]
    loop(bounds[0], bounds[1], *arguments)
    for future in waiting:
        future.result()


def _pool() -> ThreadPoolExecutor:
    global _helpers
    if _helpers is None:
        _helpers = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="wavspa")
    return _helpers


def _forget_pool() -> None:
    """A forked process has none of its parent's threads."""
    global _helpers
    _helpers = None


os.register_at_fork(after_in_child=_forget_pool)
