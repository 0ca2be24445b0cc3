import subprocess
import sys
import threading

import pytest

from support.tiny_runs import compose_run, tiny_words
from support.waiting import LIMIT
from wavspa.errors import RunFailed, UserError
from wavspa.launching.plugins import local
from wavspa.launching.plugins.local import LocalLauncher, gpu_shares
from wavspa.run_folder.status import update_status


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


def test_a_configuration_that_is_typed_twice_is_one_run(tmp_path, monkeypatch):
    started = []
    launcher = LocalLauncher(jobs=2)
    monkeypatch.setattr(launcher, "compose", lambda words: compose_run(*words))
    monkeypatch.setattr(launcher, "start", started.extend)
    words = [tiny_words(tmp_path, "seed=1", f"optimizer.lr={lr}") for lr in ("0.01", "1e-2")]
    with pytest.raises(RunFailed, match="1 of 1 jobs did not finish"):
        launcher.launch(words, 0)
    assert len(started) == 1


def ends(monkeypatch, told):
    """Jobs that end as their numbers say: with a reason, or finished; the numbers of those that ran."""
    ran = []

    def job(folder, share):
        number = int(folder.name)
        ran.append(number)
        folder.mkdir()
        reason = told[number]
        state = {"state": "failed", "reason": reason} if reason else {"state": "finished"}
        update_status(folder, **state)
        return 1 if reason else 0

    monkeypatch.setattr(local, "run_subprocess", job)
    return ran


def test_a_sweep_whose_first_jobs_fail_alike_ends(tmp_path, monkeypatch):
    ran = ends(monkeypatch, ["no space: 1 bytes", "no space: 2 bytes", "no space: 3 bytes", None])
    folders = [tmp_path / str(number) for number in range(4)]
    with pytest.raises(RunFailed, match=r"stop_after=3\): no space: 1 bytes$"):
        LocalLauncher(stop_after=3).start(folders)
    assert ran == [0, 1, 2]


@pytest.mark.parametrize("told", [["a", "b", "a", None], [None, "a", "a", "a"]], ids=str)
def test_a_sweep_of_which_something_comes_goes_on(tmp_path, monkeypatch, told):
    ran = ends(monkeypatch, told)
    LocalLauncher(stop_after=3).start([tmp_path / str(number) for number in range(4)])
    assert ran == [0, 1, 2, 3]


def test_an_impossible_number_of_failures():
    with pytest.raises(UserError, match=r"^hydra\.launcher\.stop_after must be .*, got 0$"):
        LocalLauncher(stop_after=0)


@pytest.mark.slow
def test_a_sweep_that_ends_prints_what_it_reached_and_why(tmp_path):
    # The vocabulary is too small for the data, which only the job itself can know.
    words = ["dataset.vocab_size=5", "seed=1,2,3,4", "hydra.launcher.stop_after=2"]
    done = subprocess.run(
        [sys.executable, "-m", "wavspa.commands.train", "-m", *tiny_words(tmp_path, *words)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "[2/4]" in done.stdout
    assert "[3/4]" not in done.stdout
    assert "-s4-" in done.stdout  # the table has those that were not started
    assert "(hydra.launcher.stop_after=2): dataset.vocab_size" in done.stderr.splitlines()[-1]


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
