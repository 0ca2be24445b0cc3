"""Searches through the whole command, with runs that only pretend to train; one that does."""

import json
import math
import os
import signal
import subprocess
import sys

import pytest
from hydra_plugins.wavspa.local import LocalLauncher

from support.tiny_runs import tiny_words
from support.waiting import until
from wavspa import atomic
from wavspa.commands import train
from wavspa.launching.run.freeze import read_config
from wavspa.launching.search import pruning
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status, update_status

LR = "optimizer.lr=tag(log, interval(1e-5, 0.5))"


class Pretender:
    """In place of the local launcher's start: the nearer the learning rate to 0.01, the better."""

    def __init__(self):
        self.started = []
        self.fails = lambda lr: False
        self.stops_at = None

    def __call__(self, launcher, folders):
        for folder in folders:
            self.started.append(folder)
            if len(self.started) == self.stops_at:
                update_status(folder, state="interrupted", reason="SIGINT")
                raise KeyboardInterrupt
            if (folder / layout.PRUNE).exists():
                continue
            self.train(folder)

    def train(self, folder):
        config = read_config(folder)
        lr, monitor = config.optimizer.lr, config.task.monitor
        if self.fails(lr):
            update_status(folder, state="failed", reason="it rains")
            return
        value = abs(math.log10(lr) + 2)
        if config.task.mode == "max":
            value = 1 - value / 10
        text = f"step,epoch,seconds,{monitor}\n3,0,0.1,{value}\n"
        atomic.write_text(folder / layout.METRICS, text)
        best = {"metric": monitor, "value": value, "step": 3}
        update_status(folder, state="finished", best=best)


@pytest.fixture
def runs(monkeypatch):
    pretender = Pretender()
    monkeypatch.setattr(LocalLauncher, "start", lambda *given: pretender(*given))
    return pretender


@pytest.fixture
def search(monkeypatch, tmp_path, capfd):
    """Calls the command; its exit code and what it printed."""

    def call(*words, folder="one"):
        line = [*tiny_words(tmp_path / folder, LR), "hydra/sweeper=optuna", *words]
        monkeypatch.setattr("sys.argv", ["wavspa-train", "-m", *line])
        try:
            train.main()
            code = 0
        except SystemExit as end:
            code = end.code
        return code, *capfd.readouterr()

    return call


def found(tmp_path, folder="one"):
    (path,) = (tmp_path / folder).rglob("search.json")
    return json.loads(path.read_text())


def values(result):
    return [(trial["state"], trial["value"], trial["overrides"]) for trial in result["trials"]]


@pytest.mark.slow
def test_a_search_goes_on_as_if_it_had_not_been_stopped(runs, search, tmp_path):
    words = ["hydra.sweeper.startup=2", "jobs=2"]
    runs.stops_at = 4
    assert search(*words, "hydra.sweeper.n_trials=4")[0] == 128 + signal.SIGINT
    journal = next(tmp_path.rglob("journal.log"))
    journal.write_bytes(journal.read_bytes() + b'{"op_code": 6, "wor')  # half a line
    journal.with_name("journal.log.lock").symlink_to(journal)
    assert search(*words, "hydra.sweeper.n_trials=4")[0] == 0
    assert runs.started[2:4] == runs.started[4:6]
    assert search(*words, "hydra.sweeper.n_trials=5")[0] == 0
    code, printed, _ = search(*words, "hydra.sweeper.n_trials=5")
    assert (code, len(runs.started), len(set(runs.started))) == (0, 7, 5)
    assert "5 trials: 5 finished" in printed
    runs.stops_at = None
    assert search(*words, "hydra.sweeper.n_trials=5", folder="other")[0] == 0
    assert values(found(tmp_path, "other")) == values(found(tmp_path))


def test_a_search_has_no_dry_run(runs, search):
    code, _, error = search("dry_run=true")
    assert (code, runs.started) == (2, [])
    assert "dry_run=true cannot be combined with hydra/sweeper=optuna" in error


def test_trials_may_be_named_by_what_is_searched(runs, search):
    assert search("name=lr-${optimizer.lr}", "hydra.sweeper.n_trials=2")[0] == 0
    assert all(folder.name.startswith("lr-") for folder in runs.started)


def test_a_failed_trial_is_written_down_and_the_others_run(runs, search, tmp_path):
    runs.fails = lambda lr: lr < 1e-3
    code, printed, _ = search("hydra.sweeper.sampler=random", "hydra.sweeper.n_trials=4")
    states = [trial["state"] for trial in found(tmp_path)["trials"]]
    assert code == 0
    assert sorted(set(states)) == ["failed", "finished"]
    assert printed.count(": it rains") == states.count("failed")
    best = max(t["value"] for t in found(tmp_path)["trials"] if t["value"] is not None)
    last = printed.splitlines()[-1]
    assert last == found(tmp_path)["best"]["command"]
    trial = found(tmp_path)["trials"][found(tmp_path)["best"]["number"]]
    assert trial["value"] == best
    assert last.startswith("wavspa-train ")
    assert last.endswith(trial["overrides"][0])


