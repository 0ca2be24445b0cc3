"""The layer, the block, the encoders."""

from wavspa.models.dual import DualEncoder
from wavspa.models.encoder import Encoder
from wavspa.models.layer import WavSpAttention
from wavspa.models.multihead import WavSpMultiheadAttention, swap_attention

__all__ = [
    "DualEncoder",
    "Encoder",
    "WavSpAttention",
    "WavSpMultiheadAttention",
    "swap_attention",
]
