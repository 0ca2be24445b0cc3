"""A sweep as SLURM runs it: arrays whose jobs have the same shape, and their scripts."""

import hashlib
import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig

from wavspa.checks import one_of, true_or_false
from wavspa.errors import UserError
from wavspa.launching.plugin_options import check_whole_numbers, options_of
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.slurm import number_of_devices
from wavspa.launching.slurm.sbatch_names import sbatch_hint
from wavspa.launching.subprocesses import ENVIRONMENT
from wavspa.run_folder import layout

_GPUS = ("gpu", "cuda")
PYTHON = shlex.quote(sys.executable)
PREPARE = ("here", "job", "no")
"""Where data sets are prepared: at submission, in a job that the array waits for, or in the runs."""

# Options that the script sets itself.
_DERIVED = (
    *("-a", "--array", "-N", "--nodes", "-n", "--ntasks", "--ntasks-per-node"),
    *("-c", "--cpus-per-task", "-o", "--output", "--requeue", "--no-requeue", "--signal"),
    *("-G", "--gpus", "--gpus-per-task", "--wrap", "-J", "--job-name"),
)

# The forms of amounts that sbatch takes.
_AMOUNTS = {
    "time": (
        re.compile(r"(\d+-)?\d+(:\d+){0,2}|infinite|unlimited", re.IGNORECASE),
        "minutes, hours:minutes:seconds or days-hours, such as 240, 4:00:00 or 2-12",
    ),
    "memory": (re.compile(r"\d+[KMGT]?B?", re.IGNORECASE), "a number with a unit, such as 32G"),
}


@dataclass(frozen=True)
class Options:
    """The user's options of the jobs; ``conf/hydra/launcher/slurm.yaml`` describes them.

    The rest follows from the jobs' trainers.

    Raises:
        UserError: A value is impossible.
    """

    partition: str | None
    account: str | None
    time: str | int | Mapping[str, str | int] | None
    memory: str | int | Mapping[str, str | int] | None
    cpus_per_task: int
    gpus: str
    at_once: int | None
    signal_seconds: int | None
    retries: int
    sbatch: Sequence[str]
    setup: Sequence[str]
    wait: bool
    array_size: int | None = None
    prepare: str = "here"
    submit: bool = True
    stop_after: int | None = None

    def __post_init__(self) -> None:
        least = {"cpus_per_task": 1, "at_once": 1, "signal_seconds": 1, "retries": 0}
        least |= {"array_size": 1, "stop_after": 1}
        optional = ("at_once", "signal_seconds", "array_size", "stop_after")
        check_whole_numbers(self, "hydra.launcher", least, optional)
        for name in ("sbatch", "setup"):
            if isinstance(getattr(self, name), str):
                value = getattr(self, name)
                raise UserError(
                    f"hydra.launcher.{name} must be a list, got {value!r}: write [{value!r}]"
                )
        for name in ("wait", "submit"):
            true_or_false(f"hydra.launcher.{name}", getattr(self, name))
        if self.wait and not self.submit:
            raise UserError(
                "hydra.launcher.wait must be false with hydra.launcher.submit=false, which starts no "
                "job to wait for, got True"
            )
        one_of("hydra.launcher.prepare", self.prepare, PREPARE)
        for name, (form, meaning) in _AMOUNTS.items():
            _check_amounts(name, getattr(self, name), form, meaning)
        for option in map(str, self.sbatch):
            if not re.match(r"-\w|--\w", option):
                raise UserError(
                    f"hydra.launcher.sbatch must list options of sbatch, such as --qos=long, got {option!r}"
                )
            # A short option may have its value attached, as in -N4.
            name = re.split(r"[=\s]", option)[0] if option.startswith("--") else option[:2]
            if name in _DERIVED:
                raise UserError(
                    f"hydra.launcher.sbatch: {name} cannot be set here: the script derives it from "
                    "trainer.devices, trainer.num_nodes or the launcher's other options"
                )
        if "{gpus}" not in self.gpus:
            raise UserError(
                f"hydra.launcher.gpus={self.gpus}: write {{gpus}} where the number goes"
            )

    @property
    def by_data(self) -> bool:
        """Whether time or memory depends on the data set."""
        return isinstance(self.time, Mapping) or isinstance(self.memory, Mapping)

    def amount(self, name: str, data: str | None) -> str | int | None:
        """The time or the memory of a job on a data set.

        Args:
            name: ``time`` or ``memory``.
            data: The data set's name; None for a job on several, to which amounts by data set do not apply.

        Raises:
            UserError: Amounts are given by data set, but not for this one.
        """
        given: str | int | Mapping[str, str | int] | None = getattr(self, name)
        if not isinstance(given, Mapping):
            return given
        if data is None:
            return None
        if data not in given:
            raise UserError(
                f"hydra.launcher.{name} has {', '.join(map(str, given))} but not {data}, on which a job "
                f"of this sweep trains: add {data}:…"
            )
        return given[data]


