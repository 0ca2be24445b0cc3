import logging
import os
import sys
from pathlib import Path
from unittest import mock

import pytest
import torch
from hypothesis import HealthCheck, settings

from support.global_state import global_state
from wavspa.launching.subprocesses import ENVIRONMENT

# Tensors here are too small to share out, and as many workers run as there are cores.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that tests start

# The same examples each time, and none of them timed: how busy a machine is decides nothing.
# --hypothesis-profile=default looks for others.
settings.register_profile(
    "certain", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("certain")

# Below these, most tests start whole runs: all of them are slow.
HERE = Path(__file__).parent
SLOW_FOLDERS = ("commands", "examples", "exports", "reports", "scripts", "users")
SLOW_FOLDERS += tuple(
    f"launching/{name}" for name in ("init", "search", "slurm", "sweeps", "trial")
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark them, before pytest chooses by marks."""
    folders = [HERE / name for name in SLOW_FOLDERS]
    for item in items:
        if any(folder in item.path.parents for folder in folders):
            item.add_marker(pytest.mark.slow)


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
    """What earlier tests drew and left behind does not reach a test.

    What libraries set for a whole process is put back here; a test that leaves anything else fails itself,
    rather than another one that comes later in some orders.
    """
    before = global_state()
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(False)  # which Lightning's trainer turns on
    logger = logging.getLogger()
    level = logger.level
    with mock.patch.dict(os.environ):
        yield
        logger.setLevel(level)
        wandb = sys.modules.get("wandb")
        if getattr(wandb, "run", None) is not None:
            wandb.finish()
    after = global_state()
    left = {name: after[name] for name in before if after[name] != before[name]}
    assert not left, f"the test has changed for those after it: {left}"
