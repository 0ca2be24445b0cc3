"""``examples/digits.py``: the library in your own loop, with each of its options."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

PROGRAM = Path(__file__).parents[2] / "examples/digits.py"


@pytest.fixture(scope="module")
def digits():
    return runpy.run_path(str(PROGRAM))["main"]


@pytest.mark.parametrize("words", [[], ["--amp"]], ids=["float32", "amp"])
def test_it_learns(digits, words, capsys):
    assert digits(["--steps", "40", *words]) > 0.2  # by chance 0.1
    assert capsys.readouterr().out.startswith("accuracy 0.")


def test_its_blocks_compile(digits):
    # What torch makes of a block, tests of the layers hold; here, that the option reaches it.
    with torch.compiler.set_stance("force_eager"):
        assert digits(["--steps", "2", "--compile"]) >= 0


@pytest.mark.slow
def test_two_processes_train_together():
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launcher, "--standalone", str(PROGRAM), "--steps", "2"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("accuracy") == 1
