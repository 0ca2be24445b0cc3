"""Averages of the weights: what is evaluated, kept as the best, exported, and resumed."""

import pytest
import torch

from support.tiny_runs import compose_run, tiny_run, tiny_words
from wavspa.checks import OptionError
from wavspa.errors import UserError
from wavspa.launching.run.prepare import prepare
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout
from wavspa.tasks import Classification
from wavspa.training.callbacks.averages import EMA, SWA
from wavspa.training.callbacks.evaluated_weights import TRAINED
from wavspa.training.checkpoints.read import load_model

NAME = "model.head.0.weight"
# Of six steps with a validation at three and six.
WORDS = {
    "ema": ["callbacks=ema", "callbacks.average.decay=0.5"],
    "swa": ["callbacks=swa", "callbacks.average.start=2", "callbacks.average.every=2"],
    "schedule_free": ["optimizer=schedule_free"],
}


@pytest.fixture
def seen(monkeypatch):
    """A weight after each step, and what it was in each validation."""
    after, validated = [], []
    end, step = Classification.on_before_zero_grad, Classification.evaluation_step

    def weight(task):
        return dict(task.named_parameters())[NAME].detach().clone()

    def on_before_zero_grad(self, optimizer):
        after.append(weight(self))
        return end(self, optimizer)

    def evaluation_step(self, split, batch):
        if split == "val":
            validated.append((self.global_step, weight(self)))
        return step(self, split, batch)

    monkeypatch.setattr(Classification, "on_before_zero_grad", on_before_zero_grad)
    monkeypatch.setattr(Classification, "evaluation_step", evaluation_step)
    return after, validated


def average(after, last, choice):
    """What is evaluated after ``last`` steps, from the definition."""
    if choice == "swa":
        chosen = [after[step - 1] for step in (4, 6) if step <= last]
        return torch.stack(chosen).mean(0) if chosen else after[last - 1]
    value = after[0]
    for weight in after[1:last]:
        value = 0.5 * value + 0.5 * weight
    return value


@pytest.mark.slow
@pytest.mark.parametrize("choice", ["ema", "swa"])
def test_the_average_is_evaluated_and_kept(tmp_path, seen, choice):
    folder = tiny_run(tmp_path, *WORDS[choice])
    run(folder)
    before, validated = seen
    last = torch.load(layout.last_checkpoint(folder), weights_only=True)
    # Before each step the weights are those after the step before; the last are in the checkpoint.
    after = [*before[1:], last[TRAINED][NAME]]
    assert len(after) == 6
    for step, weight in validated:
        torch.testing.assert_close(weight, average(after, step, choice))
    torch.testing.assert_close(last["state_dict"][NAME], average(after, 6, choice))
    assert not torch.equal(last["state_dict"][NAME], last[TRAINED][NAME])


@pytest.mark.slow
@pytest.mark.parametrize("choice", WORDS)
def test_the_best_checkpoint_holds_what_was_evaluated(tmp_path, seen, choice):
    folder = tiny_run(tmp_path, *WORDS[choice])
    run(folder)
    best = torch.load(layout.best_checkpoint(folder), weights_only=True)
    (evaluated,) = {step: w for step, w in seen[1] if step == best["global_step"]}.values()
    assert torch.equal(best["state_dict"][NAME], evaluated)
    assert torch.equal(
        dict(load_model(folder).named_parameters())[NAME.removeprefix("model.")], evaluated
    )


@pytest.mark.slow
@pytest.mark.parametrize("choice", WORDS)
def test_training_goes_on_from_the_trained_weights(tmp_path, seen, choice):
    """How often a run validates, and writes checkpoints, changes nothing of what it trains."""
    run(tiny_run(tmp_path / "one", *WORDS[choice], "trainer.val_every=6"))
    count = len(seen[0])
    words = ["trainer.val_every=1", "checkpoints.every_steps=1"]
    run(tiny_run(tmp_path / "other", *WORDS[choice], *words))
    assert all(map(torch.equal, seen[0][:count], seen[0][count:]))


def test_impossible_values_are_refused():
    for option in ({"decay": 1.0}, {"start": -1}, {"start": 1.5}, {"every": 0}):
        with pytest.raises(OptionError, match=f"^{next(iter(option))}"):
            EMA(**option)
    with pytest.raises(OptionError, match=r"^start=0.75 with every=10 leaves nothing to average"):
        SWA().first_step(36)
    assert SWA().first_step(40) == 30


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["callbacks=ema", "optimizer=schedule_free"], "evaluates its own average"),
        (
            ["callbacks=ema", "trainer.strategy=fsdp"],
            r"^callbacks\.average cannot be combined with trainer.strategy=fsdp",
        ),
        (
            ["optimizer=muon", "trainer.strategy=fsdp"],
            "^optimizer=muon cannot be combined with trainer.strategy=fsdp",
        ),
        (
            ["optimizer=schedule_free", "trainer.strategy=fsdp"],
            "^optimizer=schedule_free cannot be combined",
        ),
        (
            ["callbacks=swa", "trainer.max_steps=12"],
            r"^callbacks\.average\.start=0\.75 with every=10",
        ),
        (["callbacks=[ema,swa]"], r"^callbacks\.average\.decay is not an option of .*SWA"),
    ],
)
def test_what_does_not_go_together_is_refused_before_there_is_a_folder(tmp_path, words, message):
    typed = tiny_words(tmp_path, *words)
    with pytest.raises(UserError, match=message):
        prepare(compose_run(*typed), typed)
    assert not (tmp_path / "runs").exists()


def test_an_average_goes_with_early_stopping():
    config = compose_run("callbacks=[early_stopping,ema]")
    assert set(config.callbacks) == {"wavelet_metrics", "early_stopping", "average"}
