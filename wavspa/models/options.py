"""Options that models pass on as keywords, listed here for editors and type checkers.

Their meanings and defaults are documented where they are used. A test keeps the names equal.
"""

from collections.abc import Sequence
from typing import TypedDict

from wavspa.attention import AttentionFactory
from wavspa.wavelets.modes import WaveletFactory


class LayerOptions(TypedDict, total=False):
    """Options of :class:`~wavspa.models.wavelet_attention.WavSpAttention` that an encoder passes on."""

    attention: str | AttentionFactory | Sequence[str | AttentionFactory]
    wavelet: str | WaveletFactory
    taps: int
    level: int
    boundary: str
    wavelet_name: str | None
    qkv_dim: int | None
    window: int
    rank: int
    features: str
    random_features: int | None
    mirror_low: bool
    share_attention: bool
    keep_details: bool


class LoneLayerOptions(LayerOptions, total=False):
    """Options of :class:`~wavspa.models.wavelet_attention.WavSpAttention` outside an encoder."""

    padding: str
    max_len: int | None
    rotary: bool


class EncoderOptions(LayerOptions, total=False):
    """Options of :class:`~wavspa.models.encoder.Encoder` that a dual encoder passes on."""

    max_len: int
    dim: int
    depth: int
    heads: int
    positions: str
    dropout: float
    attention_dropout: float | None
    norm_mlp: bool
    padding: str
    drop_path: float
    layer_scale: float | None
