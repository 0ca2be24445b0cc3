"""A run that was stopped and resumed ends where the undisturbed run ends, to the last bit."""

import os
import signal
import subprocess
import sys

import hydra.utils
import pytest
import torch

from support.final_state import differences, final_state
from support.tiny_runs import tiny_run
from support.waiting import until
from wavspa.errors import RunFailed, RunInterrupted, UserError
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout
from wavspa.run_folder.lock import exclusive
from wavspa.run_folder.status import read_status
from wavspa.training.stop_signals import StopRequest

pytestmark = pytest.mark.slow

# An epoch has four batches (50 examples, 16 a batch): stops fall inside of one and on its end.
CASES = {
    "each step": ["checkpoints.every_steps=1"],
    "every other step": ["checkpoints.every_steps=2"],
    "validations alone": [],
    "two workers": ["checkpoints.every_steps=1", "dataset.workers=2"],
    "accumulation": ["checkpoints.every_steps=1", "trainer.accumulate_grad_batches=3"],
    "a budget of tokens": ["checkpoints.every_steps=1", "dataset.batch_tokens=1000"],
    "favor": ["checkpoints.every_steps=1", "model/attention=performer", "model.features=favor"],
    "stochastic depth": [
        "checkpoints.every_steps=1",
        "model.drop_path=0.5",
        "model.layer_scale=0.1",
    ],
    "lion": ["checkpoints.every_steps=1", "optimizer=lion"],
    "muon": ["checkpoints.every_steps=1", "optimizer=muon", "optimizer.filter_lr=1e-4"],
    "adafactor": ["checkpoints.every_steps=1", "optimizer=adafactor"],
    "schedule-free": ["checkpoints.every_steps=1", "optimizer=schedule_free"],
    "plateau": [
        "checkpoints.every_steps=1",
        "schedule=plateau",
        "schedule.warmup=2",
        "schedule.patience=0",
        "schedule.threshold=9",
    ],
    "EMA": ["checkpoints.every_steps=1", "callbacks=ema", "callbacks.average.decay=0.5"],
    "SWA": ["checkpoints.every_steps=1", "callbacks=swa", "callbacks.average.every=1"],
    "every step logged": ["checkpoints.every_steps=1", "trainer.log_every_n_steps=1"],
}
STEPS = ["trainer.max_steps=10", "trainer.val_every=4"]


def crash():
    raise RuntimeError("it rains")


def run_to_the_end(folder, ends_by):
    """Run, again and again while it ends by one of the exceptions; how often it did."""
    for times in range(20):
        try:
            run(folder)
            return times
        except ends_by:
            pass
    raise AssertionError("it never finished")


@pytest.mark.parametrize("case", CASES)
def test_crashes_leave_no_trace(tmp_path, at_step, case):
    undisturbed = tiny_run(tmp_path / "one", *CASES[case], *STEPS)
    run(undisturbed)
    disturbed = tiny_run(tmp_path / "other", *CASES[case], *STEPS)
    at_step(crash, 0, 1, 2, 4, 5, 8, 9)
    assert run_to_the_end(disturbed, RuntimeError) == 7
    assert differences(final_state(undisturbed), final_state(disturbed)) == []


def test_a_crash_before_the_test_leaves_no_trace(tmp_path, monkeypatch):
    undisturbed = tiny_run(tmp_path / "one", *STEPS)
    run(undisturbed)
    disturbed = tiny_run(tmp_path / "other", *STEPS)
    monkeypatch.setattr("wavspa.launching.run.worker.evaluate", lambda *_, **__: crash())
    with pytest.raises(RuntimeError):
        run(disturbed)
    monkeypatch.undo()
    run(disturbed)
    assert differences(final_state(undisturbed), final_state(disturbed)) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT])
def test_a_signal_is_obeyed_after_the_step(tmp_path, at_step, number):
    undisturbed = tiny_run(tmp_path / "one", *STEPS)
    run(undisturbed)
    disturbed = tiny_run(tmp_path / "other", *STEPS)
    handler = signal.getsignal(number)
    at_step(lambda: os.kill(os.getpid(), number), 1, 3, 6)
    with pytest.raises(RunInterrupted, match=f"{number.name} at step 2: saved"):
        run(disturbed)
    assert signal.getsignal(number) == handler
    status = read_status(disturbed)
    assert status["state"] == "interrupted"
    assert status["reason"].startswith(f"{number.name} at step 2")
    assert torch.load(layout.last_checkpoint(disturbed), weights_only=True)["global_step"] == 2
    assert run_to_the_end(disturbed, RunInterrupted) == 2
    assert differences(final_state(undisturbed), final_state(disturbed)) == []


