"""The device that a process trains on, and the memory and energy that it has used there."""

import importlib
import platform
import resource
import sys
from collections.abc import Sequence
from typing import Any

import torch

_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def peak_memory() -> int:
    """Largest number of bytes that this process has held: on the GPU if it uses one, else on the machine."""
    if torch.cuda.is_initialized():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT


def device_name() -> str:
    """The GPU's name, or the processor's architecture and the threads that compute on it."""
    if torch.cuda.is_initialized():
        return torch.cuda.get_device_name()
    threads = torch.get_num_threads()
    return f"{platform.machine()} CPU, {threads} {'thread' if threads == 1 else 'threads'}"


def energy_used(devices: Sequence[int]) -> float | None:
    """Joules that GPUs have used since their driver was loaded; None where that cannot be read.

    Args:
        devices: Their numbers, as torch counts them.
    """
    if not devices or not torch.cuda.is_initialized():
        return None
    try:
        nvml: Any = importlib.import_module("pynvml")
        nvml.nvmlInit()
    except Exception:  # not installed, or no driver: in any case there is nothing to read
        return None
    try:
        handles = [nvml.nvmlDeviceGetHandleByUUID(_uuid(number)) for number in devices]
        # It counts in millijoules.
        return float(sum(nvml.nvmlDeviceGetTotalEnergyConsumption(one) for one in handles)) / 1000
    except Exception:  # a GPU before Volta, or a part of one
        return None
    finally:
        nvml.nvmlShutdown()


def _uuid(number: int) -> str:
    return f"GPU-{torch.cuda.get_device_properties(number).uuid}"
