import io
import subprocess
import sys

import pytest
from rich.console import Console

from support.reported_runs import frozen_run
from support.tiny_runs import tiny_run
from wavspa.reports.runs.collect import collect
from wavspa.reports.runs.progress import print_states
from wavspa.run_folder import layout
from wavspa.run_folder.lock import exclusive
from wavspa.run_folder.status import update_status


def printed(root, width=240):
    out = Console(file=io.StringIO(), width=width)
    print_states(collect([root]), out)
    return [" ".join(line.split()) for line in out.file.getvalue().splitlines()]


@pytest.fixture
def sweep(tmp_path):
    folders = [tiny_run(tmp_path, f"seed={seed}") for seed in range(1, 7)]
    best = {"metric": "val/accuracy", "value": 0.5, "step": 3}
    common = {"step": 3, "steps": 603, "best": best, "seconds_per_step": 0.5}
    common["tokens_per_second"] = 12345.6
    update_status(folders[0], state="finished", test={}, **common)
    update_status(folders[1], state="running", **common)
    update_status(folders[2], state="running", **common)
    update_status(folders[3], state="failed", reason="it rains")
    (folders[4] / layout.STATUS).write_text("{")
    return folders


def test_every_state(sweep):
    with exclusive(sweep[1]):
        lines = printed(sweep[0].parent)
    found = dict(line.split(" ", 1) for line in lines if line.startswith("digits"))
    best = "val/accuracy 0.5000 at 3"
    assert lines[0] == "1 finished, 1 running, 1 lost, 1 failed, 1 damaged, 1 not started"
    assert [found[folder.name] for folder in sweep] == [
        f"finished {best} 3/603 500.0 12,346 -",
        f"running {best} 3/603 500.0 12,346 0:05:00",
        f"lost {best} 3/603 500.0 12,346 -",
        "failed - - - - -",
        "damaged - - - - -",
        "not started - - - - -",
    ]
    assert f"lost: {sweep[2]}: no process runs it here: it was killed, or" in lines[-3]
    assert f"failed: {sweep[3]}: it rains" in lines
    assert lines[-1].startswith(f"damaged: {sweep[4]}: ")
    assert "status.json" in lines[-1]


def test_a_name_is_printed_as_it_is(tmp_path):
    folder = frozen_run(tmp_path)
    for name in ("[bold]", "[-b][", "a [b]"):
        folder = folder.rename(folder.with_name(name))
        assert f"{name} not started - - -" in printed(tmp_path)


def test_a_share_of_the_peak_and_a_long_first_step(tmp_path):
    speed = {"seconds_per_step": 0.5, "tokens_per_second": 1e6, "first_step_seconds": 4.9}
    for name, more in {"a": {"mfu": 0.1234}, "b": {"mfu": None, "first_step_seconds": 40}}.items():
        folder = frozen_run(tmp_path / name)
        update_status(folder, state="finished", test={}, step=9, steps=9, **(speed | more))
    lines = printed(tmp_path)
    assert "ms/step tokens/s MFU time left" in lines[2]
    assert lines[4].endswith("9/9 500.0 1,000,000 12.3 % -")
    assert lines[5].endswith("9/9 500.0 1,000,000 - -")
    assert not any("ms/step" in line for line in printed(tmp_path, width=80))
    told = [line for line in lines if line.startswith("first step")]
    assert told == [f"first step: {folder}: 40.0 s (compiling, or filling caches), then 0.5 s each"]


def test_a_run_that_stopped_early_says_why(tmp_path):
    told = {"a": {}, "b": {"stopped_early": "val/loss has not improved for 3 validations"}}
    for name, more in told.items():
        folder = frozen_run(tmp_path / name)
        update_status(folder, state="finished", test={}, step=300, steps=400, **more)
    lines = printed(tmp_path)
    assert lines[-2].endswith(": stopped early at step 300 of 400")  # as older versions wrote it
    assert lines[-1].endswith(", val/loss has not improved for 3 validations")


def test_the_command(sweep):
    done = subprocess.run(
        [sys.executable, "-m", "wavspa.commands.status", sweep[0].parent],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "it rains" in done.stdout
