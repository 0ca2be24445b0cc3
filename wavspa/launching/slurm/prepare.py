"""Preparing a sweep's data once, before its jobs start: here, or in a job that they wait for."""

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from wavspa import atomic
from wavspa.errors import UserError
from wavspa.launching.run.freeze import read_config
from wavspa.launching.slurm.script import (
    PYTHON,
    Array,
    Options,
    amounts,
    environment,
    log_option,
)
from wavspa.launching.slurm.submit import print_script, queued_jobs, sbatch, waiting_tasks


def prepare_before(arrays: Sequence[Array], options: Options) -> str | None:
    """Have the data of a sweep's runs prepared before they start.

    Args:
        arrays: The sweep's arrays.
        options: The user's options of the jobs.

    Returns:
        The job that the runs have to wait for; None if there is none. With ``submit=False`` nothing is
        prepared: the command that does so is printed, and the job is a shell variable.

    Raises:
        UserError: The data cannot be prepared here, or SLURM refuses the job.
    """
    if options.prepare == "no":
        return None
    runs = [array.folders[task - 1] for array in arrays for task in waiting_tasks(array, options)]
    if not options.submit:
        return _by_hand(arrays[0].base.parent, _unprepared(runs), options)
    if options.prepare == "here":
        # Imported here and below: a command that submits nothing need not wait for torch.
        from wavspa.launching.run.datasets import prepare_each

        for data in prepare_each(map(read_config, runs)):
            print(f"prepared: {data.folder}", flush=True)
        return None
    unprepared = _unprepared(runs)
    return _job(arrays[0].base.parent, unprepared, options) if unprepared else None


def preparing_script(base: Path, runs: Mapping[str, Path], options: Options) -> str:
    """The sbatch script of a job that prepares data sets.

    Args:
        base: The prefix of the job's files.
        runs: For each data set, by its folder, one run that trains on it.
        options: The user's options of the jobs.
    """
    directives = [
        f"--job-name={base.name}",
        "--nodes=1",
        "--ntasks=1",
        f"--cpus-per-task={options.cpus_per_task}",
        *amounts(options, None),
        "--open-mode=append",
        log_option(base),
        *map(str, options.sbatch),
    ]
    folders = [shlex.quote(str(run)) for run in runs.values()]
    lines = [
        "#!/bin/bash",
        "# Written by wavspa-train: prepares what the runs of a sweep train on, before they start.",
        *(f"#SBATCH {line}" for line in directives),
        "",
        *environment(options),
        "",
        f"exec {PYTHON} -m wavspa.commands.prepare {' '.join(folders)}",
    ]
    return "\n".join(lines) + "\n"


def _unprepared(runs: Sequence[Path]) -> dict[str, Path]:
    """One run for each missing data set, by the folder that will hold the data."""
    from wavspa.launching.run.build import build

    found: dict[str, Path] = {}
    for run in runs:
        try:
            folder = build(read_config(run), "dataset").folder
        except UserError:  # the files that the folder is named after are on the nodes
            found.setdefault(str(run), run)
            continue
        if not folder.is_dir():
            found.setdefault(str(folder), run)
    return found


def _job(home: Path, runs: Mapping[str, Path], options: Options) -> str:
    """Submit the job unless it is already queued; return its id."""
    base = _base(home, runs)
    if queued := queued_jobs(base.name):
        return queued[0]
    path = _write(base, runs, options)
    job = sbatch(path)
    print(f"submitted: job {job} prepares the data ({len(runs)})  {path}", flush=True)
    return job


def _by_hand(home: Path, runs: Mapping[str, Path], options: Options) -> str | None:
    """Print how to prepare the data by hand; return the job as the array's command refers to it."""
    if not runs:
        return None
    if options.prepare == "here":
        folders = " ".join(shlex.quote(str(run)) for run in runs.values())
        print(f"to prepare the data first: wavspa-prepare {folders}", flush=True)
        return None
    path = _write(_base(home, runs), runs, options)
    print_script(path, f"JOB=$(sbatch --parsable {shlex.quote(str(path))})")
    return "$JOB"


def _base(home: Path, runs: Mapping[str, Path]) -> Path:
    digest = hashlib.sha256("\n".join(sorted(runs)).encode()).hexdigest()[:8]
    return home / f"prepare-{digest}"


def _write(base: Path, runs: Mapping[str, Path], options: Options) -> Path:
    path = base.with_suffix(".sbatch")
    atomic.write_text(path, preparing_script(base, runs, options))
    return path
