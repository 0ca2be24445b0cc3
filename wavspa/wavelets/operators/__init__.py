"""One level of the wavelet transform as three operators that are each other's gradients.

Each has three implementations of one signature: ``plain`` (torch, the formula), the room ``loops`` (Numba,
for a CPU) and ``triton_*``. The rooms ``lifting`` and ``lattice`` hold theirs in the same way, without loops.
"""

from wavspa.wavelets.operators.gradients import Analysis, FilterGradient, Synthesis
from wavspa.wavelets.operators.level import analyse_level, synthesise_level

__all__ = [
    "Analysis",
    "FilterGradient",
    "Synthesis",
    "analyse_level",
    "synthesise_level",
]
