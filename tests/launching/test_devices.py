"""Several processes train what one trains; each is a `wavspa-run` of its own."""

import os
import subprocess
import sys

import pytest

from support.final_state import differences, final_state, rows
from support.ports import free_ports
from support.tiny_runs import tiny_run, tiny_words
from support.waiting import LIMIT
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status

pytestmark = pytest.mark.slow

DDP = ["trainer.devices=2", "trainer.strategy=ddp"]
STEPS = ["trainer.max_steps=8", "trainer.val_every=4", "model.dropout=0"]


def start(command, *words, **variables):
    """Run a command of ours in a process of its own, one thread in each rank."""
    return subprocess.run(
        [sys.executable, "-m", f"wavspa.commands.{command}", *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **variables},
        timeout=LIMIT,
    )


def assert_same_curves(one, other):
    assert [row.keys() for row in one] == [row.keys() for row in other]
    for ours, theirs in zip(one, other, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-5)


WEIGHTED = ["task.class_weights=[1,2,3,4,5,6,7,8,9,10]", "task.label_smoothing=0.1"]


@pytest.mark.parametrize(
    "more",
    [
        [],
        ["trainer.accumulate_grad_batches=2", "dataset.limit=48"],
        ["trainer.accumulate_grad_batches=2", "dataset.limit=48", *WEIGHTED],
    ],
    ids=["", "accumulated", "weighted"],
)
def test_two_processes_train_as_one(tmp_path, more):
    """The same global batch; 49 and 360 examples, which two do not divide, each count once."""
    words = [*STEPS, "dataset.limit=49", "dataset.batch_size=8", *more]
    alone = tiny_run(tmp_path / "one", *words)
    together = tiny_run(tmp_path / "two", *words, *DDP)
    for folder in (alone, together):
        done = start("run", folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("finished: ") == 1
    assert_same_curves(rows(alone), rows(together))


def test_torchrun_on_two_nodes(tmp_path):
    """A rank on each of two nodes: as two processes that Lightning starts itself."""
    words = [*STEPS, "trainer.strategy=ddp"]
    ours = tiny_run(tmp_path / "ours", *words, "trainer.devices=2")
    assert start("run", ours).returncode == 0
    words = tiny_words(tmp_path, *words, "trainer.num_nodes=2", "trainer.devices=1")
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", f"--master-port={port}"]
    started = [
        subprocess.Popen(
            [*command, f"--node-rank={node}", "-m", "wavspa.commands.train", *words],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        for node in range(2)
    ]
    assert [process.wait(timeout=LIMIT) for process in started] == [0, 0]
    (config,) = (tmp_path / "runs").rglob(layout.CONFIG)
    assert differences(final_state(ours), final_state(config.parent)) == []


def test_a_sweep_over_devices(tmp_path):
    """`-m trainer.devices=2,1`: no job inherits a rank, and all ranks train the same configuration."""
    words = tiny_words(tmp_path, *STEPS, "trainer.strategy=ddp", "trainer.devices=2,1", "seed=1,2")
    swept = start("train", "-m", *words)
    assert swept.returncode == 0, swept.stderr
    folders = sorted((tmp_path / "runs").rglob(layout.CONFIG))
    assert len(folders) == 4
    assert {read_status(path.parent)["state"] for path in folders} == {"finished"}
    for seed in (1, 2):
        one, other = (p.parent for p in folders if f"-s{seed}-" in p.parent.name)
        assert_same_curves(rows(one), rows(other))


FAILS_ON_RANK_1 = """
import os
from wavspa.tasks import Classification
from wavspa.commands.run import main

step = Classification.training_step

def training_step(self, batch, batch_idx):
    if self.global_rank == 1 and self.global_step == 5:
        raise RuntimeError("it rains on rank 1")
    return step(self, batch, batch_idx)

Classification.training_step = training_step
main()
"""


GIVEN_UP = """
import sys
from pathlib import Path
from wavspa.tasks import Classification
from wavspa.commands.run import main

step = Classification.training_step

def training_step(self, batch, batch_idx):
    if self.global_rank == 1 and self.global_step == 5:
        Path(sys.argv[1], "prune").touch()
    return step(self, batch, batch_idx)

Classification.training_step = training_step
main()
"""


def test_all_ranks_of_a_run_that_a_search_gives_up_end_well(tmp_path):
    folder = tiny_run(tmp_path, *STEPS, *DDP, "trainer.max_steps=12")
    script = tmp_path / "given_up.py"
    script.write_text(GIVEN_UP)
    done = subprocess.run(
        [sys.executable, script, folder], capture_output=True, text=True, timeout=LIMIT
    )
    status = read_status(folder)
    assert (done.returncode, status["state"], status["step"] < 12) == (0, "pruned", True)


def test_a_failure_on_any_rank_is_the_job_s(tmp_path):
    undisturbed = tiny_run(tmp_path / "one", *STEPS, *DDP)
    assert start("run", undisturbed).returncode == 0
    folder = tiny_run(tmp_path / "other", *STEPS, *DDP)
    script = tmp_path / "fails.py"
    script.write_text(FAILS_ON_RANK_1)
    failed = subprocess.run(
        [sys.executable, script, folder], capture_output=True, text=True, timeout=LIMIT
    )
    assert failed.returncode != 0
    assert "it rains on rank 1" in failed.stderr
    assert read_status(folder)["state"] == "failed"
    assert start("run", folder).returncode == 0
    assert differences(final_state(undisturbed), final_state(folder)) == []
