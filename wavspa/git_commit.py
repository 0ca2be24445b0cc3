"""The git commit of the code in use, and other facts from git."""

import subprocess
from pathlib import Path


def commit_of(file: Path) -> str | None:
    """The commit of the checkout that tracks a file, with "-dirty" after changes; None for other files.

    Args:
        file: A file of code, which may be installed elsewhere.
    """
    # An installed copy may be inside somebody else's repository, which does not track it.
    if git(file.parent, "ls-files", "--error-unmatch", file.name) is None:
        return None
    return git(file.parent, "describe", "--always", "--dirty", "--exclude=*")


def git(folder: Path, *arguments: str) -> str | None:
    """The output of git without surrounding blanks; None if it fails or is not installed.

    Args:
        folder: A folder in a checkout.
        *arguments: Git's command and its options.
    """
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
