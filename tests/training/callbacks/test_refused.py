"""Lightning's callbacks, added by +callbacks.NAME._target_, work or are refused before there is a folder."""

import sys
from types import SimpleNamespace

import pytest
from pytorch_lightning import callbacks

from support.tiny_runs import compose_run, tiny_run, tiny_words
from wavspa.errors import UserError
from wavspa.launching.run.prepare import prepare
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics
from wavspa.run_folder.status import read_status

# What they cannot be built without.
OPTIONS = {
    "EarlyStopping": ["monitor=val/loss"],
    "GradientAccumulationScheduler": ["scheduling={0:1}"],
    "ModelCheckpoint": ["monitor=val/loss"],
    "ModelPruning": ["pruning_fn=l1_unstructured", "prune_on_train_epoch_end=false"],
    "OnExceptionCheckpoint": ["dirpath=."],
    "StochasticWeightAveraging": ["swa_lrs=0.01"],
    "Timer": ["duration='00:12:00:00'"],
}
REFUSED = {
    "BackboneFinetuning": "trains its complete model",
    "BaseFinetuning": "trains its complete model",
    "BatchSizeFinder": "find=batch_size",
    "GradientAccumulationScheduler": "trainer.accumulate_grad_batches",
    "LearningRateFinder": "find=lr",
    "OnExceptionCheckpoint": "checkpoints.every_steps",
    "ProgressBar": "its own progress bar",
    "RichProgressBar": "its own progress bar",
    "StochasticWeightAveraging": "callbacks=swa",
    "TQDMProgressBar": "its own progress bar",
    "Timer": "timeout --signal=TERM",
}
# Bases of others, and one that needs a function, which no configuration holds.
NOT_TYPED = {
    "BasePredictionWriter",
    "Callback",
    "Checkpoint",
    "LambdaCallback",
    "ThroughputMonitor",
}
# It asks psutil, which is not among the requirements.
WORKING = set(callbacks.__all__) - set(REFUSED) - NOT_TYPED - {"DeviceStatsMonitor"}


def words(name):
    options = [f"+callbacks.more.{option}" for option in OPTIONS.get(name, [])]
    return [f"+callbacks.more._target_=pytorch_lightning.callbacks.{name}", *options]


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_run_cannot_use_is_refused_with_the_way_out(tmp_path, name):
    typed = tiny_words(tmp_path, *words(name))
    message = rf"^callbacks\.more: {name} is not for runs: .*{REFUSED[name]}"
    with pytest.raises(UserError, match=message):
        prepare(compose_run(*typed), typed)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("name", "option"),
    {
        "EarlyStopping": "check_on_train_epoch_end",
        "ModelCheckpoint": "save_on_train_epoch_end",
        "ModelPruning": "prune_on_train_epoch_end",
    }.items(),
)
def test_what_waits_for_the_end_of_an_epoch_is_refused(tmp_path, name, option):
    kept = [word for word in words(name) if option not in word]
    typed = tiny_words(tmp_path, *kept, f"+callbacks.more.{option}=true")
    with pytest.raises(UserError, match=rf"^callbacks\.more\.{option} must be false"):
        prepare(compose_run(*typed), typed)
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(WORKING))
def test_the_others_train(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    folder = tiny_run(tmp_path, *words(name))
    run(folder)
    assert read_status(folder)["state"] == "finished"


def test_the_monitor_of_devices_needs_psutil_on_a_cpu(tmp_path, monkeypatch):
    monkeypatch.setattr("wavspa.training.callbacks.refused.find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"^callbacks\.more: DeviceStatsMonitor needs psutil"):
        tiny_run(tmp_path, *words("DeviceStatsMonitor"))


def test_the_monitor_of_devices_logs_into_the_rows_of_the_steps(tmp_path, monkeypatch):
    used = SimpleNamespace(percent=12.5)
    stand_in = SimpleNamespace(
        cpu_percent=lambda: 25.0, virtual_memory=lambda: used, swap_memory=lambda: used
    )
    monkeypatch.setitem(sys.modules, "psutil", stand_in)
    monkeypatch.setattr("wavspa.training.callbacks.refused.find_spec", lambda _: stand_in)
    for module in ("accelerators.cpu", "callbacks.device_stats_monitor"):
        monkeypatch.setattr(f"pytorch_lightning.{module}._PSUTIL_AVAILABLE", True)
    folder = tiny_run(tmp_path, *words("DeviceStatsMonitor"))
    run(folder)
    rows = read_metrics(folder / layout.METRICS)
    (name,) = (name for name in rows[0] if name.endswith("batch_end/cpu_percent"))
    assert [row["step"] for row in rows if row.get(name) == 25.0] == [2, 4, 6]
