"""Trackio's own library where it is installed; else a stand-in with its functions."""

import importlib.util
import sys

import pytest

from support.failing_training import fail_at
from support.tiny_runs import compose_run, tiny_run, tiny_words
from support.trackio_stand_in import stand_in_for_trackio
from wavspa.launching.run.prepare import prepare
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics
from wavspa.run_folder.status import read_status
from wavspa.training.loggers.metrics_csv import MetricsCsv
from wavspa.training.loggers.trackio_run import TrackioRun


@pytest.fixture
def trackio(monkeypatch):
    return stand_in_for_trackio(monkeypatch)


def rows_of(trackio, folder):
    (found,) = (run for (_, name), run in trackio.runs.items() if name.startswith(folder.name))
    return found.rows


def test_a_restart_continues_the_run_and_sends_no_step_twice(tmp_path, trackio, capsys):
    (tmp_path / layout.CONFIG).write_text("seed: 3\n")
    first, csv = TrackioRun(str(tmp_path), "p", "one", "g"), MetricsCsv(tmp_path)
    for step in range(3):
        csv.log_metrics({"loss": float(step)}, step)
        first.log_metrics({"loss": float(step)}, step)
    first.finalize("failed")
    again = TrackioRun(str(tmp_path), "p", "one", "g")
    for step in range(1, 5):
        again.log_metrics({"loss": float(step)}, step)
    again.finalize("success")
    again.log_metrics({"test": 0.5}, 4)
    again.finalize("success")
    again.finalize("success")
    assert trackio.current is None
    ((project, name),) = trackio.runs
    assert (project, name) == ("p", f"one-{(tmp_path / layout.TRACKIO_ID).read_text().strip()}")
    found = trackio.runs[project, name]
    assert found.rows == [*((step, {"loss": step}) for step in range(5)), (4, {"test": 0.5})]
    assert found.inits == [{"group": "g", "space_id": None, "config": {"seed": 3}}] * 3
    assert capsys.readouterr().out == ""


def test_a_failure_stops_nothing(tmp_path, trackio, monkeypatch, capsys):
    def refuse(**_):
        raise ConnectionError("no such Space")

    monkeypatch.setattr(sys.modules["trackio"], "init", refuse)
    logger = TrackioRun(str(tmp_path))
    for step in range(2):
        logger.log_metrics({"loss": 1.0}, step)
    logger.finalize("success")
    warning = "warning: Trackio: no such Space; nothing more is logged to it"
    assert capsys.readouterr().err.splitlines() == [warning]


@pytest.mark.slow
def test_a_run_is_logged_resumed_and_begun_anew(tmp_path, trackio, monkeypatch, capsys):
    words = ["logger=trackio", "checkpoints.every_steps=2", "trainer.log_every_n_steps=1"]
    folder = tiny_run(tmp_path, *words)
    with monkeypatch.context() as patch:
        fail_at(patch, 5, RuntimeError("it rains"))
        with pytest.raises(RuntimeError):
            run(folder)
    run(folder)
    sent = [
        (step + 1, name, value)
        for step, metrics in rows_of(trackio, folder)
        for name, value in metrics.items()
        if "/" in name or name == "lr"
    ]
    expected = [
        (row["step"], name, value)
        for row in read_metrics(folder / layout.METRICS)
        for name, value in row.items()
        if "/" in name or name == "lr"
    ]
    assert sorted(sent) == [(step, name, pytest.approx(v)) for step, name, v in sorted(expected)]
    again = tiny_words(tmp_path, *words, "rerun=true")
    assert prepare(compose_run(*again), again) == folder
    run(folder)
    assert read_status(folder)["state"] == "finished"
    assert len(trackio.runs) == 2
    assert "Trackio" not in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("trackio") is None,
    reason="trackio is not installed: it cannot be combined with the tested version of pillow",
)
def test_trackio_itself_keeps_what_is_sent(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "trackio"]:
        monkeypatch.delitem(sys.modules, name)
    from trackio import Api
    from trackio.sqlite_storage import SQLiteStorage

    for value in (1.0, 2.0):
        logger = TrackioRun(str(tmp_path), "p", "one")
        logger.log_metrics({"loss": value, "other": float("nan")}, int(value))
        logger.finalize("success")
    (found,) = Api().runs("p")
    assert found.name == f"one-{(tmp_path / layout.TRACKIO_ID).read_text().strip()}"
    kept = SQLiteStorage.get_logs("p", found.name)
    assert [(row["step"], row["loss"]) for row in kept] == [(1, 1.0), (2, 2.0)]
