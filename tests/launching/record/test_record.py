"""run.json: what a run keeps of each start."""

import os
import subprocess
import sys
from importlib.metadata import version
from types import SimpleNamespace

import pytest
import torch

from support.tiny_runs import finished_run, tiny_run
from wavspa.errors import RunInterrupted, UserError
from wavspa.launching.record import environment, record
from wavspa.launching.record.record import RunRecord, read_starts
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout
from wavspa.training.device_info import energy_used


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A git checkout with a commit, in which a user works."""
    place = tmp_path / "mine"
    place.mkdir()

    def git(*words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        done = ["git", "-C", str(place), *identity, *words]
        return subprocess.run(done, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    (place / "model.py").write_text("one = 1\n")
    git("add", ".")
    git("commit", "-qm", "one")
    monkeypatch.chdir(place)
    return SimpleNamespace(place=place, git=git)


def test_a_run_keeps_what_it_was_trained_by(tmp_path, checkout):
    (checkout.place / "model.py").write_text("one = 2\n")
    (checkout.place / "new.py").touch()
    folder = finished_run(tmp_path)
    (start,) = read_starts(folder)
    state = start["git"][str(checkout.place)]
    assert state["commit"] == checkout.git("rev-parse", "HEAD")
    assert "-one = 1\n+one = 2" in state["diff"]
    assert state["untracked"] == ["new.py"]
    assert start["packages"]["torch"] == version("torch")
    assert start["python"] == ".".join(map(str, sys.version_info[:3]))
    assert start["machine"]["threads"] == torch.get_num_threads()
    assert (start["state"], start["step"], start["joules"]) == ("finished", 3, None)
    assert start["seconds"] > 0
    assert start["started"] <= start["ended"]
    # What other files hold is not repeated.
    assert not {"seed", "config", "data", "device"} & set(start)
    run(folder)
    assert read_starts(folder) == [start]


def test_every_start_is_one_entry_with_what_is_new(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "environment", lambda: {"python": "3.11", "platform": now[0]})
    now = ["here"]
    with pytest.raises(RunInterrupted), RunRecord(tmp_path):
        raise RunInterrupted("stop", 15)
    with pytest.raises(ZeroDivisionError), RunRecord(tmp_path):
        1 / 0  # noqa: B018
    now[0] = "there"
    with RunRecord(tmp_path):
        pass
    first, second, third = read_starts(tmp_path)
    assert [one["state"] for one in (first, second, third)] == ["interrupted", "failed", "finished"]
    assert (first["python"], first["platform"]) == ("3.11", "here")
    assert not {"python", "platform"} & set(second)
    assert "python" not in third
    assert third["platform"] == "there"


def test_a_killed_start_stays_without_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "environment", dict)
    RunRecord(tmp_path).__enter__()
    with RunRecord(tmp_path):
        pass
    first, second = read_starts(tmp_path)
    assert "ended" not in first
    assert second["state"] == "finished"


def test_a_damaged_record_is_named(tmp_path):
    folder = tiny_run(tmp_path)
    for text in ("{", "[]", '{"starts": 3}'):
        (folder / layout.RECORD).write_text(text)
        with pytest.raises(UserError, match=r"run\.json is damaged"):
            read_starts(folder)


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        (["python", "-m", "wavspa.commands.train", "a=b c"], "wavspa-train 'a=b c'"),
        (["python", "/x/bin/wavspa-run", "runs/a"], "wavspa-run runs/a"),
        (["python", "-P", "-m", "wavspa.commands.run", "runs/a"], "wavspa-run runs/a"),
        (["python", "own.py", "1"], "python own.py 1"),
        (["python", "-m", "mine", "1"], "python -m mine 1"),
        (["python", "-m", "wavspa.commands.train"], "wavspa-train"),
    ],
)
def test_the_command_is_as_typed(words, typed, monkeypatch):
    monkeypatch.setattr(sys, "orig_argv", words)
    assert environment.typed_command() == typed


def test_a_folder_outside_of_git_has_no_state(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert str(tmp_path) not in environment.environment()["git"]
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    assert environment.git(tmp_path, "status") is None


def test_a_long_diff_is_cut(checkout, monkeypatch):
    monkeypatch.setattr(environment, "MOST_DIFF", 30)
    (checkout.place / "model.py").write_text("one = 2\n" * 100)
    state = environment.environment()["git"][str(checkout.place)]
    assert len(state["diff"]) < 80
    assert "cut: " in state["diff"]


def fake_nvml(millijoules):
    """NVIDIA's library, of GPUs by their UUID."""
    return SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda uuid: uuid,
        nvmlDeviceGetTotalEnergyConsumption=lambda uuid: millijoules[uuid],
    )


def test_energy_is_that_of_the_devices_in_joules(monkeypatch):
    assert energy_used([]) is None
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    uuids = {0: "b", 1: "a"}
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda number: SimpleNamespace(uuid=uuids[number])
    )
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml({"GPU-a": 1_000_000, "GPU-b": 2_000_000}))
    assert energy_used([0]) == 2000
    assert energy_used([0, 1]) == 3000
    uuids[0] = "part of one"
    assert energy_used([0]) is None
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert energy_used([1]) is None
