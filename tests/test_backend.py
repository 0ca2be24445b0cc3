"""Which implementation a call takes, as it is chosen and shown."""

import subprocess
import sys

import pytest
import torch

from wavspa import backend
from wavspa.backend import FEWEST_FOR_NUMBA, INTERPRETED, path, set_backend, use_backend

needs_numba = pytest.mark.skipif(not backend.HAS_NUMBA, reason="numba is not installed")
not_interpreted = pytest.mark.skipif(INTERPRETED, reason="Triton takes a CPU's tensors")


def test_the_choice_is_visible():
    assert backend.backend() == "auto"
    with use_backend("torch"):
        assert backend.backend() == "torch"
    assert backend.backend() == "auto"
    with pytest.raises(ValueError, match=r"^backend='fast' is unknown; choose one of "):
        set_backend("fast")


@pytest.mark.parametrize("name", ["numba", "triton"])
def test_what_is_not_installed_is_refused(name, monkeypatch):
    monkeypatch.setattr(backend, f"HAS_{name.upper()}", False)
    with pytest.raises(ValueError, match=f"^backend='{name}' needs {name}: pip install {name}$"):
        set_backend(name)
    assert backend.backend() == "auto"


@needs_numba
@not_interpreted
def test_numba_takes_float32_on_a_cpu():
    large, small = torch.empty(FEWEST_FOR_NUMBA), torch.empty(4)
    assert path(large) == "numba"
    assert path(small) == "torch"
    assert path(large, large.double()) == path(large.bfloat16()) == "torch"
    assert path(large.to("meta")) == "torch"
    with use_backend("numba"):
        assert path(small) == "numba"
        assert path(small.double()) == "torch"
    for name in ("torch", "triton"):
        if name == "torch" or backend.HAS_TRITON:
            with use_backend(name):
                assert path(large) == "torch"


@not_interpreted
def test_without_numba_torch_runs(monkeypatch):
    monkeypatch.setattr(backend, "HAS_NUMBA", False)
    assert path(torch.empty(FEWEST_FOR_NUMBA)) == "torch"


@pytest.mark.slow
def test_small_calls_do_not_load_numba():
    program = """
import sys, torch
from wavspa import WavSpAttention
layer = WavSpAttention(8, 2, dropout=0.1, taps=4).train()
layer(torch.randn(2, 32, 8)).sum().backward()
print("numba" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
