"""The layer, the block, the encoders and the encoder–decoder."""

from wavspa.models.dual_encoder import DualEncoder
from wavspa.models.encoder import Encoder
from wavspa.models.masked_encoder import MaskedEncoder
from wavspa.models.multihead_attention import WavSpMultiheadAttention, swap_attention
from wavspa.models.seq2seq.encoder_decoder import EncoderDecoder
from wavspa.models.wavelet_attention import WavSpAttention

__all__ = [
    "DualEncoder",
    "Encoder",
    "EncoderDecoder",
    "MaskedEncoder",
    "WavSpAttention",
    "WavSpMultiheadAttention",
    "swap_attention",
]
