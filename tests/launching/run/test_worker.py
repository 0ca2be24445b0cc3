import json
from math import nan

import pytest
import torch

from support.failing_training import fail_at
from support.tiny_runs import tiny_run
from wavspa.errors import RunFailed, UserError
from wavspa.launching.run.build import build_run
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics
from wavspa.run_folder.status import read_status
from wavspa.tasks import Classification


def metrics(folder):
    """The rows of metrics.csv without the clock's column."""
    rows = read_metrics(folder / layout.METRICS)
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tiny_run(tmp_path_factory.mktemp("finished"))
    return folder, run(folder)


def test_a_finished_run_leaves_its_files(finished):
    folder, tested = finished
    status = read_status(folder)
    assert status["state"] == "finished"
    assert status["step"] == 6
    assert status["test"] == tested
    assert {"test/loss", "test/accuracy", "test/f1"} == tested.keys()
    assert status["best"]["metric"] == "val/accuracy"
    assert status["best"]["step"] in (3, 6)
    assert min(status["seconds_per_step"], status["first_step_seconds"]) > 0
    assert status["mfu"] is None or torch.cuda.is_available()
    # 16 digits of 64 positions a step; a median and a mean of few steps are near each other.
    assert 0.1 < status["tokens_per_second"] * status["seconds_per_step"] / (16 * 64) < 10
    assert 2**20 < status["peak_memory"] < 2**40
    assert "CPU, " in status["device"] or torch.cuda.is_available()
    assert layout.last_checkpoint(folder).exists()
    assert json.loads((folder / layout.CARD).read_text())["splits"]["test"]["examples"] == 360
    rows = metrics(folder)
    assert [row["step"] for row in rows] == [2, 3, 4, 6]
    of_a_step = {"train/loss", "train/accuracy", "train/gradient_norm", "lr"}
    assert rows[0].keys() == {"step", "epoch", *of_a_step}
    assert rows[1].keys() >= {"step", "epoch", "val/loss", "val/accuracy", "val/f1"}
    assert rows[-1].keys() >= {"train/loss", "val/accuracy", "test/accuracy"}


def test_the_best_checkpoint_is_the_one_tested(finished):
    folder, _ = finished
    best = torch.load(layout.best_checkpoint(folder), weights_only=True)
    assert best["global_step"] == read_status(folder)["best"]["step"]


def test_a_finished_run_says_so_and_trains_no_more(finished, capsys):
    folder, tested = finished
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert run(folder) == tested
    assert capsys.readouterr().out.startswith(f"finished: {folder}  test/loss")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_the_same_configuration_gives_the_same_metrics(finished, tmp_path):
    folder, tested = finished
    other = tiny_run(tmp_path)
    assert run(other) == tested
    assert metrics(other) == metrics(folder)


def test_another_seed_gives_others(finished, tmp_path):
    folder, _ = finished
    other = tiny_run(tmp_path, "seed=2")
    run(other)
    assert metrics(other) != metrics(folder)


def test_bf16_mixed_runs(tmp_path):
    folder = tiny_run(tmp_path, "trainer.precision=bf16-mixed", "model/wavelet=ortho")
    assert run(folder).keys() == {"test/loss", "test/accuracy", "test/f1"}


def test_the_last_step_is_validated_and_kept_though_val_every_does_not_divide_it(tmp_path):
    folder = tiny_run(tmp_path, "trainer.max_steps=5")
    run(folder)
    assert [row["step"] for row in metrics(folder) if "val/loss" in row] == [3, 5]
    assert torch.load(layout.last_checkpoint(folder), weights_only=True)["global_step"] == 5


def test_steps_are_optimizer_steps_under_accumulation(tmp_path):
    folder = tiny_run(tmp_path, "trainer.accumulate_grad_batches=2")
    run(folder)
    assert [row["step"] for row in metrics(folder) if "val/loss" in row] == [3, 6]
    assert read_status(folder)["step"] == 6


def test_a_crash_is_written_down_and_the_same_command_goes_on(tmp_path, monkeypatch, capsys):
    folder = tiny_run(tmp_path)
    fail_at(monkeypatch, 5, RuntimeError("it rains"))
    with pytest.raises(RuntimeError):
        run(folder)
    status = read_status(folder)
    assert (status["state"], status["reason"]) == ("failed", "RuntimeError: it rains")
    assert [row["step"] for row in metrics(folder)] == [2, 3, 4]

    monkeypatch.undo()
    run(folder)
    assert f"resuming from step 3: {folder}" in capsys.readouterr().out
    status = read_status(folder)
    assert (status["state"], status["step"], status["reason"]) == ("finished", 6, "")
    assert [row["step"] for row in metrics(folder)] == [2, 3, 4, 6]


def test_an_interrupt_is_written_down(tmp_path, monkeypatch):
    folder = tiny_run(tmp_path)
    fail_at(monkeypatch, 2, KeyboardInterrupt())
    with pytest.raises(SystemExit):
        run(folder)
    assert read_status(folder)["reason"].startswith("interrupted")


def test_a_run_that_diverges_is_failed(tmp_path, monkeypatch):
    """The reason names the step, the rows of its batch and the checkpoint before it."""
    folder = tiny_run(tmp_path, "dataset.batch_size=4")
    data = build_run(read_config(folder))[1]
    data.prepare_data()
    data.setup()
    rows = list(data.train_dataloader().batch_sampler)[4]
    sensible = Classification.loss

    def loss(self, logits, labels):
        return sensible(self, logits, labels) * (nan if self.global_step == 4 else 1)

    monkeypatch.setattr(Classification, "loss", loss)
    with pytest.raises(RunFailed, match="step 4"):
        run(folder)
    reason = read_status(folder)["reason"]
    assert f"the loss is nan at step 4 (rows {', '.join(map(str, rows))} of train)" in reason
    assert reason.endswith("last.ckpt holds step 3")


def test_a_damaged_last_checkpoint_is_named(tmp_path, monkeypatch):
    folder = tiny_run(tmp_path)
    fail_at(monkeypatch, 5, RuntimeError("it rains"))
    with pytest.raises(RuntimeError):
        run(folder)
    monkeypatch.undo()
    last = layout.last_checkpoint(folder)
    last.write_bytes(last.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"last\.ckpt is damaged"):
        run(folder)


def test_early_stopping_ends_a_run_before_its_steps(tmp_path, capsys):
    words = ["callbacks=early_stopping", "callbacks.early_stopping.patience=1", "optimizer.lr=0"]
    folder = tiny_run(tmp_path, *words, "trainer.max_steps=60")
    run(folder)
    status = read_status(folder)
    assert (status["state"], status["step"]) == ("finished", 6)
    why = "stopped early at step 6 of 60, val/accuracy has not improved for 1 validations"
    assert capsys.readouterr().out.splitlines()[-1].endswith(f"  {why}")
    run(folder)
    assert capsys.readouterr().out.endswith(f"  {why}\n")
