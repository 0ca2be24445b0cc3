"""The lattice as an operator: ``plain`` (torch, the formula) and ``triton_*`` side by side."""

from wavspa.wavelets.operators.lattice.gradients import Lattice, filters_of_angles

__all__ = ["Lattice", "filters_of_angles"]
