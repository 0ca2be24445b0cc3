"""The commit of code that is used from a git checkout."""

import subprocess
from pathlib import Path


def commit_of(file: Path) -> str | None:
    """The commit of the checkout that tracks a file, with "-dirty" after changes; None of other files.

    Args:
        file: A file of code, which may be installed elsewhere.
    """
    # An installed copy may lie inside somebody else's repository, which does not track it.
    if _git(file.parent, "ls-files", "--error-unmatch", file.name) is None:
        return None
    return _git(file.parent, "describe", "--always", "--dirty", "--exclude=*")


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints about a folder; None where it is missing or refuses."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
