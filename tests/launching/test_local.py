import subprocess
import sys
import threading

import pytest

from support.tiny_runs import tiny_words
from support.waiting import LIMIT
from wavspa.errors import UserError
from wavspa.launching.plugins import local
from wavspa.launching.plugins.local import LocalLauncher, gpu_shares


def test_gpus_are_divided():
    assert gpu_shares(1, 8) == [{}]
    assert gpu_shares(2, 0) == [{}, {}]
    assert [s["CUDA_VISIBLE_DEVICES"] for s in gpu_shares(2, 5)] == ["0,1", "2,3"]


@pytest.mark.parametrize("jobs", [0, "two", 1.5])
def test_an_impossible_number_of_jobs(jobs):
    with pytest.raises(UserError, match="jobs must be"):
        LocalLauncher(jobs=jobs)


def test_two_at_a_time(tmp_path, monkeypatch):
    # Each job waits for another to be there: one at a time would break the barrier.
    pair = threading.Barrier(2, timeout=LIMIT)
    counting = threading.Lock()
    running, most, ran = 0, 0, []

    def job(folder, share):
        nonlocal running, most
        with counting:
            running += 1
            most = max(most, running)
            ran.append(folder)
        pair.wait()
        with counting:
            running -= 1

    monkeypatch.setattr(local, "run_subprocess", job)
    folders = [tmp_path / str(number) for number in range(4)]
    LocalLauncher(jobs=2).start(folders)
    assert most == 2
    assert sorted(ran) == folders


@pytest.mark.slow
def test_a_sweep_two_at_a_time_finishes_every_job(tmp_path):
    words = tiny_words(tmp_path, "seed=1,2,3", "jobs=2")
    done = subprocess.run(
        [sys.executable, "-m", "wavspa.commands.train", "-m", *words],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("finished: ") == 3