def _check_amounts(name: str, given: object, form: re.Pattern[str], meaning: str) -> None:
    amounts = (
        {f".{data}": one for data, one in given.items()}
        if isinstance(given, Mapping)
        else {"": given}
    )
    for data, amount in amounts.items():
        if amount is not None and not form.fullmatch(str(amount)):
            raise UserError(f"hydra.launcher.{name}{data} must be {meaning}, got {amount!r}")


def options_from(given: Mapping[str, Any]) -> Options:
    """The options of a composed launcher.

    Args:
        given: Its keys and values.

    Raises:
        UserError: A key is unknown, or a value impossible.
    """
    known = [option.name for option in fields(Options)]
    for name, value in given.items():
        if name not in known and (line := sbatch_hint(f"hydra.launcher.{name}={value}")):
            raise UserError(line)
    return options_of(Options, given, "hydra.launcher", "hydra/launcher=slurm")


class Shape(NamedTuple):
    """The resources that a trainer needs from SLURM; an array has one shape."""

    nodes: int
    tasks_per_node: int
    gpus_per_node: int


class Array(NamedTuple):
    """Runs of one shape; a task's number is its line number in ``folders_file``.

    ``data`` is the data set that all of them train on, if time or memory is given by data set.
    """

    folders: Sequence[Path]
    shape: Shape
    base: Path  # the prefix of its files
    data: str = ""

    @property
    def script(self) -> Path:
        """The script that sbatch takes."""
        return self.base.with_suffix(".sbatch")

    @property
    def folders_file(self) -> Path:
        """The file with one run folder per line."""
        return self.base.with_suffix(".txt")

    @property
    def job_name(self) -> str:
        """A name that distinguishes the array from all others and is the same at every submission."""
        experiment = re.sub(r"[^\w.+-]", "-", self.base.parent.name)
        return f"{experiment}-{self.base.name.removeprefix('sweep-')}"


def shape_of(trainer: DictConfig) -> Shape:
    """The tasks, nodes and GPUs that a trainer needs.

    Args:
        trainer: A run's ``trainer`` node.

    Raises:
        UserError: It leaves something to the machine.
    """
    devices = number_of_devices(trainer)
    if trainer.accelerator not in (*_GPUS, "cpu"):
        raise UserError(
            f"trainer.accelerator={trainer.accelerator}: SLURM has to know whether to give GPUs; "
            "choose trainer=gpu, trainer=ddp or trainer.accelerator=cpu"
        )
    return Shape(trainer.num_nodes, devices, devices if trainer.accelerator in _GPUS else 0)


def arrays_of(
    folders: Sequence[Path], most: int | None = None, by_data: bool = False
) -> list[Array]:
    """The runs of a sweep, sorted into one array per shape, or several if arrays are limited in size.

    The name of an array is a function of its runs, including finished ones: the same sweep finds its
    files again, and no two sweeps share a file.

    Args:
        folders: The runs' folders.
        most: The largest number of runs in an array; None: no limit.
        by_data: Whether the runs on each data set get their own arrays.
    """
    paths = [folder.absolute() for folder in folders]
    home = Path(os.path.commonpath([path.parent for path in paths]))
    kinds: dict[tuple[Shape, str], list[Path]] = {}
    for path in dict.fromkeys(paths):
        config = read_config(path)
        data = str(config.dataset.name) if by_data else ""
        kinds.setdefault((shape_of(config.trainer), data), []).append(path)
    return [
        Array(part, shape, home / f"sweep-{_digest(part, shape)}", data)
        for (shape, data), runs in kinds.items()
        for part in _parts(runs, most or len(runs))
    ]


