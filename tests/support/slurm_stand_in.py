"""The SLURM launcher without a SLURM: what it asks is noted, and answered as a test wants it."""

import subprocess
from importlib.resources import files
from typing import Any

import yaml

from wavspa.launching.plugins.slurm import SlurmLauncher

DEFAULTS: dict[str, Any] = yaml.safe_load(
    (files("wavspa.conf") / "hydra/launcher/slurm.yaml").read_text()
)
del DEFAULTS["_target_"]


class SlurmStandIn:
    """Answers SLURM's commands; sbatch gives the numbers 71, 72, …"""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.queue: dict[str, str] = {}  # what squeue prints of a job name
        self.config = ""  # what scontrol prints of the cluster
        self.waiting = ""  # what squeue prints of pending jobs

    def __call__(self, *command: str) -> subprocess.CompletedProcess[str]:
        self.asked.append(command)
        return subprocess.CompletedProcess(command, 0, self._answer(command), "")

    def _answer(self, command: tuple[str, ...]) -> str:
        if command[0] == "sbatch":
            return f"{70 + len(submitted(self.asked))}\n"
        if command[0] == "scontrol":
            return self.config
        if "--states=PENDING" in command:
            return self.waiting
        name = next(word for word in command if word.startswith("--name="))
        return self.queue.get(name.removeprefix("--name="), "")


def launcher(**changes: Any) -> SlurmLauncher:
    """The launcher of ``hydra/launcher=slurm`` with some of its options changed."""
    return SlurmLauncher(**{**DEFAULTS, **changes})


def submitted(asked: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Of each sbatch among commands, its words after ``--parsable``."""
    return [command[2:] for command in asked if command[0] == "sbatch"]
