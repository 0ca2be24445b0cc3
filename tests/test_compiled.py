"""Loops that Numba has just compiled compute the bits of those that it reads from disk later."""

import os
import subprocess
import sys

import pytest

from wavspa.backend import HAS_NUMBA

PROGRAM = """
import hashlib, torch
from wavspa import WavSpAttention, backend

torch.set_num_threads(1)
torch.manual_seed(0)
x = torch.randn(4, 200, 8, requires_grad=True)
layer = WavSpAttention(8, 2, taps=4, dropout=0.1)
with backend.use_backend("numba"):
    y = layer(x, torch.tensor([200, 150, 7, 1]))
    y.square().sum().backward()
for tensor in (y, x.grad, layer.wavelet.taps.grad):
    print(hashlib.sha256(tensor.detach().numpy().tobytes()).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.skipif(not HAS_NUMBA, reason="numba is not installed")
def test_the_first_process_computes_what_the_next_ones_do(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    first, second = (
        subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True
        )
        for _ in range(2)
    )
    assert first.returncode == 0, first.stderr
    assert list(tmp_path.rglob("*.nbc"))
    assert first.stdout.count("\n") == 3
    assert first.stdout == second.stdout
