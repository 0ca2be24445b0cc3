"""What git knows of the code that is used."""

import subprocess
from pathlib import Path


def commit_of(file: Path) -> str | None:
    """The commit of the checkout that tracks a file, with "-dirty" after changes; None of other files.

    Args:
        file: A file of code, which may be installed elsewhere.
    """
    # An installed copy may lie inside somebody else's repository, which does not track it.
    if git(file.parent, "ls-files", "--error-unmatch", file.name) is None:
        return None
    return git(file.parent, "describe", "--always", "--dirty", "--exclude=*")


def git(folder: Path, *arguments: str) -> str | None:
    """What git prints, without blanks around it; None where it fails or is not installed.

    Args:
        folder: In or below a checkout.
        *arguments: Its command and the options of that.
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
