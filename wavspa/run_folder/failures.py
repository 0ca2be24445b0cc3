"""Reasons for which runs failed, and a check whether several failed for the same one."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from wavspa.run_folder import layout
from wavspa.run_folder.lock import is_locked
from wavspa.run_folder.status import read_status

# A shell's code for a command that a signal ended is this and its number.
_KILLED = 128


def failure_of(folder: Path, code: int = 0, since: float = 0.0) -> str | None:
    """Why a run came to a bad end; None of any other run.

    Args:
        folder: The run's folder.
        code: What its process ended with, where that is known: one that is killed writes no reason down.
        since: A time of the file system; ends before it do not count.
    """
    status = read_status(folder)
    state = status.get("state", "running")
    if state == "failed":
        told = (folder / layout.STATUS).stat().st_mtime >= since
        return (status.get("reason") or "no reason is known") if told else None
    if state != "running":
        return None
    if code:
        return f"exit code {code if code > 0 else _KILLED - code}"
    deaths = folder / layout.DEATHS
    if not deaths.exists() or deaths.stat().st_mtime < since or is_locked(folder):
        return None
    # A line that a kill or a full disk has torn names none.
    codes = re.findall(r"exit code \d+$", deaths.read_text(encoding="utf-8"), re.MULTILINE)
    return codes[-1] if codes else None


def common_failure(failures: Mapping[Path, str], least: int) -> str | None:
    """The reason for which runs failed, if this many failed for the same one; None if fewer did.

    Args:
        failures: The reasons, by the runs' folders. They are the same if they differ only in numbers and in
            what names the run.
        least: How many.
    """
    groups: dict[str, list[str]] = {}
    for folder, reason in failures.items():
        unnamed = reason.replace(str(folder), "").replace(folder.name, "")
        groups.setdefault(re.sub(r"\d+", "", unnamed), []).append(reason)
    largest = max(groups.values(), key=len, default=[])
    return largest[0] if len(largest) >= least else None


def first_failure(
    folders: Iterable[Path],
    since: float,
    least: int,
    codes: Mapping[Path, int] = MappingProxyType({}),
) -> str | None:
    """The reason for which runs of a sweep failed while none finished; None if they did not.

    Args:
        folders: All runs of the sweep.
        since: When it was started, by the file system's clock.
        least: How many have to fail.
        codes: What processes ended with, of runs of which that is known.
    """
    folders = list(folders)
    if any(read_status(folder).get("state") == "finished" for folder in folders):
        return None
    found = {folder: failure_of(folder, codes.get(folder, 0), since) for folder in folders}
    return common_failure({folder: why for folder, why in found.items() if why}, least)
