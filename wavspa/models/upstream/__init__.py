"""Import models of the upstream (JAX/Flax) implementation, with or without its defects."""

from wavspa.models.upstream.convert import build_from_flax
from wavspa.models.upstream.flax_checkpoint import load_flax_checkpoint

__all__ = ["build_from_flax", "load_flax_checkpoint"]
