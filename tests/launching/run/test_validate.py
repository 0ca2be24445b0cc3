from pathlib import Path

import pytest

from support.tiny_runs import compose_run, tiny_run
from wavspa.errors import UserError
from wavspa.launching.run.build import build
from wavspa.launching.run.prepare import checked
from wavspa.launching.run.validate import validate

MISTAKES = {
    "model.taps=15": "model.taps",
    "model.level=0": "model.level",
    "model.level=50 dataset.max_length=32": "model.level must be at most 5 .*max_length=32, got 50",
    "model.window=0 model/attention=longformer": "model.window",
    "model.heads=3": "model.dim",
    "model.attention=nope": "model.attention.*softmax, longformer",
    "model.wavelet=nope": "model.wavelet.*none, ada",
    "model.attention=[softmax,linear,linear]": "model.attention",
    "model.taps=80": "model.taps",
    "+model.tap=3": r"model.tap is not an option of wavspa.Encoder; did you mean model.taps",
    "+dataset.foo=3": "dataset.foo is not an option",
    "+trainer.presicion=3": "trainer.presicion is not an option.*trainer.precision",
    "+optimizer.momentum=3": "optimizer.momentum is not an option",
    "dataset.batch_size=0": "dataset.batch_size must be a whole number of at least 1, got 0$",
    "dataset.name=???": "dataset.name has no value",
    "seed=-1": "seed must be",
    "seed=one": "seed must be",
    "rerun=no": "rerun must be true or false, got 'no'",
    "dry_run=off": "dry_run must be true or false, got 'off'",
    "dataset=lra/text dataset.download=no": "dataset.download must be true or false, got 'no'",
    "model.norm_mlp=yes": "model.norm_mlp must be true or false, got 'yes'",
    "model.norm_mlp='false'": "model.norm_mlp must be true or false, got 'false'",
    "callbacks=early_stopping +callbacks.early_stopping.check_finite=no": (
        "callbacks.early_stopping.check_finite must be true or false, got 'no'"
    ),
    "+foo=1": "there is no option 'foo'$",
    "+lr=0.5": "there is no option 'lr'",
    "+max_steps=2": "there is no option 'max_steps'",
    "+init_from=x": "there is no option 'init_from'",
    "+callbacks.x=1": "callbacks.x describes nothing: it needs a _target_",
    "+logger.x.y=1": "logger.x describes nothing: it needs a _target_",
    "logger=wandb +logger.wandb.nope=1": "logger.wandb.nope is not an option",
    "logger=tensorboard +logger.tensorboard.nope=1": "logger.tensorboard.nope is not an option",
    "~optimizer": "~optimizer: optimizer cannot be removed, a run needs it; choose",
    "~trainer.max_steps": "~trainer.max_steps: trainer.max_steps cannot be removed",
    "~task.mode": "~task.mode: task.mode cannot be removed",
    "~logger": "~logger: logger cannot be removed, .* logger=csv",
    "~callbacks": "~callbacks: callbacks cannot be removed",
    "~seed": "~seed: seed cannot be removed",
    "jobs=0": "jobs must be a whole number of at least 1, got 0$",
    "find=lrs": "find='lrs' is unknown; choose one of null, lr, batch_size; did you mean lr",
    "name=''": "name must be the name of a folder, got ''$",
    "name=..": r"name must be the name of a folder, got '\.\.'$",
    f"name={'n' * 300}": "name must be at most 255 bytes long, got 300 bytes: n",
    "experiment_name=''": "experiment_name must be the name of a folder, got ''$",
    "runs=''": "runs must be a folder, got ''$",
    "trainer.max_steps=0": "trainer.max_steps must be a whole number of at least 1, got",
    "trainer.val_every=many": "trainer.val_every must be a whole number, got 'many'$",
    "trainer.log_every_n_steps=0": "trainer.log_every_n_steps must be a whole number of at least 1, got",
    "model.depth=0": "model.depth must be at least 1, got 0",
    "model.depth=-1": "model.depth must be at least 1, got -1",
    "optimizer.lr=-1": "optimizer.lr must be a number of at least 0, got -1$",
    "optimizer.lr=true": "optimizer.lr must be a number",
    "optimizer.betas=[0.9]": "optimizer.betas must be two numbers",
    "optimizer=torch": "optimizer.kind has no value",
    "optimizer=torch optimizer.kind=SGD +optimizer.options.momentun=1": (
        "optimizer.options.momentun is not an option of torch.optim.SGD; did you mean .*momentum"
    ),
    "optimizer.decay=some": "optimizer.decay='some' is unknown; choose one of matrices, all$",
    "schedule.warmup=-1": "schedule.warmup must be a whole number .*, got -1$",
    "schedule.warmup=1.5": "schedule.warmup must be .* or a share of the run below 1, got 1.5$",
    "trainer.max_steps=1": "schedule.warmup=100 leaves the only step at a learning rate of 0",
    "schedule.cycle=0": "schedule.cycle must be at least 1, got 0$",
    "task.monitor=val/nope": "task.monitor='val/nope' is unknown; choose one of val/loss, ",
    "task._target_=os.system": "_target_ 'os.system'",
    "callbacks=early_stopping callbacks.early_stopping.mode=up": "callbacks.early_stopping.mode must ",
    "logger=wandb +logger.wandb.watch=all": "logger.wandb.watch is not an option",
    "logger=wandb +logger.wandb.note=x": "logger.wandb.note .*did you mean logger.wandb.notes",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_named_in_one_line(words):
    typed = words.split()
    with pytest.raises(UserError, match=f"^{MISTAKES[words]}") as caught:
        checked(compose_run(*typed), typed)
    assert "\n" not in str(caught.value)


def test_lightnings_own_options_can_be_added():
    validate(compose_run("+trainer.limit_val_batches=3"))


def test_nothing_is_built_in_memory():
    validate(compose_run("model=base", "model.dim=65536", "model.depth=1"))


@pytest.mark.parametrize(
    ("words", "warns"),
    [
        (["trainer=debug"], False),
        (["trainer=debug", "trainer.max_steps=99"], True),
        (["trainer.max_steps=100"], True),
        (["trainer.max_steps=101"], False),
    ],
    ids=str,
)
def test_a_choice_warns_of_none_of_its_own_defaults(words, warns, capsys):
    validate(compose_run(*words))
    assert ("schedule.warmup=100 is not shorter" in capsys.readouterr().err) is warns


def test_a_budget_of_tokens_too_small_for_the_prepared_data(tmp_path: Path) -> None:
    build(compose_run(f"data_root={tmp_path / 'data'}"), "dataset").prepare_data()
    with pytest.raises(UserError, match=r"dataset\.batch_tokens=50 is too small .* at least 64"):
        tiny_run(tmp_path, "dataset.batch_tokens=50")
    assert not (tmp_path / "runs").exists()
