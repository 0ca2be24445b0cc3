"""Sweeps under the launchers of other projects: each job is a fresh `wavspa-run` all the same."""

import os
import subprocess
import sys

import pytest
from omegaconf import OmegaConf

from support.tiny_runs import tiny_words
from wavspa.commands import train
from wavspa.errors import UserError
from wavspa.launching.sweeps.third_party import ForeignLauncher
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status

pytestmark = pytest.mark.slow

TRAINER = {"devices": 1, "num_nodes": 1, "accelerator": "cpu"}


def check(name, options=(), jobs=1, **trainer):
    launcher = ForeignLauncher(None, name)
    launcher.config = OmegaConf.create({"hydra": {"launcher": dict(options)}})
    launcher.check(OmegaConf.create({"jobs": jobs, "trainer": {**TRAINER, **trainer}}))


@pytest.mark.parametrize(
    ("name", "options", "job", "message"),
    [
        ("joblib", {}, {"jobs": 2}, r"jobs=2 .*hydra\.launcher\.n_jobs=2"),
        ("submitit_local", {}, {"jobs": 2}, r"jobs=2 only applies to hydra/launcher=local$"),
        ("joblib", {}, {"num_nodes": 2}, "use hydra/launcher=slurm"),
        ("submitit_slurm", {"tasks_per_node": 2}, {"devices": 2}, "must be 1, got 2"),
        ("submitit_slurm", {"nodes": 2}, {}, "must be 1, got 2"),
        ("joblib", {}, {"accelerator": "gpu"}, "jobs=N, which divides them"),
        (
            "submitit_slurm",
            {"gpus_per_node": 1},
            {"accelerator": "gpu", "devices": 2},
            "gpus_per_node must be 2",
        ),
    ],
)
def test_what_would_go_wrong_is_refused(name, options, job, message):
    with pytest.raises(UserError, match=message):
        check(name, options, **job)


def test_what_goes_right_is_not():
    check("submitit_slurm", {"gpus_per_node": 2}, accelerator="gpu", devices=2)
    check("joblib", {"n_jobs": 4}, devices=2)


def sweep(tmp_path, *words):
    """Run a sweep of tiny jobs from a process that looks like a rank of another."""
    command = ["wavspa.commands.train", "-m", *tiny_words(tmp_path, "trainer.max_steps=3"), *words]
    ranks = {"LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_PORT": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        env={**os.environ, **ranks},
        cwd=tmp_path,
    )


def states(tmp_path):
    folders = [path.parent for path in tmp_path.rglob(layout.CONFIG)]
    return sorted(str(read_status(folder).get("state")) for folder in folders)


def test_a_failed_job_is_named_and_the_others_train_on_two_processes(tmp_path):
    # The first vocabulary is too small for the data, which only the job itself can know.
    words = ["dataset.vocab_size=5,18", "trainer.devices=2", "trainer.strategy=ddp"]
    done = sweep(tmp_path, "hydra/launcher=joblib", *words)
    assert (done.returncode, states(tmp_path)) == (1, ["failed", "finished"]), done.stderr
    assert "1 of 2 jobs did not finish" in done.stderr.splitlines()[-1]
    assert "vocab_size must be at least" in done.stdout
    # Nothing but runs, in the place that was asked for.
    kept = {path.name for path in (tmp_path / "runs/digits").iterdir()}
    assert kept == {path.parent.name for path in tmp_path.rglob(layout.CONFIG)}
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "data"}


def test_a_search(tmp_path):
    words = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=1", "optimizer.lr=interval(0,0.1)"]
    done = sweep(tmp_path, "hydra/launcher=submitit_local", *words)
    assert (done.returncode, states(tmp_path)) == (0, ["finished"]), done.stderr
    assert "1 trials: 1 finished" in done.stdout


def test_a_mistake_ends_it_before_anything_starts(tmp_path, monkeypatch, capfd):
    words = tiny_words(tmp_path, "model.taps=4,5", "hydra/launcher=joblib")
    monkeypatch.setattr("sys.argv", ["wavspa-train", "-m", *words])
    with pytest.raises(SystemExit):
        train.main()
    assert capfd.readouterr().err.startswith("error: model.taps ")
    assert not (tmp_path / "runs").exists()
