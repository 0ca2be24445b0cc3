"""Which code a run was started with."""

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGE = Path(__file__).parents[2]


def code_version() -> dict[str, str | None]:
    """The package's version and, in a git checkout of it, the commit ("-dirty" after changes)."""
    try:
        number = version("wavspa")
    except PackageNotFoundError:
        number = "unknown"
    return {"version": number, "commit": _commit(_PACKAGE)}


def _commit(package: Path) -> str | None:
    # An installed copy may lie inside somebody else's repository, which does not track it.
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    return _git(package, "describe", "--always", "--dirty", "--exclude=*")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
