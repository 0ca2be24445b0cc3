"""One level of the wavelet transform as three operators that are each other's gradients.

Each has three implementations with one signature: ``plain`` (torch, the formula), the package ``loops``
(Numba, for a CPU) and ``triton_*``. The packages ``lifting`` and ``lattice`` are organised in the same way,
without loops.
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
