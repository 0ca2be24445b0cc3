"""Results of some cells of the studies."""

import pytest

from scripts.evidence import collect
from scripts.evidence.cost import LENGTH_COLUMNS, STEP_COLUMNS, append
from scripts.evidence.pieces import Settings
from support.evidence_runs import write_arm


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr(collect, "FILTERS", [])  # the runs of the tests have no weights
    return Settings(tmp_path / "runs", "/somewhere/data", tmp_path / "results", seeds=(1, 2, 3))


@pytest.fixture
def collected(settings):
    """Results of some cells of every study."""
    write_arm(settings, "digits", "softmax-none", [0.5, 0.6, 0.7])
    write_arm(settings, "digits", "softmax-ada", [0.8, 0.9, 1.0], rate="0.003")
    write_arm(settings, "text", "linear-none", [0.5])
    write_arm(settings, "digits", "linear-none", [0.5])
    write_arm(settings, "digits", "linear-wide", [0.625])
    write_arm(settings, "text", "linear-none-longer", [0.75])
    write_arm(settings, "text", "linear-conv-longer", [0.875])
    write_arm(settings, "lego", "softmax-lift", [0.75, 0.25])
    costs = settings.runs / "cost"
    for length in (8192, 16384):
        seconds, mebibytes = (length / 8192) ** 2, length / 1024
        row = ["softmax", "none", length, seconds, mebibytes, "2"]
        append(costs / "lengths.csv", LENGTH_COLUMNS, row)
    append(costs / "steps.csv", STEP_COLUMNS, ["digits", "softmax-ada", 0.5, 1e9, 9, 4096, "2"])
    assert collect.collect(settings) == 13
    return settings.results


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder to type commands in, without a data root of the environment."""
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("WAVSPA_DATA", raising=False)
    return folder
