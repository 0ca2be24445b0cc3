"""The repository in examples/own_parts under SLURM: its parts are in each job, and in what follows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from support.slurm_jobs import HERE
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status

pytestmark = pytest.mark.slow

TOYLAB = Path(__file__).parents[2] / "examples/own_parts"
CELLS = [(base, mode) for base in ("mean", "gated") for mode in ("shared", "ada")]


@pytest.fixture(scope="module")
def typed(cluster, tmp_path_factory):
    """A command of wavspa, typed where the repository is on PYTHONPATH, as its README tells."""
    place = tmp_path_factory.mktemp("toylab")

    def type_in(name, *words):
        done = subprocess.run(
            [sys.executable, "-m", f"wavspa.commands.{name}", *words],
            cwd=place,
            env={**os.environ, **cluster.environment, "PYTHONPATH": str(TOYLAB), "COLUMNS": "200"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return place, type_in


@pytest.fixture(scope="module")
def runs(typed):
    """The sweep of the README's line, submitted: its run folders, and what was printed."""
    place, type_in = typed
    printed = type_in(
        "train",
        *("-m", f"--config-dir={TOYLAB / 'conf'}", "experiment=toy"),
        *("plugins=[toylab.wavspa_parts]", "model/attention=mean,gated"),
        *("model/wavelet=shared,ada", "seed=1,2"),
        *("hydra/launcher=slurm", "hydra.launcher.wait=true"),
        # As a cluster that hands over no environment: the jobs are told where the repository is.
        f'hydra.launcher.setup=["{HERE}","export PYTHONPATH={TOYLAB}"]',
        'hydra.launcher.sbatch=["--export=NONE"]',
    )
    folders = [path.parent for path in (place / "runs/ones").glob(f"*/{layout.CONFIG}")]
    return sorted(folders), printed


def test_each_job_has_the_parts(runs):
    folders, printed = runs
    assert len(folders) == 8
    assert printed.count("submitted: job ") == 1
    for folder in folders:
        assert read_status(folder)["state"] == "finished", (folder / layout.SLURM_LOG).read_text()
        frozen = yaml.safe_load((folder / layout.CONFIG).read_text())["frozen"]["plugins"]
        assert frozen["toylab.wavspa_parts"]["path"] == str(TOYLAB / "toylab/wavspa_parts.py")
        (start,) = json.loads((folder / "run.json").read_text())["starts"]
        assert start["machine"]["job"]
    for base, mode in CELLS:
        assert sum(f"-{base}-{mode}-" in folder.name for folder in folders) == 2


def test_the_sweep_is_reported_and_exported(runs, typed):
    place, type_in = typed
    folders, printed = runs
    reported = type_in("report", "runs/ones")
    for base, mode in CELLS:
        row = ["ones", base, mode]
        for table in (printed, reported):
            assert [line for line in table.splitlines() if line.split()[:3] == row], table
    export = type_in("export", f"run={folders[0]}", "output=toy-model")
    assert export.startswith("toy-model: ")
    config = json.loads((place / "toy-model/config.json").read_text())
    assert list(config["plugins"]) == ["toylab.wavspa_parts"]
