"""Runs on a GPU, where there is one; nothing here has been run yet for want of it."""

import subprocess
import sys

import pytest
import torch

from support.tiny_runs import tiny_run
from wavspa.run_folder.status import read_status

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here"),
]


@pytest.mark.parametrize("trainer", ["gpu", "ddp", "fsdp"])
def test_a_run_trains_is_tested_and_says_so(tmp_path, trainer):
    folder = tiny_run(tmp_path, f"trainer={trainer}", "trainer.devices=1")
    done = subprocess.run(
        [sys.executable, "-m", "wavspa.commands.run", folder], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert read_status(folder)["state"] == "finished"