def test_only_failures_are_a_failure(runs, search):
    runs.fails = lambda lr: True
    code, _, error = search("hydra.sweeper.n_trials=2")
    assert (code, error) == (1, "error: all 2 trials failed\n")


@pytest.mark.slow
def test_values_that_do_not_go_together_fail_alone(runs, search, tmp_path):
    words = ["model.heads=2,3", "model.dim=16,24", "hydra.sweeper.sampler=random"]
    code, printed, _ = search(*words, "hydra.sweeper.n_trials=5")
    assert code == 0
    for trial in found(tmp_path)["trials"]:
        wrong = {"model.heads=3", "model.dim=16"} <= set(trial["overrides"])
        assert trial["state"] == ("failed" if wrong else "finished")
    assert "heads=3" in printed


def test_the_lowest_loss_is_the_best(runs, search, tmp_path):
    search("task.monitor=val/loss", "hydra.sweeper.n_trials=3")
    result = found(tmp_path)
    assert (result["metric"], result["direction"]) == ("val/loss", "minimize")
    best = result["trials"][result["best"]["number"]]
    assert best["value"] == min(trial["value"] for trial in result["trials"])


@pytest.mark.slow
def test_trials_that_are_alike_share_a_run(runs, search, tmp_path):
    words = ["optimizer.lr=0.1", "model/wavelet=ada,ortho", "hydra.sweeper.batch=4"]
    assert search(*words, "hydra.sweeper.n_trials=4")[0] == 0
    assert len(runs.started) == len(set(runs.started)) <= 2
    assert {trial["state"] for trial in found(tmp_path)["trials"]} == {"finished"}


@pytest.mark.parametrize("pruner", ["median", "halving"])
def test_a_hopeless_trial_is_given_up(runs, search, tmp_path, monkeypatch, pruner):
    monkeypatch.setattr(pruning, "_SECONDS_BETWEEN_LOOKS", 0.01)

    def train(folder):
        number = len(runs.started)
        value = 0.9 if number == 1 else 0.1
        text = f"step,epoch,seconds,val/accuracy\n3,0,0.1,{value}\n"
        atomic.write_text(folder / layout.METRICS, text)
        update_status(folder, state="running")
        if number > 1:
            until((folder / layout.PRUNE).exists, "the trial is told to end")
        best = {"metric": "val/accuracy", "value": value, "step": 3}
        update_status(folder, state="finished" if number == 1 else "pruned", best=best)

    runs.train = train
    words = [f"hydra.sweeper.pruner={pruner}", "hydra.sweeper.startup=1"]
    words += ["hydra.sweeper.prune_after=3"] if pruner == "halving" else []
    code, _, _ = search(*words, "hydra.sweeper.n_trials=2")
    assert (code, [t["state"] for t in found(tmp_path)["trials"]]) == (0, ["finished", "pruned"])
    assert len(runs.started) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    {
        "hydra.sweeper.sampler=cma": "hydra.sweeper.sampler='cma' is unknown; choose one of tpe, random",
        "+hydra.sweeper.n_trial=3": "hydra.sweeper.n_trial is not an option of hydra/sweeper=optuna;",
        "model.tap=range(2,8)": "there is no option 'model.tap'; did you mean model.taps",
        "model/wavelet=ada,nope": "model/wavelet has no option 'nope'",
        "trainer.max_steps=0": "trainer.max_steps",
        "rerun=true": "rerun=true cannot be combined with hydra/sweeper=optuna",
        "name=foo": "name=foo cannot be combined with hydra/sweeper=optuna, as all trials would share",
        "hydra/launcher=slurm": "a search has to wait for its trials: set hydra.launcher.wait=true",
    }.items(),
)
def test_a_mistake_ends_it_before_anything_starts(runs, search, tmp_path, words, message):
    code, _, error = search(words)
    assert code == 2
    assert error.startswith(f"error: {message}")
    assert error.count("\n") == 1
    assert not runs.started
    assert not list(tmp_path.rglob("journal.log"))


def test_without_optuna(runs, search, monkeypatch):
    monkeypatch.setattr("hydra_plugins.wavspa.search.find_spec", lambda name: None)
    assert search()[2] == (
        "error: hydra/sweeper=optuna needs Optuna: pip install 'wavspa[search]'\n"
    )


@pytest.mark.slow
def test_a_search_that_is_killed_in_a_real_run(tmp_path):
    words = [*tiny_words(tmp_path, LR, "trainer.max_steps=12"), "hydra.sweeper.n_trials=1"]
    command = [sys.executable, "-m", "wavspa.commands.train", "-m", "hydra/sweeper=optuna", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    statuses = lambda: [read_status(path.parent) for path in tmp_path.rglob(layout.STATUS)]  # noqa: E731
    until(lambda: killed.poll() is not None or statuses(), "its run has started")
    assert killed.poll() is None
    killed.kill()  # its run continues by itself
    until(lambda: statuses()[0]["state"] == "finished", "its run has finished")
    again = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("trial 0: ")
    (status,) = (read_status(path.parent) for path in tmp_path.rglob(layout.CONFIG))
    assert status["state"] == "finished"
    assert [value for _, value, _ in values(found(tmp_path, ""))] == [status["best"]["value"]]