def test_a_run_that_a_search_gives_up_trains_no_more_until_the_mark_is_removed(
    tmp_path, at_step, capsys
):
    undisturbed = tiny_run(tmp_path / "one", *STEPS)
    run(undisturbed)
    folder = tiny_run(tmp_path / "other", *STEPS)
    mark = folder / layout.PRUNE
    at_step(mark.touch, 5)
    assert run(folder) == {}
    status = read_status(folder)
    assert (status["state"], status["step"] < 10) == ("pruned", True)
    assert status["reason"].startswith("given up by a search at step ")
    assert run(folder) == {}
    assert read_status(folder) == status
    assert f"it resumes once {mark} is removed" in capsys.readouterr().out
    mark.unlink()
    run(folder)
    assert differences(final_state(undisturbed), final_state(folder)) == []


def test_a_signal_outside_of_training_is_obeyed_at_once(tmp_path, monkeypatch):
    folder = tiny_run(tmp_path)
    stop = lambda *_, **__: os.kill(os.getpid(), signal.SIGUSR1)  # noqa: E731
    monkeypatch.setattr("wavspa.launching.run.worker.evaluate", stop)
    with pytest.raises(RunInterrupted, match="SIGUSR1: the same command resumes"):
        run(folder)
    assert read_status(folder)["state"] == "interrupted"
    monkeypatch.undo()
    run(folder)
    assert read_status(folder)["state"] == "finished"


