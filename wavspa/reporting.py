"""Output for people who watch a run: results on standard output, the rest on standard error.

If there are several ranks, only the first one prints, unless all are asked to.
"""

import sys


def print_line(line: str) -> None:
    """Print a result of a command or a run on standard output."""
    if is_first_rank():
        print(line, flush=True)


def report(line: str, every_rank: bool = False) -> None:
    """Print a line about progress on standard error.

    Args:
        line: The line.
        every_rank: Print it on all ranks, not only on the first one.
    """
    if every_rank or is_first_rank():
        print(line, file=sys.stderr, flush=True)


def warn(line: str, every_rank: bool = False) -> None:
    """Print a warning on standard error; the arguments are those of :func:`report`."""
    report(f"warning: {line}", every_rank)


def is_first_rank() -> bool:
    """Whether this process is the first of the ranks that train together, or trains alone."""
    # Not imported here: commands that only look at runs need not wait for Lightning, and ranks exist only
    # with it.
    lightning = sys.modules.get("pytorch_lightning.utilities.rank_zero")
    return lightning is None or getattr(lightning.rank_zero_only, "rank", 0) == 0
