"""Runs on a real SLURM: whatever happens to a job, its run ends where the undisturbed one ends."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from support.final_state import differences, final_state
from support.slurm_cluster import Cluster, NotStarted, unavailable
from support.tiny_runs import tiny_run, tiny_words
from support.waiting import until
from wavspa import conf
from wavspa.launching.slurm.script import arrays_of, options_from
from wavspa.launching.slurm.submit import submit
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(unavailable() is not None, reason=str(unavailable())),
]
TROUBLES = Path(__file__).parent / "troubles"
HERE = "export MASTER_ADDR=127.0.0.1"  # the names of the cluster's nodes lead nowhere
LONG = 240  # seconds, on a machine that does much else


@pytest.fixture(scope="module")
def cluster():
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(Cluster())
        except NotStarted as error:
            pytest.skip(f"SLURM does not start here: {error}")
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("SLURM_CONF", cluster.environment["SLURM_CONF"])
        yield cluster


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("slurm")


@pytest.fixture(scope="module")
def sweep(cluster, root):
    """Four runs that nothing disturbs: two cells, each on two processes and on one."""
    words = [*words_of(root, "undisturbed", 2)[:-1], "trainer.devices=2,1"]
    words += ["model/wavelet=none,ada", "hydra/launcher=slurm", "hydra.launcher.wait=true"]
    words += [f'hydra.launcher.setup=["{HERE}"]']
    return subprocess.run(
        [sys.executable, "-m", "wavspa.commands.train", "-m", *words],
        env=cluster.environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def undisturbed(sweep, root):
    """The state in which a run on so many processes ends."""
    return {n: final_state(tiny_run(root, *words_of(root, "undisturbed", n))) for n in (1, 2)}


def words_of(root, name, devices):
    words = [f"runs={root / name}", "trainer.strategy=ddp", f"trainer.devices={devices}"]
    return [*tiny_words(root)[:-2], f"data_root={root / 'data'}", *words]


class Job:
    """A run in a job of its own, whose starts meet with troubles."""

    def __init__(self, root, name, devices, troubles, *words, **options):
        self.name, self.devices = name, devices
        self.folder = tiny_run(root, *words_of(root, name, devices), *words)
        (self.array,) = arrays_of([self.folder])
        self.submit(troubles, **options)

    def submit(self, troubles="", **changes):
        defaults = yaml.safe_load(
            (Path(conf.__file__).parent / "hydra/launcher/slurm.yaml").read_text()
        )
        del defaults["_target_"]
        setup = [HERE, f"export PYTHONPATH={TROUBLES} TROUBLES='{troubles}'"]
        self.id = submit(self.array, options_from({**defaults, "setup": setup, **changes}))

    @property
    def task(self):
        return f"{self.id}_1"

    @property
    def log(self):
        return (self.folder / layout.SLURM_LOG).read_text()

    def until_it_waits(self):
        marks = [self.folder / f"waits-{rank}" for rank in range(self.devices)]
        until(lambda: all(mark.exists() for mark in marks), f"{self.name} waits", LONG)
        for mark in marks:
            mark.unlink()

    def until_state(self, state):
        what = f"{self.name} is {state}"
        until(lambda: read_status(self.folder).get("state") == state, what, LONG)

    def ends_as(self, undisturbed):
        self.until_state("finished")
        assert differences(undisturbed[self.devices], final_state(self.folder)) == []


@pytest.fixture(scope="module")
def jobs(cluster, root):
    """Jobs that need no more than their own trouble; they run at the same time."""
    return {
        "limit": Job(root, "limit", 2, "wait", time=60, signal_seconds=120),
        "dying": Job(root, "dying", 2, "raise kill"),
        "hopeless": Job(root, "hopeless", 1, "raise raise", retries=1),
        "mistake": Job(root, "mistake", 1, "", "dataset.vocab_size=5"),
        "requeued": Job(root, "requeued", 2, "wait"),
        "cancelled": Job(root, "cancelled", 1, "wait"),
        "nodes": Job(root, "nodes", 1, "", "trainer.num_nodes=2"),
    }


def facts_of(cluster, job):
    return dict(
        word.split("=", 1)
        for word in cluster.ask("scontrol", "show", "job", job).split()
        if "=" in word
    )


def set_time_limit(cluster, job, minutes):
    cluster.ask("scontrol", "update", f"JobId={job.task}", f"TimeLimit={minutes}")


def test_a_job_that_is_requeued_by_hand_goes_on(cluster, jobs, undisturbed):
    job = jobs["requeued"]
    job.until_it_waits()
    cluster.ask("scontrol", "requeue", job.task)
    job.until_state("interrupted")
    job.ends_as(undisturbed)
    assert "going on from step 5" in job.log


def test_a_cancelled_job_is_interrupted_and_the_same_command_goes_on(cluster, jobs, undisturbed):
    job = jobs["cancelled"]
    job.until_it_waits()
    cluster.ask("scancel", job.task)
    job.until_state("interrupted")
    assert read_status(job.folder)["reason"].startswith("SIGTERM at step 5: saved")
    until(lambda: facts_of(cluster, job.task)["JobState"] == "CANCELLED", "it is gone")
    assert "requeued" not in job.log
    job.submit()
    job.ends_as(undisturbed)


def test_the_time_limit_saves_and_requeues(cluster, jobs, undisturbed):
    job = jobs["limit"]
    job.until_it_waits()
    # Between one and two minutes are left, which is less than signal_seconds.
    _, minutes, _ = facts_of(cluster, job.task)["RunTime"].split(":")
    set_time_limit(cluster, job, int(minutes) + 2)
    until(lambda: facts_of(cluster, job.task)["JobState"] == "PENDING", "it is requeued", LONG)
    set_time_limit(cluster, job, 60)
    job.ends_as(undisturbed)
    assert f"requeued: job {job.task} goes on in the same folder" in job.log
    assert "SIGUSR1 at step 5: saved" in job.log
    assert "going on from step 5" in job.log
    assert not (job.folder / layout.DEATHS).exists()


def test_a_job_that_dies_is_tried_again(cluster, jobs, undisturbed):
    job = jobs["dying"]
    job.ends_as(undisturbed)
    deaths = (job.folder / layout.DEATHS).read_text().splitlines()
    assert [line.split()[0] for line in deaths] == [job.task, job.task]
    assert "it rains" in job.log
    assert "retry 2 of 2; requeued" in job.log


def test_a_job_that_dies_too_often_has_failed(cluster, jobs):
    job = jobs["hopeless"]
    until(lambda: facts_of(cluster, job.task)["JobState"] == "FAILED", "it fails", LONG)
    facts = facts_of(cluster, job.task)
    assert (facts["Restarts"], facts["ExitCode"]) == ("1", "1:0")
    assert read_status(job.folder)["reason"] == "RuntimeError: it rains"
    assert "not tried again" in job.log


def test_a_mistake_is_final(cluster, jobs):
    job = jobs["mistake"]
    until(lambda: facts_of(cluster, job.task)["JobState"] == "FAILED", "it fails", LONG)
    facts = facts_of(cluster, job.task)
    assert (facts["Restarts"], facts["ExitCode"]) == ("0", "2:0")
    assert "vocab_size must be at least" in read_status(job.folder)["reason"]


def test_a_sweep_over_shapes_is_an_array_each(cluster, sweep, root):
    assert sweep.returncode == 0, sweep.stdout + sweep.stderr
    assert sweep.stdout.count("2 runs: 2 to start") == 2
    assert sweep.stdout.count("submitted: job ") == 2
    table = sweep.stdout.split("test metrics")[1]
    assert table.count(" digits ") == 4
    assert len(list((root / "undisturbed").rglob("*.sbatch"))) == 2


def test_two_nodes_train_as_two_processes_of_one(jobs, undisturbed):
    job = jobs["nodes"]
    job.until_state("finished")
    assert differences(undisturbed[2], final_state(job.folder)) == []


@pytest.mark.parametrize("name", ["array", "multi_node"])
def test_slurm_takes_the_recipes(cluster, name):
    recipe = Path(__file__).parents[2] / f"scripts/slurm/{name}.sbatch"
    command = ["sbatch", "--test-only", "--cpus-per-task=1", "--array=1-2", recipe, "folders.txt"]
    asked = subprocess.run(command, env=cluster.environment, capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr
    assert ("on nodes one,two" in asked.stderr) == (name == "multi_node")


def test_pre_empted_jobs_go_on_with_and_without_a_grace_period(cluster, root, undisturbed):
    at_once = Job(root, "at once", 1, "wait")
    patient = Job(root, "patient", 1, "wait", partition="patient")
    for job in (at_once, patient):
        job.until_it_waits()
    urgent = ("--partition=urgent", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap=true")
    cluster.ask("sbatch", *urgent)
    for job in (at_once, patient):
        job.ends_as(undisturbed)
        assert "SIGTERM at step 5: saved" in job.log
        assert "going on from step 5" in job.log
    # SLURM requeues the one itself; to the other it gives time to leave, and would let it go.
    assert "requeued: job" not in at_once.log
    assert f"requeued: job {patient.task}" in patient.log


def test_a_killed_slurmd_and_a_failed_node(cluster, root, undisturbed):
    job = Job(root, "node", 2, "wait wait")
    job.until_it_waits()
    cluster.stop_slurmds()
    cluster.start_nodes()
    cluster.ask("scancel", "--signal=USR1", job.task)
    job.until_it_waits()
    assert f"requeued: job {job.task}" in job.log
    assert job.log.count("going on from step 5") == 1
    cluster.crash_nodes()
    cluster.start_nodes()
    job.ends_as(undisturbed)
    assert job.log.count("going on from step 5") == 2
