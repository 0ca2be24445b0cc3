"""What wavspa-status tells of runs in SLURM's queue; tests/slurm/test_jobs.py asks a real one."""

import subprocess

import pytest
from rich.console import Console

from support.slurm_stand_in import launcher
from wavspa.launching.slurm import submit
from wavspa.launching.slurm.queue import waiting_runs
from wavspa.reports.runs.collect import collect
from wavspa.reports.runs.progress import print_states


@pytest.fixture
def script(slurm, folders, tmp_path):
    """Of the array of three runs."""
    launcher(prepare="no").start(folders)
    (path,) = (tmp_path / "runs").glob("sweep-*.sbatch")
    return path


def test_reasons_stand_next_to_the_runs(slurm, folders, script, tmp_path, capsys):
    others = ["80_1|Priority|/elsewhere/sweep-1.sbatch", "81|None|(null)", f"71_9|None|{script}"]
    own = [f"71_2|JobHeldUser|{script}", f"71_3|Resources|{script}"]
    slurm.waiting = "\n".join([*others, *own]) + "\n"
    expected = {folders[1]: "job 71_2: JobHeldUser", folders[2]: "job 71_3: Resources"}
    assert waiting_runs(folders) == expected
    print_states(collect([tmp_path]), Console(width=240), expected)
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.split()}
    assert lines[folders[1].name].rstrip().endswith("job 71_2: JobHeldUser")
    assert lines[folders[0].name].rstrip().endswith("-")
    assert lines["run"].rstrip().endswith("queue")


def test_slurm_is_not_asked_of_other_runs(slurm, folders):
    assert waiting_runs(folders) == {}
    assert slurm.asked == []


def test_a_queue_that_does_not_answer_hides_nothing(folders, script, monkeypatch, capsys):
    failed = subprocess.CompletedProcess("squeue", 1, "", "Unable to contact slurm controller")
    monkeypatch.setattr(submit, "_ask", lambda *_: failed)
    assert waiting_runs(folders) == {}
    assert "squeue fails: Unable to contact" in capsys.readouterr().err
