"""What is shown of a run is what the run was, and what it learned."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from support.reported_runs import frozen_run
from support.tiny_runs import tiny_run
from wavspa.launching.analysis.trained_run import TrainedRun, initial_model, learned_filters
from wavspa.launching.run.filters import all_filters, paired
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.worker import run
from wavspa.reports.runs.collect import read_run
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status
from wavspa.training.checkpoints.read import load_model


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tiny_run(
        tmp_path_factory.mktemp("trained"), "model/wavelet=ortho", "optimizer.lr=0.01"
    )
    run(folder)
    return TrainedRun(folder, read_config(folder), "test")


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["model/wavelet=ortho"],
        ["model/wavelet=lift", "model/attention=performer", "model.features=favor"],
    ],
)
def test_the_initial_model_is_that_of_the_run_to_the_last_bit(tmp_path, words):
    """With a learning rate of 0 nothing moves, so the checkpoint still is what the run began with."""
    folder = tiny_run(tmp_path, *words, "optimizer.lr=0", "trainer.max_steps=1", "seed=7")
    run(folder)
    ended, state = load_model(folder).state_dict(), torch.get_rng_state()
    began = initial_model(read_config(folder)).state_dict()
    assert began.keys() == ended.keys()
    assert all(torch.equal(began[name], ended[name]) for name in began)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_other_seeds_are_found_from_inside_of_a_run(tmp_path, monkeypatch):
    first, second = (frozen_run(tmp_path, seed) for seed in (1, 2))
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / layout.CONFIG).write_bytes(b"\xff")
    monkeypatch.chdir(first)
    seeds = TrainedRun(Path(), read_config(first), "val").seeds
    assert [run.folder for run in seeds] == [first, second]


def test_filters_come_from_the_best_checkpoint_beside_the_initial_ones(trained):
    learned = all_filters(load_model(trained.folder))
    for number, layer in enumerate(trained.filters):
        assert layer.title == f"layer {number + 1}, low pass"
        assert np.array_equal(layer.learned, learned[number]["low pass"])
        assert np.abs(layer.learned - layer.initial).max() > 1e-3


def test_a_report_gets_the_filters_of_the_runs_that_still_have_their_checkpoint(trained, tmp_path):
    bare, torn, whole, more = (tmp_path / name for name in ("bare", "torn", "whole", "more"))
    for folder in (bare, torn, whole, more):
        shutil.copytree(trained.folder, folder)
    shutil.rmtree(bare / layout.CHECKPOINTS)
    layout.best_checkpoint(torn).write_bytes(b"torn")
    cells = [[read_run(bare), read_run(more)], [read_run(torn)], [read_run(whole)]]
    filters, troubles = learned_filters(cells, most=1)
    assert list(filters) == [whole]
    assert np.array_equal(filters[whole][0].learned, trained.filters[0].learned)
    assert [line.startswith(f"no filters: {torn}: ") for line in troubles] == [True]
    assert list(learned_filters(cells, most=9)[0]) == [whole, more]


def test_filters_that_are_not_learned_are_told_once():
    same = [{"low pass": np.ones((4, 2))}]
    assert paired(same, same)[0].initial is None


def test_predictions_are_those_of_the_test(trained):
    predictions = trained.predictions
    right = (predictions.predicted == predictions.labels).float().mean().item()
    assert right == pytest.approx(read_status(trained.folder)["test"]["test/accuracy"], abs=1e-7)
    counts = predictions.confusion(10)
    assert counts.sum() == len(predictions.lengths)
    assert counts.trace() == round(right * counts.sum().item())
    assert set(predictions.lengths.tolist()) == {64}


def test_examples_are_the_first_of_the_split(trained):
    (first, label), _ = trained.examples(2)
    batch = next(iter(trained.data.test_dataloader()))
    assert first.tolist() == batch.tokens[0].tolist()
    assert label == batch.labels[0]
