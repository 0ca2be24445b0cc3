"""Devices by name and their peak speed, to estimate hours on another machine and to compute MFU."""

import re

from wavspa.checks import number, one_of
from wavspa.errors import UserError

# Dense matrix products in bfloat16 (v100: float16), from the vendors' data sheets.
PEAK_TFLOPS = {
    "v100": 125,
    "a100": 312,
    "l40s": 362,
    "rtx4090": 165,
    "h100": 989,
    "h200": 989,
    "b200": 2250,
}
# CUDA's names for them. Slower variants (PCIe, NVL, slices) share a device's name but not its peak.
_CUDA_NAMES = {
    "v100": r"V100-SXM\d",
    "a100": r"A100\b(?!.*\bMIG\b)",
    "l40s": r"L40S$",
    "rtx4090": r"RTX 4090$",
    "h100": r"H100 80GB HBM3$",
    "h200": r"H200$",
    "b200": r"\bB200$",
}


def check_device(device: object, mfu: object, dry_run: bool) -> None:
    """Check ``device`` and ``mfu``.

    Args:
        device: The name of a device, or None.
        mfu: The share of its peak that is reached.
        dry_run: Whether the command asks for a dry run.

    Raises:
        UserError: A value is impossible or has no effect.
    """
    one_of("device", device, (None, *PEAK_TFLOPS))
    if not 0 < number("mfu", mfu, 0) <= 1:
        raise UserError(f"mfu must be a share above 0 and at most 1, got {mfu!r}")
    if device is not None and not dry_run:
        raise UserError(
            f"device={device} only applies to dry_run=true: a run trains on what trainer= chooses"
        )


def flops_per_second(device: str, mfu: float) -> float:
    """The operations per second that the share ``mfu`` of a device's peak amounts to."""
    return PEAK_TFLOPS[device] * 1e12 * mfu


def peak_flops(name: str) -> float | None:
    """The peak of a device in operations per second, for matrix products in half precision.

    Args:
        name: CUDA's name for it.

    Returns:
        The peak; None if it is not known.
    """
    for device, pattern in _CUDA_NAMES.items():
        if re.search(pattern, name):
            return PEAK_TFLOPS[device] * 1e12
    return None
