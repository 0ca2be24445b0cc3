"""Each argument of Lightning's Trainer does what it is documented to do, or is refused before the start."""

import inspect

import pytest
from omegaconf import OmegaConf
from pytorch_lightning import Trainer

from support.tiny_runs import compose_run, tiny_run, tiny_words
from wavspa.errors import UserError
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.naming import config_hash
from wavspa.launching.run.prepare import prepare
from wavspa.launching.run.validate import validate
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics
from wavspa.run_folder.status import read_status
from wavspa.tasks import Classification
from wavspa.training.trainer_options import _CHECKS, REFUSED

# 50 digits in batches of 16: a pass has four batches, the last one of two.
PER_EPOCH = 4
IMPOSSIBLE = {
    "accelerator": ["gpus", "null"],
    "accumulate_grad_batches": ["0", "1.5", "true"],
    "benchmark": ["fast"],
    "detect_anomaly": ["yes"],
    "deterministic": ["loud"],
    "devices": ["0", "-2", "true", "many", "[]"],
    "gradient_clip_algorithm": ["mean"],
    "gradient_clip_val": ["-1", "true", "nan", "much"],
    "inference_mode": ["on"],
    "limit_train_batches": ["0", "-1", "1.5", "true", "null"],
    "limit_val_batches": ["0", "0.0", "-1", "2.5"],
    "log_every_n_steps": ["0", "null"],
    "max_epochs": ["0", "-1", "1.5", "true"],
    "max_steps": ["0", "-1", "null", "1e3"],
    "num_nodes": ["0", "true"],
    "overfit_batches": ["-1", "1.5"],
    "precision": ["8", "bf16-half", "true"],
    "profile": ["0", "-1", "2.5", "null"],
    "profiler": ["fast"],
    "strategy": ["dpp", "ddp_spawn", "ddp_fork_find_unused_parameters_true", "ddp_notebook"],
    "sync_batchnorm": ["maybe"],
    "val_every": ["0", "0.5"],
}


def word(name, value):
    return f"++trainer.{name}={value}"


def test_every_argument_is_checked_or_refused():
    lightning = set(inspect.signature(Trainer.__init__).parameters) - {"self"}
    assert lightning == (set(_CHECKS) | set(REFUSED)) - {"val_every", "profile"}
    assert not set(_CHECKS) & set(REFUSED)
    assert set(IMPOSSIBLE) == set(_CHECKS)


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_run_has_no_use_for_is_refused_with_the_way_out(name):
    with pytest.raises(UserError, match=rf"^trainer\.{name} is not for runs: \w") as caught:
        validate(compose_run(word(name, "1")))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in IMPOSSIBLE.items() for value in values]
)
def test_an_impossible_value_is_refused_before_there_is_a_folder(tmp_path, name, value):
    words = tiny_words(tmp_path, word(name, value))
    with pytest.raises(UserError, match=rf"^trainer\.{name}(=| must be )") as caught:
        prepare(compose_run(*words), words)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("value", ["ddp_spawn", "{_target_: any.Strategy, start_method: fork}"])
def test_a_strategy_that_cannot_start_a_run_names_one_that_can(value):
    with pytest.raises(UserError, match=r"^trainer\.strategy=\w+ cannot start .*: choose ddp$"):
        validate(compose_run(word("strategy", value)))


@pytest.mark.parametrize("precision", ["transformer-engine", "transformer-engine-float16"])
def test_a_precision_of_another_package_needs_its_device_and_the_package(monkeypatch, precision):
    def check(*words):
        validate(compose_run(f"trainer.precision={precision}", *words))

    monkeypatch.setattr("wavspa.training.trainer_options.find_spec", lambda _: None)
    with pytest.raises(UserError, match=rf"^trainer.precision={precision} needs a CUDA device"):
        check("trainer=cpu")
    # A login node has neither.
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    check("trainer=gpu")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    with pytest.raises(
        UserError, match=rf"^trainer.precision={precision} needs transformer_engine:"
    ):
        check("trainer=gpu")


