import re
import subprocess
import sys

import pytest

from support.tiny_runs import tiny_words
from wavspa.errors import UserError
from wavspa.launching.plugins.local import LocalLauncher, gpu_shares


def test_gpus_are_divided():
    assert gpu_shares(1, 8) == [{}]
    assert gpu_shares(2, 0) == [{}, {}]
    assert [s["CUDA_VISIBLE_DEVICES"] for s in gpu_shares(2, 5)] == ["0,1", "2,3"]


@pytest.mark.parametrize("jobs", [0, "two", 1.5])
def test_an_impossible_number_of_jobs(jobs):
    with pytest.raises(UserError, match="jobs must be"):
        LocalLauncher(jobs=jobs)


def test_two_at_a_time(tmp_path):
    words = tiny_words(tmp_path, "seed=1,2,3", "jobs=2")
    done = subprocess.run(
        [sys.executable, "-m", "wavspa.commands.train", "-m", *words],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split(":")[0] for line in done.stdout.splitlines() if "digits" in line]
    first = [line for line in lines if re.match(r"\[|finished", line)][:3]
    assert [line[0] for line in first] == ["[", "[", "f"]
    assert done.stdout.count("finished: ") == 3


def test_a_sweep_is_no_dry_run(tmp_path):
    words = tiny_words(tmp_path, "seed=1,2", "dry_run=true")
    done = subprocess.run(
        [sys.executable, "-m", "wavspa.commands.train", "-m", *words],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (
        2,
        "error: dry_run=true is for one run: leave out -m\n",
    )