def script(array: Array, tasks: Sequence[int], options: Options) -> str:
    """The sbatch script of an array.

    Args:
        array: The runs.
        tasks: The numbers of the runs to start.
        options: The user's options of the jobs.
    """
    lines = [
        "#!/bin/bash",
        "# Written by wavspa-train. Each task of this array starts the run in its line of",
        f"# {array.folders_file.name}, or resumes it. By hand: sbatch {array.script.name}",
        *(f"#SBATCH {line}" for line in _directives(array, tasks, options)),
        "",
        *environment(options),
        "",
        f'FOLDER=$(sed -n "${{SLURM_ARRAY_TASK_ID}}p" {shlex.quote(str(array.folders_file))})',
        f'exec >>"$FOLDER/{layout.SLURM_LOG}" 2>&1',
        "# One rank that dies ends the others; one that is through does not (the first still tests).",
        # After sbatch --export=NONE, which some clusters set, srun would start tasks without the lines above.
        f"srun --export=ALL --kill-on-bad-exit=1 --wait=0 --cpus-per-task={options.cpus_per_task} "
        f'{PYTHON} -m wavspa.commands.run "$FOLDER"',
        "code=$?",
        f'[ $code = 0 ] || {PYTHON} -m wavspa.commands.retry "$FOLDER" $code {options.retries}'
        + _stopping(array, options),
        "exit $code",
    ]
    return "\n".join(lines) + "\n"


def _stopping(array: Array, options: Options) -> str:
    """The options of the retry command that let it end the array."""
    if options.stop_after is None:
        return ""
    return f" --stop-after {options.stop_after} --runs {shlex.quote(str(array.folders_file))}"


def _directives(array: Array, tasks: Sequence[int], options: Options) -> list[str]:
    shape, at_once = array.shape, f"%{options.at_once}" if options.at_once else ""
    lines = [
        f"--job-name={array.job_name}",
        f"--array={_ranges(tasks)}{at_once}",
        f"--nodes={shape.nodes}",
        f"--ntasks-per-node={shape.tasks_per_node}",
        f"--cpus-per-task={options.cpus_per_task}",
        *(
            [options.gpus.replace("{gpus}", str(shape.gpus_per_node))]
            if shape.gpus_per_node
            else []
        ),
        *amounts(options, array.data),
        "--requeue",
        # For SLURM's own messages; a run's output is in its folder.
        "--open-mode=append",
        log_option(array.base),
    ]
    if options.signal_seconds:
        lines.append(f"--signal=USR1@{options.signal_seconds}")
    return [*lines, *map(str, options.sbatch)]


def environment(options: Options) -> list[str]:
    """The lines of a script before the run."""
    variables = {**ENVIRONMENT, "OMP_NUM_THREADS": options.cpus_per_task}
    return [*(f"export {name}={value}" for name, value in variables.items()), *options.setup]


def amounts(options: Options, data: str | None) -> list[str]:
    """Options of sbatch: partition, account, and the time and memory of a job on one data set or several.

    Args:
        options: The user's options of the jobs.
        data: The data set's name; None for a job on several.
    """
    given: Mapping[str, Any] = {
        "partition": options.partition,
        "account": options.account,
        "time": options.amount("time", data),
        "mem": options.amount("memory", data),
    }
    return [f"--{name}={value}" for name, value in given.items() if value is not None]


def log_option(base: Path) -> str:
    """The option of sbatch that names the file for SLURM's own messages."""
    return f"--output={shlex.quote(str(base.with_suffix('.log')).replace('%', '%%'))}"


def _parts(runs: Sequence[Path], size: int) -> Iterator[Sequence[Path]]:
    for start in range(0, len(runs), size):
        yield runs[start : start + size]


def _digest(runs: Sequence[Path], shape: Shape) -> str:
    content = "\n".join(map(str, [*runs, *shape]))
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def _ranges(numbers: Sequence[int]) -> str:
    """``1-3,5`` for 1, 2, 3, 5."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][-1] == number - 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)
