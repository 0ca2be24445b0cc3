"""The rank of the only process of a run: its first, unless torchrun or SLURM started several."""

import os
import subprocess
import sys

import pytest
from omegaconf import OmegaConf
from pytorch_lightning.utilities import rank_zero_only

from support.tiny_runs import tiny_words
from support.waiting import LIMIT
from wavspa.errors import UserError
from wavspa.launching.run.cluster import settle_rank

LEFT = [{"LOCAL_RANK": "1"}, {"RANK": "1", "WORLD_SIZE": "2"}, {"SLURM_PROCID": "1"}]


def trainer(**changes):
    return OmegaConf.create({"devices": 1, "num_nodes": 1, **changes})


@pytest.fixture
def environment(monkeypatch):
    """Sets variables as Lightning found them when this process started."""

    def arrange(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(rank_zero_only, "rank", 1)

    return arrange


@pytest.mark.parametrize("left", LEFT, ids=str)
def test_a_single_process_forgets_the_rank_of_another_launch(environment, left):
    environment(**left)
    settle_rank(trainer())
    assert rank_zero_only.rank == 0
    assert not left.keys() & os.environ.keys()


@pytest.mark.parametrize(
    "changes", [{"devices": 2}, {"devices": "auto"}, {"num_nodes": 2}], ids=str
)
def test_one_of_several_processes_keeps_its_rank(environment, changes):
    environment(LOCAL_RANK="1")
    settle_rank(trainer(**changes))
    assert rank_zero_only.rank == 1
    assert os.environ["LOCAL_RANK"] == "1"


@pytest.mark.parametrize(
    ("variables", "started"),
    [
        ({"TORCHELASTIC_RUN_ID": "1", "WORLD_SIZE": "2"}, "torchrun started 2"),
        (
            {"SLURM_JOB_ID": "1", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2"},
            "srun started 2 tasks",
        ),
    ],
)
def test_several_processes_for_a_run_of_one_are_refused(environment, variables, started):
    environment(**variables)
    with pytest.raises(
        UserError, match=rf"^trainer.devices=1 trainer.num_nodes=1 needs .*{started}"
    ):
        settle_rank(trainer())


@pytest.mark.slow
@pytest.mark.parametrize("left", LEFT, ids=str)
def test_a_run_trains_as_without_the_variables(tmp_path, left):
    words = tiny_words(tmp_path, "trainer.max_steps=3")
    for outcome in ("starting: ", "finished: "):
        done = subprocess.run(
            [sys.executable, "-m", "wavspa.commands.train", *words],
            capture_output=True,
            text=True,
            env={**os.environ, **left},
            timeout=LIMIT,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(outcome)
