"""What a process holds for all tests that run in it."""

import os
import signal
import sys
from typing import Any

import torch

from wavspa.registry import registered

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


def global_state() -> dict[str, Any]:
    """What a test could leave to later ones, by name; of libraries that nobody has imported yet nothing."""
    state = {
        "working directory": os.getcwd(),
        # Other entries are of libraries that find their parts this way.
        "search path": [entry for entry in sys.path if "pytest-of-" in entry],
        "signals": {number.name: signal.getsignal(number) for number in SIGNALS},
        "registered parts": {option: registered(option) for option in ("attention", "wavelet")},
        "threads of torch": torch.get_num_threads(),
        "default dtype": torch.get_default_dtype(),
        "matmul precision": torch.get_float32_matmul_precision(),
        "gradients": torch.is_grad_enabled(),
        "process group": torch.distributed.is_initialized(),
    }
    if hydra := sys.modules.get("hydra.core.global_hydra"):
        state["Hydra"] = hydra.GlobalHydra.instance().is_initialized()
    if matplotlib := sys.modules.get("matplotlib"):
        # The backend is looked for when the first picture is drawn.
        state["style of matplotlib"] = {**matplotlib.rcParams, "backend": None}
    return state
