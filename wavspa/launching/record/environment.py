"""The environment in which a run trains: Python, packages, the machine, and the state of the code in git."""

import os
import platform
import shlex
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import torch

from wavspa.git_commit import git

MOST_DIFF = 1_000_000
"""Characters of a diff that are kept."""
MOST_NAMES = 1000
"""Names of untracked files that are kept."""

_PACKAGE = Path(__file__).parents[2]


def environment() -> dict[str, Any]:
    """The environment of this process, by subject."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": _packages(),
        "machine": _machine(),
        "git": {str(root): _state(root) for root in _repositories((Path.cwd(), _PACKAGE))},
    }


def typed_command() -> str:
    """The command of this process in a form that can be typed again, however it was started."""
    words = sys.orig_argv[1:]
    while words and words[0].startswith("-") and words[0] not in ("-m", "-c"):
        words = words[1:]
    if words[:1] == ["-m"] and len(words) > 1:
        package, _, name = words[1].rpartition(".")
        program = f"wavspa-{name}" if package == "wavspa.commands" else f"python -m {words[1]}"
        return f"{program} {shlex.join(words[2:])}".strip()
    if words and Path(words[0]).name.startswith("wavspa-"):
        return shlex.join([Path(words[0]).name, *words[1:]])
    return shlex.join(["python", *words])


@cache
def _packages() -> dict[str, str]:
    found = {str(each.metadata["Name"]): each.version for each in distributions()}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _machine() -> dict[str, Any]:
    """The processor, the GPUs and CUDA's version; the device that trains is in status.json."""
    return {
        "host": platform.node(),
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpus": [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())],
        "cuda": torch.version.cuda,
        "job": os.environ.get("SLURM_JOB_ID"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def _repositories(folders: Iterable[Path]) -> list[Path]:
    """The git checkouts that hold some folders; one around an untracked, installed copy does not count."""
    roots: dict[Path, None] = {}
    for folder in folders:
        if folder == _PACKAGE and git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
            continue
        if root := git(folder, "rev-parse", "--show-toplevel"):
            roots[Path(root)] = None
    return list(roots)


@cache
def _state(root: Path) -> dict[str, Any]:
    """The commit of a checkout, the changes since, and the names of untracked files.

    Cached at the first call in a process, which does not run later changes.
    """
    diff = git(root, "diff", "HEAD", "--no-ext-diff", "--no-color") or ""
    untracked = git(root, "ls-files", "--others", "--exclude-standard") or ""
    cut = f"\n… cut: {len(diff):,} characters in all" if len(diff) > MOST_DIFF else ""
    return {
        "commit": git(root, "rev-parse", "HEAD"),
        "diff": diff[:MOST_DIFF] + cut,
        "untracked": untracked.splitlines()[:MOST_NAMES],
    }
