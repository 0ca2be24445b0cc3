"""Metrics of torchmetrics that a user adds: computed as they are, refused before a folder is made."""

from functools import partial

import pytest
import torch
from torch import nn
from torchmetrics.classification import (
    BinaryCohenKappa,
    MulticlassAccuracy,
    MulticlassCohenKappa,
)

from support.tiny_runs import compose_run, finished_run, tiny_run, tiny_words
from wavspa.errors import UserError
from wavspa.launching.run.prepare import prepare
from wavspa.run_folder.status import read_status
from wavspa.tasks import Classification
from wavspa.tasks.metrics import detection, multiclass
from wavspa.training.optimizers import adamw
from wavspa.training.schedules import constant

KAPPA = "torchmetrics.classification.MulticlassCohenKappa"
OWN = f"+task.metrics.kappa={{_target_:{KAPPA},num_classes:${{dataset.classes}}}}"


def test_a_metric_is_logged_and_may_be_monitored(tmp_path):
    folder = finished_run(tmp_path, OWN, "task.monitor=val/kappa", "task.mode=max")
    status = read_status(folder)
    assert -1 <= status["test"]["test/kappa"] <= 1
    assert status["best"]["metric"] == "val/kappa"


def test_every_split_has_its_own_copy():
    own = MulticlassCohenKappa(3)
    first, second = multiclass(3, kappa=own), multiclass(3, kappa=own)
    first["kappa"].update(torch.eye(3), torch.tensor([0, 1, 2]))
    assert first["kappa"].compute() == 1
    assert second["kappa"].confmat.sum() == own.confmat.sum() == 0


def test_metrics_that_a_first_batch_does_not_tell_apart_are_counted_apart():
    top2 = MulticlassAccuracy(3, top_k=2)
    metrics = partial(multiclass, top2=top2)
    scores = Classification(nn.Linear(1, 3), adamw, constant, 3, metrics).scores["val"]
    logits, labels = torch.randn(300, 3), torch.randint(0, 3, (300,))
    for batch in ((torch.eye(3), torch.arange(3)), (logits, labels)):
        scores.update(*batch)
        top2.update(*batch)
    assert scores.compute()["val/top2"] == top2.compute() > 0.5


def test_one_score_is_the_probability_of_class_one():
    logits, labels = torch.randn(20, 2), torch.randint(2, (20,))
    found = detection(2, kappa=BinaryCohenKappa(threshold=0.6))["kappa"]
    found.update(logits, labels)
    wanted = BinaryCohenKappa(threshold=0.6)(logits.softmax(-1)[:, 1], labels)
    torch.testing.assert_close(found.compute(), wanted)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (
            f"+task.metrics.kappa._target_={KAPPA}",
            r"task\.metrics\.kappa\.num_classes has no value: set it with task\.metrics\.kappa\.nu",
        ),
        (
            f"+task.metrics.kappa={{_target_:{KAPPA},num_classes:3}}",
            r"task\.metrics\.kappa must take logits \[B, 10\] and labels \[B\]: ",
        ),
        (
            f"+task.metrics.accuracy={{_target_:{KAPPA},num_classes:10}}",
            r"task\.metrics\.accuracy must have another name: the task logs accuracy",
        ),
        (
            "+task.metrics.r={_target_:torchmetrics.Recall,task:multiclass,num_classes:10,average:null}",
            r"task\.metrics\.r must return one number, got \[10\]: try average=macro",
        ),
        ("+task.metrics.r=3", r"task\.metrics\.r must have the _target_ of a metric, got 3"),
        (
            "+task.metrics.r={_target_:torch.nn.Identity}",
            r"task\.metrics\.r must be a metric of torchmetrics, got Identity",
        ),
        ("+task.metrics.r={_target_:os.system}", r"_target_ 'os\.system' is not in one of"),
        ("task.metrics=3", r"task\.metrics must be a node with a _target_, got 3"),
    ],
)
def test_mistakes_make_no_folder(tmp_path, word, message):
    words = tiny_words(tmp_path, word)
    with pytest.raises(UserError, match=message) as error:
        prepare(compose_run(*words), words)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "runs").exists()


def test_a_metric_makes_another_run(tmp_path):
    assert tiny_run(tmp_path, OWN) != tiny_run(tmp_path)
