"""Every metric that a task logs has its facts, and everything that orders runs takes them from there."""

import math
from functools import cache
from itertools import pairwise

import pytest
import torch

from support.tiny_runs import compose_run, tiny_run
from wavspa.errors import RunFailed, UserError
from wavspa.launching.run.build import build
from wavspa.launching.run.validate import validate
from wavspa.launching.run.worker import run
from wavspa.metric_facts import METRICS, digits, direction, fact, factor
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics
from wavspa.run_folder.status import read_status

SIZES = ["dataset.vocab_size=300", "dataset.classes=2"]
TASKS = {
    "classification": ["task.classes=2"],
    "detection": ["task.classes=2"],
    "clones": ["task.classes=2"],
    "embedding": [],
    "masked": ["task.rate=0.15"],
    "lego": ["dataset=lego"],
    "multilabel": ["dataset=files", "dataset.train=train.csv", *SIZES],
    "regression": ["dataset=files", "dataset.train=train.csv", *SIZES],
    "tagging": ["dataset=tagging", "dataset.train=train.conll", "dataset.scheme=lenient", *SIZES],
    "summarization": [
        "dataset=docstrings",
        "dataset.vocab_size=300",
        "task.metrics.sacrebleu=true",
    ],
    "translation": [
        "dataset=codexglue/translation",
        "dataset.vocab_size=300",
        "task.metrics.codebleu=c_sharp",
    ],
}


@cache
def logged(name):
    config = compose_run("model=tiny", f"task={name}", *TASKS[name])
    with torch.device("meta"):
        model = build(config, "model")
        parts = {"optimizer": build(config, "optimizer"), "schedule": build(config, "schedule")}
        return build(config, "task", model=model, **parts).logged


@pytest.mark.parametrize("name", TASKS)
def test_every_metric_of_a_task_has_its_facts(name):
    assert [metric for metric in logged(name) if fact(metric) is None] == []


def test_every_fact_is_of_a_metric():
    found = {metric.removeprefix("val/") for name in TASKS for metric in logged(name)}
    assert METRICS.keys() <= found


@pytest.mark.parametrize(
    ("metric", "facts"),
    [
        ("val/loss", ("min", 1, 4)),
        ("test/accuracy", ("max", 100, 2)),
        ("val/accuracy_12", ("max", 100, 2)),
        ("test/f1_at_5_fpr", ("max", 100, 2)),
        ("val/mine", (None, 1, 4)),
        ("energy/layer1/cA1", (None, 1, 4)),
    ],
)
def test_facts(metric, facts):
    assert (direction(metric), factor(metric), digits(metric)) == facts


