import multiprocessing
import os
import sys

import numpy as np
import pytest
from mlflow import MlflowClient

from support.failing_training import fail_at
from support.tiny_runs import compose_run, tiny_run, tiny_words
from support.waiting import LIMIT
from wavspa import atomic
from wavspa.launching.run.prepare import prepare
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics
from wavspa.run_folder.status import read_status
from wavspa.training.loggers.metrics_csv import MetricsCsv
from wavspa.training.loggers.mlflow_run import DATABASE, MlflowRun

# The tables of a database take a second or two.
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def nowhere_else(monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.glob("mlruns*")), "MLflow writes where the command is typed"


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """The folder of an experiment, whose runs share a database."""
    return tmp_path_factory.mktemp("digits")


@pytest.fixture
def folder(experiment):
    path = experiment / f"run-{len(list(experiment.iterdir()))}"
    path.mkdir()
    atomic.write_text(path / layout.CONFIG, "seed: 1\ntask: {weights: {'a=b': 2}}\n")
    return path


def client_of(folder):
    return MlflowClient(f"sqlite:///{folder.parent / DATABASE}")


def identity(folder):
    return (folder / layout.MLFLOW_ID).read_text().strip()


def history(folder, name):
    found = client_of(folder).get_metric_history(identity(folder), name)
    return sorted((metric.step, metric.value) for metric in found)


def test_a_restart_continues_the_run_and_sends_no_step_twice(folder):
    first = MlflowRun(str(folder), "digits", "one", tags={"depth": 2})
    csv = MetricsCsv(folder)
    for step in range(3):
        csv.log_metrics({"loss": float(step)}, step)
        first.log_metrics({"loss": float(step)}, step)
    first.finalize("failed")
    run_of = client_of(folder).get_run(identity(folder))
    assert run_of.info.status == "FAILED"
    assert run_of.data.params == {"seed": "1", "task.weights.a_b": "2"}
    assert (run_of.data.tags["depth"], run_of.info.run_name) == ("2", "one")
    again = MlflowRun(str(folder), "digits", "one")
    for step in range(1, 5):
        again.log_metrics({"loss": float(step)}, step)
    assert client_of(folder).get_run(identity(folder)).info.status == "RUNNING"
    again.log_metrics({"val": 0.5}, 4)
    again.finalize("success")
    again.log_metrics({"test": 0.25}, 4)
    assert history(folder, "loss") == [(step, float(step)) for step in range(5)]
    assert history(folder, "val") + history(folder, "test") == [(4, 0.5), (4, 0.25)]
    assert client_of(folder).get_run(identity(folder)).info.status == "FINISHED"


def log_twenty_steps(folder):
    logger = MlflowRun(str(folder), "digits")
    for step in range(20):
        logger.log_metrics({"loss": 1.0}, step)
    logger.finalize("success")
    sys.exit(logger.failed)


@pytest.mark.filterwarnings("ignore:.*fork")
def test_two_processes_make_one_database_and_one_experiment(tmp_path):
    folders = [tmp_path / "digits" / name for name in "ab"]
    for each in folders:
        each.mkdir(parents=True)
    # Forked: what takes longest is to import MLflow.
    fork = multiprocessing.get_context("fork")
    started = [fork.Process(target=log_twenty_steps, args=(each,)) for each in folders]
    for process in started:
        process.start()
    for process in started:
        process.join(LIMIT)
    assert [process.exitcode for process in started] == [0, 0]
    runs = [client_of(each).get_run(identity(each)) for each in folders]
    assert len({each.info.experiment_id for each in runs}) == 1
    assert len({each.info.run_id for each in runs}) == 2
    assert all(len(history(each, "loss")) == 20 for each in folders)


def test_the_environment_names_a_server_unless_the_option_does(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert MlflowRun(str(folder))._tracking_uri == "http://127.0.0.1:9"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    database = f"sqlite:///{folder.parent / DATABASE}"
    assert MlflowRun(str(folder))._tracking_uri == database
    assert MlflowRun(str(folder), tracking_uri="http://127.0.0.1:8")._tracking_uri.endswith("8")


@pytest.mark.parametrize("uri", ["sqlite:////dev/null/all.db", "http://127.0.0.1:9"])
def test_a_database_or_server_that_is_not_there_stops_nothing(folder, uri, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    logger = MlflowRun(str(folder), tracking_uri=uri)
    for step in range(2):
        logger.log_metrics({"loss": 1.0}, step)
    logger.finalize("success")
    lines = capsys.readouterr().err.splitlines()
    (line,) = (line for line in lines if line.startswith("warning: "))
    assert line.startswith("warning: MLflow: ")
    assert line.endswith("; nothing more is logged to it")


def test_a_run_is_logged_resumed_and_begun_anew(tmp_path, monkeypatch, capsys):
    words = ["logger=[mlflow,tensorboard]", "checkpoints.every_steps=2"]
    words += ["trainer.log_every_n_steps=1"]
    folder = tiny_run(tmp_path, *words)
    with monkeypatch.context() as patch:
        fail_at(patch, 5, RuntimeError("it rains"))
        with pytest.raises(RuntimeError):
            run(folder)
    kept = identity(folder)
    metrics = run(folder)
    assert identity(folder) == kept
    rows = read_metrics(folder / layout.METRICS)
    for name in ("train/loss", "train/gradient_norm", "val/accuracy"):
        expected = [(int(row["step"]) - 1, row[name]) for row in rows if name in row]
        np.testing.assert_allclose(history(folder, name), expected, rtol=1e-6)
    (tested,) = history(folder, "test/accuracy")
    assert tested == (5, pytest.approx(metrics["test/accuracy"]))
    told = client_of(folder).get_run(kept)
    assert told.info.status == "FINISHED"
    assert (told.info.run_name, told.data.params["model.dim"]) == (folder.name, "16")
    assert told.data.tags["wavelet"] == "ada"
    assert "warning" not in capsys.readouterr().err
    assert list((folder / "tensorboard").iterdir())
    again = tiny_words(tmp_path, *words, "rerun=true")
    assert prepare(compose_run(*again), again) == folder
    run(folder)
    assert identity(folder) != kept
    assert read_status(folder)["state"] == "finished"
    assert set(os.listdir(tmp_path)) == {"runs", "data"}
