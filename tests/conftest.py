import pytest

from wavspa.launching.subprocesses import ENVIRONMENT


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch):
    """No test fetches a data set from its public address: what is not there is not found."""
    monkeypatch.setattr("wavspa.data.datamodule.download_all", lambda root, downloads: None)


@pytest.fixture(autouse=True)
def no_second_process(monkeypatch):
    """A command that is called by a test has the environment of runs, so it does not start anew."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
