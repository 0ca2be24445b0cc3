"""Runs on a real SLURM: whatever happens to a job, its run ends where the undisturbed one ends."""

import subprocess
from pathlib import Path

import pytest

from support.final_state import differences, final_state
from support.slurm_jobs import HERE, Job, words_of
from support.slurm_stand_in import launcher
from support.tiny_runs import tiny_run
from wavspa.errors import RunFailed
from wavspa.launching.slurm.queue import waiting_runs
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status

pytestmark = pytest.mark.slow


def mistake(root):
    """A vocabulary too small for data that are not prepared yet: only the job itself finds that out."""
    return ["dataset.vocab_size=5", f"data_root={root / 'unprepared'}"]


@pytest.fixture(scope="module")
def jobs(cluster, root):
    """Jobs that need no more than their own trouble; they run at the same time."""
    return {
        "limit": Job(root, "limit", 2, "wait", time=60, signal_seconds=120),
        "dying": Job(root, "dying", 2, "raise kill"),
        "hopeless": Job(root, "hopeless", 1, "raise raise", retries=1),
        "mistake": Job(root, "mistake", 1, "", *mistake(root)),
        "requeued": Job(root, "requeued", 2, "wait"),
        "cancelled": Job(root, "cancelled", 1, "wait"),
        "nodes": Job(root, "nodes", 1, "", "trainer.num_nodes=2"),
    }


def set_time_limit(cluster, job, minutes):
    cluster.ask("scontrol", "update", f"JobId={job.task}", f"TimeLimit={minutes}")


def test_a_job_that_is_requeued_by_hand_goes_on(cluster, jobs, undisturbed):
    job = jobs["requeued"]
    job.until_it_waits()
    cluster.ask("scontrol", "requeue", job.task)
    job.until_state("interrupted")
    job.ends_as(undisturbed)
    assert "resuming from step 5" in job.log


def test_a_cancelled_job_is_interrupted_and_the_same_command_goes_on(cluster, jobs, undisturbed):
    job = jobs["cancelled"]
    job.until_it_waits()
    cluster.ask("scancel", job.task)
    job.until_state("interrupted")
    assert read_status(job.folder)["reason"].startswith("SIGTERM at step 5: saved")
    job.until_slurm_says(cluster, "CANCELLED")
    assert "requeued" not in job.log
    job.submit()
    job.ends_as(undisturbed)


def test_the_time_limit_saves_and_requeues(cluster, jobs, undisturbed):
    job = jobs["limit"]
    job.until_it_waits()
    # Between one and two minutes are left, which is less than signal_seconds.
    _, minutes, _ = job.facts(cluster)["RunTime"].split(":")
    set_time_limit(cluster, job, int(minutes) + 2)
    job.until_slurm_says(cluster, "PENDING")
    set_time_limit(cluster, job, 60)
    job.ends_as(undisturbed)
    assert f"requeued: job {job.task} resumes in the same folder" in job.log
    assert "SIGUSR1 at step 5: saved" in job.log
    assert "resuming from step 5" in job.log
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
    job.until_slurm_says(cluster, "FAILED")
    facts = job.facts(cluster)
    assert (facts["Restarts"], facts["ExitCode"]) == ("1", "1:0")
    assert read_status(job.folder)["reason"] == "RuntimeError: it rains"
    assert "not tried again" in job.log


def test_a_mistake_is_final(cluster, jobs):
    job = jobs["mistake"]
    job.until_slurm_says(cluster, "FAILED")
    facts = job.facts(cluster)
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


def test_what_a_pending_job_waits_for_is_told(cluster, root):
    job = Job(root, "held", 1, "", sbatch=["--hold"])
    assert waiting_runs([job.folder]) == {job.folder: f"job {job.task}: JobHeldUser"}
    cluster.ask("scancel", job.id)


def test_an_array_whose_first_runs_fail_alike_is_ended(cluster, root):
    words = [*words_of(root, "alike", 1), *mistake(root / "alike")]
    folders = [tiny_run(root, *words, f"seed={seed}") for seed in range(1, 5)]
    launch = launcher(at_once=1, stop_after=2, wait=True, prepare="no", setup=[HERE])
    with pytest.raises(RunFailed, match=r"stop_after=2\): dataset.vocab_size must be at least"):
        launch.start(folders)
    assert [read_status(folder).get("state") for folder in folders] == ["failed"] * 2 + [None] * 2
    assert (
        "the first jobs failed for the same reason" in (folders[1] / layout.SLURM_LOG).read_text()
    )


@pytest.mark.parametrize("name", ["array", "multi_node"])
def test_slurm_takes_the_recipes(cluster, name):
    recipe = Path(__file__).parents[2] / f"scripts/slurm/{name}.sbatch"
    command = ["sbatch", "--test-only", "--cpus-per-task=1", "--array=1-2", recipe, "folders.txt"]
    asked = subprocess.run(command, env=cluster.environment, capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr
    assert ("on nodes one,two" in asked.stderr) == (name == "multi_node")
