import pytest


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch):
    """No test fetches a data set from its public address: what is not there is not found."""
    monkeypatch.setattr("wavspa.data.module.obtain", lambda root, downloads: None)