STOPPING = "callbacks=early_stopping"
MISTAKES = {
    "task.monitor=val/loss task.mode=max": "task.mode=max contradicts task.monitor=val/loss, whose lowest "
    "value is the best: leave task.mode out",
    "task.mode=min": "task.mode=min contradicts task.monitor=val/accuracy, whose highest value",
    "task.mode=null": r"task.mode must be min or max, got None",
    f"{STOPPING} callbacks.early_stopping.monitor=val/nope": "callbacks.early_stopping.monitor='val/nope' is "
    "unknown; choose one of val/loss, val/accuracy, val/f1, energy/layer1/cA1",
    f"{STOPPING} callbacks.early_stopping.mode=min": "callbacks.early_stopping.mode=min contradicts "
    "callbacks.early_stopping.monitor=val/accuracy",
    f"{STOPPING} callbacks.early_stopping.monitor=orthogonality/layer1": "callbacks.early_stopping.mode must "
    "be min or max: wavspa does not know whether",
    f"{STOPPING} ~callbacks.wavelet_metrics callbacks.early_stopping.monitor=energy/layer1/cA1": "callbacks."
    "early_stopping.monitor='energy/layer1/cA1' is unknown",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_what_is_monitored_in_vain_is_refused(words):
    with pytest.raises(UserError, match=f"^{MISTAKES[words]}") as caught:
        validate(compose_run("model=tiny", *words.split()))
    assert "\n" not in str(caught.value)


def test_what_a_callback_monitors_may_be_of_the_wavelets():
    words = "callbacks.early_stopping.monitor=energy/layer1/cA1 callbacks.early_stopping.mode=min"
    validate(compose_run("model=tiny", STOPPING, *words.split()))


@pytest.fixture
def own_files(tmp_path, monkeypatch):
    """A file of two labels, and one of one."""
    monkeypatch.chdir(tmp_path)
    rows = [f"text {n},{n % 2}" for n in range(40)]
    (tmp_path / "train.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    (tmp_path / "one.csv").write_text("text,label\n" + "".join(f"more {n},1\n" for n in range(8)))
    return ["dataset=files", "dataset.train=train.csv", "dataset.max_length=16"]


def test_auroc_of_one_class_cannot_be_monitored(tmp_path, own_files):
    words = [*own_files, "dataset.val=one.csv", "task.monitor=val/auroc"]
    with pytest.raises(
        UserError, match=r"^task\.monitor=val/auroc is undefined: all examples of val"
    ):
        tiny_run(tmp_path, *words)
    assert not (tmp_path / "runs").exists()


def test_auroc_of_the_one_class_that_a_limit_leaves_cannot_be_monitored(tmp_path, own_files):
    words = [*own_files, "task.monitor=val/auroc", "dataset.eval_limit=1"]
    message = r"^task\.monitor=val/auroc is undefined: all examples of val .* raise the limit of 1 of them"
    for _ in range(2):  # of data that are prepared now, and of prepared data
        with pytest.raises(UserError, match=message):
            tiny_run(tmp_path, *words)
    assert not (tmp_path / "runs").exists()


def test_class_weights_are_typed_by_label(tmp_path, own_files):
    folder = tiny_run(tmp_path, *own_files, "task.class_weights={0:1,1:10}")
    assert run(folder)["test/loss"] > 0
    with pytest.raises(UserError, match=r"^task\.class_weights: the label 'neg' is unknown"):
        tiny_run(tmp_path, *own_files, "task.class_weights={neg:1,pos:10}")


def test_auroc_of_one_class_is_undefined(tmp_path, own_files, capsys):
    folder = tiny_run(tmp_path, *own_files, "dataset.val=one.csv", "dataset.test=one.csv")
    metrics = run(folder)
    assert math.isnan(metrics["test/auroc"])
    assert math.isnan(read_metrics(folder / layout.METRICS)[-1]["test/auroc"])
    assert "test/auroc \N{EN DASH}" in capsys.readouterr().out


def test_a_monitored_metric_that_becomes_undefined_ends_the_run(tmp_path, monkeypatch):
    broken = tiny_run(tmp_path, "task.monitor=val/loss")
    monkeypatch.setattr(
        "wavspa.tasks.Classification.loss",
        lambda self, logits, labels: logits.sum() * (0 if self.training else math.nan),
    )
    with pytest.raises(RunFailed, match=r"task\.monitor=val/loss is undefined at step 3 \(NaN\)"):
        run(broken)


@pytest.mark.slow
def test_the_lowest_loss_is_the_best(tmp_path):
    folder = tiny_run(
        tmp_path,
        "task.monitor=val/loss",
        STOPPING,
        "callbacks.early_stopping.patience=2",
        "trainer.max_steps=20",
        "trainer.val_every=4",
        "optimizer.lr=1e-3",
    )
    run(folder)
    losses = [row["val/loss"] for row in read_metrics(folder / layout.METRICS) if "val/loss" in row]
    status = read_status(folder)
    assert min(losses) < max(losses)
    assert status["best"]["value"] == pytest.approx(min(losses), rel=1e-5)
    (kept,) = [
        state["best_model_score"]
        for state in torch.load(layout.best_checkpoint(folder), weights_only=True)[
            "callbacks"
        ].values()
        if "best_model_score" in state
    ]
    assert float(kept) == pytest.approx(min(losses), rel=1e-5)
    # Two validations in a row without a lower loss end the run, and nothing else before its last step.
    stale = [loss >= min(losses[:i], default=math.inf) for i, loss in enumerate(losses)]
    twice = [before and now for before, now in pairwise(stale)]
    assert not any(twice[:-1])
    assert status["step"] == 4 * len(losses)
    assert twice[-1] or status["step"] == 20
