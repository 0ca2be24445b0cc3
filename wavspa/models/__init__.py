"""The layer, the block, the encoders."""

from wavspa.models.dual import DualEncoder
from wavspa.models.encoder import Encoder
from wavspa.models.layer import WavSpAttention

__all__ = ["DualEncoder", "Encoder", "WavSpAttention"]
