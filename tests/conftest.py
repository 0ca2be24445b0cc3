import os
from unittest import mock

import pytest
import torch

from wavspa.launching.subprocesses import ENVIRONMENT


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch):
    """No test fetches a data set from its public address: what is not there is not found."""
    for module in ("datamodule", "bpe"):
        monkeypatch.setattr(f"wavspa.data.{module}.download_all", lambda root, downloads: None)


@pytest.fixture(autouse=True)
def no_second_process(monkeypatch):
    """A command that is called by a test has the environment of runs, so it does not start anew."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def alike_in_any_order():
    """What earlier tests drew, and what Lightning left in the environment, does not reach a test."""
    torch.manual_seed(0)
    with mock.patch.dict(os.environ):
        yield
