"""Sweeps on a Ray cluster: two nodes on this machine, of which one is lost.

Ray is not among the packages for development. By hand: `.venv/bin/pip install 'ray>=2.40'` and
`.venv/bin/pytest tests/launching/sweeps/test_ray.py`, some minutes.
"""

import contextlib
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from support.final_state import differences, final_state
from support.tiny_runs import tiny_run, tiny_words
from support.waiting import until
from wavspa.errors import UserError
from wavspa.launching.plugins import ray as plugin
from wavspa.launching.plugins.ray import RayLauncher
from wavspa.launching.run.worker import run
from wavspa.launching.sweeps.ray_tasks import shape_of
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status

NEEDS_RAY = pytest.mark.skipif(find_spec("ray") is None, reason="needs pip install 'wavspa[ray]'")
TRAINER = {"devices": 2, "num_nodes": 1, "accelerator": "gpu"}
SEEDS = range(1, 9)


@pytest.mark.parametrize(
    "changes", [{"devices": "auto"}, {"devices": [0, 1]}, {"accelerator": "auto"}, {"num_nodes": 2}]
)
def test_what_the_machine_would_decide_is_refused(changes):
    (name,) = changes
    with pytest.raises(UserError, match=rf"^trainer\.{name} must be .* hydra/launcher=ray, got"):
        shape_of(OmegaConf.create({**TRAINER, **changes}))


def test_cpus_and_gpus_come_from_the_trainer():
    assert shape_of(OmegaConf.create(TRAINER)) == (2, 2)
    assert shape_of(OmegaConf.create({**TRAINER, "accelerator": "cpu"})) == (2, 0)


@pytest.mark.parametrize("name", ["cpus_per_task", "retries"])
def test_impossible_options_are_named(name):
    with pytest.raises(UserError, match=rf"^hydra\.launcher\.{name} must be a whole number"):
        RayLauncher(**{name: -1})


def test_without_ray_it_is_named_what_to_install(monkeypatch):
    monkeypatch.setattr(plugin, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"pip install 'wavspa\[ray\]'$"):
        RayLauncher().check(OmegaConf.create({"jobs": 1, "trainer": TRAINER}))


@contextlib.contextmanager
def two_nodes():
    """A cluster of two nodes of one CPU each; the second one can be lost."""
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={**small, "include_dashboard": False})
    try:
        second = cluster.add_node(**small)
        cluster.wait_for_nodes()
        yield cluster, second
    finally:
        cluster.shutdown()


def lose(node):
    """Kill a node and all that it started, as a machine does that loses its power."""
    (raylet,) = node.all_processes["raylet"]
    mark = f"RAY_RAYLET_PID={raylet.process.pid}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)
    raylet.process.kill()


@pytest.fixture
def one_thread():
    """As many as each job has."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@NEEDS_RAY
@pytest.mark.usefixtures("one_thread")
def test_runs_of_a_lost_node_end_elsewhere_bit_identical(tmp_path):
    words = ["trainer.max_steps=100", "trainer.val_every=10", "checkpoints.every_minutes=0.01"]
    folders = [tiny_run(tmp_path, *words, f"seed={seed}") for seed in SEEDS]
    seeds = f"seed={','.join(map(str, SEEDS))}"
    log = tmp_path / "log"
    with two_nodes() as (cluster, second), log.open("w") as file:
        options = ["hydra/launcher=ray", f"hydra.launcher.address={cluster.address}", seeds]
        command = ["wavspa.commands.train", "-m", *tiny_words(tmp_path, *words), *options]
        sweep = subprocess.Popen(
            [sys.executable, "-m", *command], stdout=file, stderr=subprocess.STDOUT
        )

        def both_can_resume():
            running = [
                folder for folder in folders if read_status(folder).get("state") == "running"
            ]
            kept = [(folder / layout.CHECKPOINTS / layout.LAST).exists() for folder in running]
            return sum(kept) == 2 or sweep.poll() is not None

        until(both_can_resume, "each node trains a run that has a checkpoint")
        lose(second)
        code = sweep.wait()
    printed = log.read_text()
    assert code == 0, printed
    assert "resuming from step" in printed
    for seed, folder in zip(SEEDS, folders, strict=True):
        undisturbed = tiny_run(tmp_path / "undisturbed", *words, f"seed={seed}")
        run(undisturbed)
        assert differences(final_state(undisturbed), final_state(folder)) == []
