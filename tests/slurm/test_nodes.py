"""Nodes that SLURM takes away or that fail; in their own module, since no other job may run there then."""

import pytest

from support.slurm_jobs import Job

pytestmark = pytest.mark.slow


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
        assert "resuming from step 5" in job.log
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
    assert job.log.count("resuming from step 5") == 1
    cluster.crash_nodes()
    cluster.start_nodes()
    job.ends_as(undisturbed)
    assert job.log.count("resuming from step 5") == 2
