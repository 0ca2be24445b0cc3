"""The reasons why runs failed, and a check whether several failed for the same reason."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from wavspa.run_folder import layout
from wavspa.run_folder.lock import is_locked
from wavspa.run_folder.status import read_status

# A shell reports a command that a signal ended by this plus the signal's number.
_KILLED = 128


def failure_of(folder: Path, code: int = 0, since: float = 0.0) -> str | None:
    """Why a run ended badly; None for any other run.

    Args:
        folder: The run's folder.
        code: The exit code of its process, if known: a killed process records no reason.
        since: A time by the file system's clock; earlier ends do not count.
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
    # A line that was torn by a kill or a full disk names no code.
    codes = re.findall(r"exit code \d+$", deaths.read_text(encoding="utf-8"), re.MULTILINE)
    return codes[-1] if codes else None


def common_failure(failures: Mapping[Path, str], least: int) -> str | None:
    """The reason why at least ``least`` runs failed; None if no reason is shared by that many.

    Args:
        failures: The reasons, by the runs' folders. Reasons that differ only in numbers and in the run's
            name count as the same.
        least: The number of runs that must share a reason.
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
    """The common reason why the runs of a sweep failed while none finished; None if there is none.

    Args:
        folders: All runs of the sweep.
        since: When it was started, by the file system's clock.
        least: The number of runs that must fail.
        codes: The exit codes of the runs' processes, as far as they are known.
    """
    folders = list(folders)
    if any(read_status(folder).get("state") == "finished" for folder in folders):
        return None
    found = {folder: failure_of(folder, codes.get(folder, 0), since) for folder in folders}
    return common_failure({folder: why for folder, why in found.items() if why}, least)