def test_a_signal_is_no_mistake_of_what_is_being_loaded(tmp_path, monkeypatch):
    (tmp_path / "loading.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RunInterrupted, match="SIGTERM"), StopRequest():
        hydra.utils.get_object("loading.Something")


def test_the_first_of_several_signals_counts():
    with StopRequest() as stop:
        stop.remember()
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(RunInterrupted) as caught:
            stop.obey()
        os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.signal == signal.SIGUSR1


def test_a_second_ctrl_c_is_obeyed_at_once(tmp_path, at_step):
    folder = tiny_run(tmp_path, *STEPS)

    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    at_step(twice, 5)
    with pytest.raises(SystemExit):
        run(folder)
    assert torch.load(layout.last_checkpoint(folder), weights_only=True)["global_step"] == 4


def test_the_clock_writes_as_well(tmp_path, at_step):
    folder = tiny_run(tmp_path, *STEPS, "checkpoints.every_minutes=1e-6")
    at_step(crash, 3)
    with pytest.raises(RuntimeError):
        run(folder)
    assert torch.load(layout.last_checkpoint(folder), weights_only=True)["global_step"] == 3


def test_an_early_stop_stays_one(tmp_path, at_step, monkeypatch):
    """Killed between its last checkpoint and its test, a run that had stopped trains no more."""
    words = ["callbacks=early_stopping", "callbacks.early_stopping.patience=1", "optimizer.lr=0"]
    folder = tiny_run(tmp_path, *words, "trainer.max_steps=60")
    monkeypatch.setattr("wavspa.launching.run.worker.evaluate", lambda *_, **__: crash())
    with pytest.raises(RuntimeError):
        run(folder)
    monkeypatch.undo()
    run(folder)
    assert (read_status(folder)["state"], read_status(folder)["step"]) == ("finished", 6)


def test_a_damaged_last_checkpoint_falls_back_to_the_one_before(tmp_path, at_step, capsys):
    words = [*STEPS, "checkpoints.every_steps=1"]
    undisturbed = tiny_run(tmp_path / "one", *words)
    run(undisturbed)
    disturbed = tiny_run(tmp_path / "other", *words)
    at_step(crash, 6)
    with pytest.raises(RuntimeError):
        run(disturbed)
    last = layout.last_checkpoint(disturbed)
    last.write_bytes(last.read_bytes()[:1000])
    run(disturbed)
    captured = capsys.readouterr()
    assert "last.ckpt is damaged" in captured.err
    assert "previous.ckpt" in captured.err
    assert "resuming from step 5" in captured.out
    assert differences(final_state(undisturbed), final_state(disturbed)) == []


def test_a_resumed_run_reads_its_checkpoint_once(tmp_path, at_step, monkeypatch):
    folder = tiny_run(tmp_path, *STEPS, "checkpoints.every_steps=1")
    at_step(crash, 3)
    with pytest.raises(RuntimeError):
        run(folder)
    load, read = torch.load, []
    monkeypatch.setattr(torch, "load", lambda path, **how: read.append(path) or load(path, **how))
    run(folder)
    assert read.count(layout.last_checkpoint(folder)) == 1


@pytest.mark.parametrize("monitor", ["val/accuracy", "val/loss"])
def test_a_run_whose_folder_was_moved_keeps_its_best_score(tmp_path, at_step, monitor):
    words = [*STEPS, f"task.monitor={monitor}"]
    folder = tiny_run(tmp_path, *words)
    at_step(crash, 6)
    with pytest.raises(RuntimeError):
        run(folder)
    last = layout.last_checkpoint(folder)
    content = torch.load(last, weights_only=True)
    (state,) = (v for k, v in content["callbacks"].items() if k.startswith("ModelCheckpoint{"))
    # A score that no later validation reaches: best.ckpt is to stay as it is.
    best = torch.tensor(0.0 if monitor == "val/loss" else 1.0)
    state |= {"best_model_score": best, "kth_value": best}
    state["best_k_models"] = dict.fromkeys(state["best_k_models"], best)
    torch.save(content, last)
    before = layout.best_checkpoint(folder).read_bytes()
    moved = folder.rename(tmp_path / "elsewhere")
    run(moved)
    assert layout.best_checkpoint(moved).read_bytes() == before
    state = torch.load(layout.last_checkpoint(moved), weights_only=True)["callbacks"]
    (state,) = (v for k, v in state.items() if k.startswith("ModelCheckpoint{"))
    assert state["best_model_score"] == best
    assert state["best_model_path"] == str(layout.best_checkpoint(moved))
    assert list(state["best_k_models"]) == [state["best_model_path"]]


def test_all_checkpoints_damaged_is_an_error(tmp_path, at_step):
    folder = tiny_run(tmp_path, *STEPS, "checkpoints.every_steps=1")
    at_step(crash, 3)
    with pytest.raises(RuntimeError):
        run(folder)
    for path in (layout.last_checkpoint(folder), layout.previous_checkpoint(folder)):
        path.write_bytes(b"")
    with pytest.raises(UserError, match=r"last\.ckpt is damaged"):
        run(folder)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    other = tiny_run(tmp_path, "seed=2")
    run(other)
    folder = tiny_run(tmp_path)
    layout.last_checkpoint(folder).parent.mkdir()
    layout.last_checkpoint(folder).write_bytes(layout.last_checkpoint(other).read_bytes())
    with pytest.raises(UserError, match=r"last\.ckpt belongs to another configuration"):
        run(folder)


def test_a_full_disk_keeps_what_was_written(tmp_path, monkeypatch, at_step):
    undisturbed = tiny_run(tmp_path / "one", *STEPS)
    run(undisturbed)
    folder = tiny_run(tmp_path / "other", *STEPS)
    save = torch.save

    def no_space(*_):
        raise RuntimeError("PytorchStreamWriter failed writing file data/7: file write failed")

    at_step(lambda: monkeypatch.setattr(torch, "save", no_space), 5)
    with pytest.raises(RunFailed, match=r"best\.ckpt|last\.ckpt cannot be written"):
        run(folder)
    assert "cannot be written" in read_status(folder)["reason"]
    monkeypatch.setattr(torch, "save", save)
    run(folder)
    assert differences(final_state(undisturbed), final_state(folder)) == []


def test_a_run_that_ends_short_of_its_budget_has_failed(tmp_path, monkeypatch):
    folder = tiny_run(tmp_path)
    monkeypatch.setattr("pytorch_lightning.Trainer.fit", lambda *_, **__: None)
    with pytest.raises(RunFailed, match="training ended at step 0 of 6"):
        run(folder)
    assert read_status(folder)["state"] == "failed"


def test_the_second_of_two_starts_refuses(tmp_path):
    folder = tiny_run(tmp_path)
    with exclusive(folder):
        other = subprocess.run(
            [sys.executable, "-m", "wavspa.commands.run", folder], capture_output=True, text=True
        )
    assert other.returncode == 2
    assert other.stderr.startswith(f"error: another process is running {folder}")
    assert read_status(folder) == {}


def test_a_process_that_is_told_to_stop_says_so(tmp_path):
    folder = tiny_run(tmp_path, "trainer.max_steps=100000", "trainer.val_every=5")
    command = [sys.executable, "-m", "wavspa.commands.run", folder]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    until(lambda: process.poll() is not None or read_status(folder).get("step"), "it trains")
    process.terminate()
    _, error = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert error.splitlines()[-1].startswith("error: SIGTERM at step ")
