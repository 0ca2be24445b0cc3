"""A SLURM that is not there, and a sweep on two data sets."""

import pytest

from support.slurm_stand_in import SlurmStandIn
from support.tiny_runs import tiny_run
from wavspa.launching.slurm import submit


@pytest.fixture
def slurm(monkeypatch):
    """Stands in for SLURM."""
    stand_in = SlurmStandIn()
    monkeypatch.setattr(submit, "_ask", stand_in)
    return stand_in


@pytest.fixture
def folders(tmp_path):
    """Two runs on digits, one on short ListOps."""
    digits = [tiny_run(tmp_path, f"seed={seed}") for seed in (1, 2)]
    small = ["dataset.max_length=24", "dataset.train_examples=30", "dataset.batch_size=8"]
    small += ["dataset.val_examples=10", "dataset.test_examples=10", "dataset.limit=null"]
    return [*digits, tiny_run(tmp_path, "dataset=listops_short", *small)]
