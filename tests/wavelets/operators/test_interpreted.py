"""The kernels' tests without a GPU: each file in a process of its own, in Triton's interpreter.

Triton decides when it is imported whether it interprets, so that no other test may share the process.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from support.kernel_checks import INTERPRETED, needs_triton

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
FILES = sorted(path.name for path in HERE.glob("test_kernel_*.py"))


@needs_triton
@pytest.mark.skipif(INTERPRETED, reason="runs in the interpreter already")
@pytest.mark.skipif(torch.cuda.is_available(), reason="the kernels' tests run on the GPU")
@pytest.mark.parametrize("name", FILES)
def test_in_the_interpreter(name):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(HERE / name)]
    run = subprocess.run(
        [*command, "-p", "no:xdist"],
        env={**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"},
        cwd=HERE.parents[2],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert " passed" in run.stdout