@pytest.fixture
def seen(monkeypatch):
    """The labels of every training batch, and what its step began with."""
    labels = []
    step = Classification.training_step

    def training_step(self, batch, batch_idx):
        labels.append(batch.labels.tolist())
        return step(self, batch, batch_idx)

    monkeypatch.setattr(Classification, "training_step", training_step)
    return labels


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "per_epoch"), [("3", 3), ("0.5", 2), ("9", PER_EPOCH)])
def test_limited_passes_have_new_batches_each(tmp_path, seen, limit, per_epoch):
    run(tiny_run(tmp_path / "whole", "trainer.max_steps=12"))
    whole = _cut(list(seen), PER_EPOCH)
    seen.clear()
    folder = tiny_run(tmp_path, "trainer.max_steps=6", word("limit_train_batches", limit))
    run(folder)
    assert _cut(seen, per_epoch)[: 6 // per_epoch] == [
        epoch[:per_epoch] for epoch in whole[: 6 // per_epoch]
    ]
    rows = read_metrics(folder / layout.METRICS)
    assert [row["epoch"] for row in rows] == [(row["step"] - 1) // per_epoch for row in rows]


def _cut(batches, size):
    return [batches[first : first + size] for first in range(0, len(batches), size)]


@pytest.mark.slow
def test_overfitting_repeats_its_batches_also_after_a_restart(tmp_path, seen, at_step):
    def crash():
        raise RuntimeError("power cut")

    words = ["trainer.max_steps=9", "trainer.val_every=4", word("overfit_batches", 2)]
    folder = tiny_run(tmp_path, *words)
    at_step(crash, 5)
    with pytest.raises(RuntimeError, match="power cut"):
        run(folder)
    del seen[4:]
    run(folder)
    assert len(seen) == 9
    assert seen == [seen[step % 2] for step in range(9)]
    assert seen[0] != seen[1]


def test_a_share_of_the_validation_is_validated(tmp_path):
    run(tiny_run(tmp_path, "trainer.max_steps=2", word("limit_val_batches", 0.5)))


@pytest.mark.parametrize(
    ("words", "steps"),
    [
        (["trainer.max_epochs=3"], 12),
        (["trainer.max_epochs=3", "trainer.accumulate_grad_batches=8"], 2),
        (["trainer.max_epochs=2", "+trainer.limit_train_batches=0.5"], 4),
        (["trainer.max_epochs=5", "+trainer.overfit_batches=1"], 5),
        (["trainer.max_epochs=2", "trainer.max_steps=null"], 8),
    ],
)
def test_epochs_become_steps(tmp_path, words, steps):
    config = read_config(tiny_run(tmp_path, *words))
    assert config.trainer.max_steps == steps
    assert config.trainer.max_epochs == int(words[0].partition("=")[2])
    # A name of 80 characters has no room for a second option.
    assert len(words) > 1 or "max_epochs" in config.name


def test_a_run_of_epochs_ends_with_its_schedule_and_status(tmp_path, seen):
    words = ["trainer.max_epochs=2", "trainer.log_every_n_steps=1"]
    folder = tiny_run(tmp_path, *words)
    run(folder)
    status = read_status(folder)
    assert (status["state"], status["step"], status["steps"]) == ("finished", 8, 8)
    assert len(seen) == 2 * PER_EPOCH
    rates = [row["lr"] for row in read_metrics(folder / layout.METRICS) if "lr" in row]
    assert 0 < rates[-1] < rates[-2] < max(rates)
    assert tiny_run(tmp_path, *words) == folder


def test_steps_and_epochs_exclude_each_other(tmp_path):
    with pytest.raises(
        UserError, match=r"^trainer\.max_epochs cannot be combined with trainer\.max_steps"
    ):
        tiny_run(tmp_path, "trainer.max_epochs=2", "trainer.max_steps=5")
    assert not (tmp_path / "runs").exists()
    with pytest.raises(
        UserError, match=r"^trainer\.profile cannot be combined with trainer\.profiler=py"
    ):
        validate(compose_run("trainer.profile=true", "+trainer.profiler=pytorch"))
    with pytest.raises(UserError, match=r"^trainer\.overfit_batches cannot be combined with"):
        validate(compose_run("+trainer.overfit_batches=1", "+trainer.limit_train_batches=1"))


def test_the_option_leaves_the_names_of_runs_as_they_were():
    config, before = compose_run(), compose_run()
    OmegaConf.set_struct(before, False)
    before.trainer.pop("max_epochs")
    assert config_hash(config) == config_hash(before)
    assert config_hash(compose_run("trainer.max_epochs=2")) != config_hash(config)


def test_a_profile_lies_in_the_folder_of_the_run(tmp_path, capsys):
    folder = tiny_run(tmp_path, "trainer.max_steps=2", word("profiler", "simple"))
    run(folder)
    (path,) = folder.glob("fit-profile*")
    assert "run_training_batch" in path.read_text()
    assert f"profile: {path}" in capsys.readouterr().out
