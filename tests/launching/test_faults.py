"""What the machine may do to a run, and what follows; docs/reference/failure_modes.md is the table."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.final_state import differences, final_state
from support.tiny_runs import tiny_run
from support.waiting import until
from wavspa.commands.prepare import prepare
from wavspa.errors import RunFailed, UserError
from wavspa.launching.run.build import build_run
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.resume_check import find_resumable
from wavspa.launching.run.worker import run
from wavspa.launching.subprocesses import ENVIRONMENT
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status

pytestmark = pytest.mark.slow

STEPS = ["trainer.max_steps=8", "trainer.val_every=4", "checkpoints.every_steps=1"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tiny_run(tmp_path_factory.mktemp("undisturbed"), *STEPS)
    run(folder)
    return final_state(folder)


@pytest.fixture
def disk(tmp_path):
    """A disk of its own, of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]).returncode:
        pytest.skip("no disk can be mounted: it takes root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def rain():
    raise RuntimeError("it rains")


def run_on(disk: Path, tmp_path: Path) -> Path:
    return tiny_run(disk, *STEPS, f"data_root={tmp_path / 'data'}")


# What is left when the disk fills up: room for nothing, for a line, for a status, for a part of a checkpoint.
@pytest.mark.parametrize("left", [0, 4096, 8192, 40_000])
def test_a_disk_that_fills_up(disk, tmp_path, monkeypatch, undisturbed, left, at_step):
    folder = run_on(disk, tmp_path)
    filler = disk / "filler"

    def fill():
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        filler.write_bytes(bytes(free - left))

    at_step(fill, 5)
    with pytest.raises(RunFailed, match="cannot be written"):
        run(folder)
    assert read_status(folder)["state"] in ("running", "failed")
    assert find_resumable(folder) is not None
    assert not list(folder.rglob("*.tmp"))
    filler.unlink()
    run(folder)
    assert differences(undisturbed, final_state(folder)) == []


def test_a_folder_that_becomes_read_only(disk, tmp_path, monkeypatch, undisturbed, at_step):
    folder = run_on(disk, tmp_path)

    def remount(how):
        subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)

    # A file that is open for writing keeps a disk from becoming read-only.
    monkeypatch.setattr("wavspa.launching.run.worker.exclusive", lambda _: contextlib.nullcontext())
    at_step(lambda: remount("ro"), 5)
    with pytest.raises(RunFailed, match=r"cannot be written \(.*Read-only file system"):
        run(folder)
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"cannot be written \(Read-only file system\)"):
        run(folder)
    remount("rw")
    run(folder)
    assert differences(undisturbed, final_state(folder)) == []


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_jumps(tmp_path, monkeypatch, undisturbed, days, at_step):
    folder = tiny_run(tmp_path, *STEPS)
    clock = time.time
    jump = lambda: monkeypatch.setattr(time, "time", lambda: clock() + days * 86_400)  # noqa: E731
    at_step(jump, 3)
    run(folder)
    assert differences(undisturbed, final_state(folder)) == []
    assert 0 < read_status(folder)["seconds_per_step"] < 60


def test_a_loader_s_worker_that_the_system_kills(tmp_path, undisturbed, at_step):
    folder = tiny_run(tmp_path, *STEPS, "dataset.workers=2")

    def kill_a_worker():
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        workers = [pid for pid in children if b"pt_data" in Path(f"/proc/{pid}/comm").read_bytes()]
        os.kill(int(workers[0]), signal.SIGKILL)
        # The loader notices by the signal that its child has died, which ends this wait.
        stat = Path(f"/proc/{workers[0]}/stat")
        until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z", "it is dead")

    at_step(kill_a_worker, 5)
    # Which of the two torch prints depends on whether its signal handler or its queue is faster.
    with pytest.raises(RuntimeError, match=r"is killed by signal|exited unexpectedly") as caught:
        run(folder)
    assert str(caught.value).splitlines()[0].strip() in read_status(folder)["reason"]
    run(folder)
    assert differences(undisturbed, final_state(folder)) == []


def test_a_damaged_status_is_named(tmp_path):
    folder = tiny_run(tmp_path)
    (folder / layout.STATUS).write_text("{")
    with pytest.raises(UserError, match=r"status\.json is damaged .* remove it and start the run"):
        run(folder)


def test_a_budget_changed_by_hand_is_refused(tmp_path, at_step):
    folder = tiny_run(tmp_path, *STEPS)
    at_step(rain, 5)
    with pytest.raises(RuntimeError):
        run(folder)
    path = folder / layout.CONFIG
    path.write_text(path.read_text().replace("max_steps: 8", "max_steps: 9"))
    with pytest.raises(
        UserError, match=r"trainer\.max_steps=9, but .*last\.ckpt was written with 8"
    ):
        run(folder)


@pytest.mark.parametrize("damage", ["truncated", "emptied", "flipped"])
def test_damaged_data_are_named(tmp_path, damage):
    folder = tiny_run(tmp_path)
    data = build_run(read_config(folder))[1]
    data.prepare_data()
    path = data.folder / "train.arrow"
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        content = content[: len(content) // 2]
    elif damage == "emptied":
        content.clear()
    else:
        content[len(content) // 2] ^= 255
    path.write_bytes(content)
    word = f"data_root={tmp_path / 'data'}"
    with pytest.raises(UserError, match=r"train\.arrow is damaged"):
        prepare(["dataset=digits", word]) if damage == "flipped" else run(folder)


def test_a_checkpoint_of_an_older_version_goes_on_and_says_so(
    tmp_path, capsys, undisturbed, at_step
):
    folder = tiny_run(tmp_path, *STEPS)
    at_step(rain, 5)
    with pytest.raises(RuntimeError):
        run(folder)
    path, version = folder / layout.CONFIG, read_config(folder).frozen.version
    path.write_text(path.read_text().replace(f"version: {version}", "version: 0.0.1"))
    run(folder)
    assert "0.0.1" in capsys.readouterr().err
    assert differences(undisturbed, final_state(folder)) == []


# wavspa-run that kills the W&B service of its own process before the fifth step.
KILLS_ITS_SERVICE = """
import contextlib, os, signal, sys
from pathlib import Path

from wavspa.commands.run import main
from wavspa.tasks import Classification

step = Classification.training_step

def kill_service():
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\\0")
            if words[0].endswith(b"wandb-core") and str(os.getpid()).encode() in words:
                os.kill(int(process.name), signal.SIGKILL)
                print("killed:", process.name)

def training_step(self, batch, batch_idx):
    if self.global_step == 5:
        kill_service()
    return step(self, batch, batch_idx)

Classification.training_step = training_step
main()
"""


def test_a_wandb_service_that_is_killed(tmp_path):
    folder = tiny_run(tmp_path, "logger=wandb", "trainer.max_steps=60", "trainer.val_every=10")
    done = subprocess.run(
        [sys.executable, "-c", KILLS_ITS_SERVICE, folder],
        env={**ENVIRONMENT, **os.environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("killed: ") == 1
    assert "wandb" in done.stderr
    assert (read_status(folder)["state"], read_status(folder)["step"]) == ("finished", 60)
