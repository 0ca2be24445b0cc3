"""A job that prepares the data, which the array of a sweep waits for, on a real SLURM."""

import subprocess
import sys

import pytest

from support.slurm_jobs import HERE, LONG
from support.tiny_runs import tiny_words
from support.waiting import until
from wavspa.run_folder.status import read_status

pytestmark = pytest.mark.slow


def launch(cluster, folder, *words):
    places = [*tiny_words(folder)[:-2], f"runs={folder / 'runs'}", f"data_root={folder / 'data'}"]
    slurm = [
        "hydra/launcher=slurm",
        "hydra.launcher.prepare=job",
        f'hydra.launcher.setup=["{HERE}"]',
    ]
    done = subprocess.run(
        [sys.executable, "-m", "wavspa.commands.train", "-m", *places, *slurm, *words],
        env=cluster.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_array_starts_when_the_data_are_there(cluster, root):
    folder = root / "prepared-by-a-job"
    printed = launch(cluster, folder, "seed=1,2")
    assert "prepares the data (1)" in printed
    assert printed.count("submitted: job ") == 2
    runs = [path for path in (folder / "runs").glob("*/*") if path.is_dir()]
    assert len(runs) == 2
    until(
        lambda: all(read_status(run).get("state") == "finished" for run in runs),
        "both finish",
        LONG,
    )
    (log,) = (folder / "runs").glob("*/prepare-*.log")
    assert log.read_text().count("prepared: ") == 1


def test_an_array_whose_data_cannot_be_prepared_is_cancelled(cluster, root):
    folder = root / "not-prepared"
    printed = launch(
        cluster, folder, "dataset=lra/pathfinder32", "dataset.limit=null", "dataset.download=false"
    )
    array = printed.split("submitted: job ")[2].split()[0]

    def cancelled():
        return "JobState=CANCELLED" in cluster.ask("scontrol", "show", "job", array)

    until(cancelled, "the array is cancelled", LONG)
    (log,) = (folder / "runs").glob("*/prepare-*.log")
    assert "error: " in log.read_text()
