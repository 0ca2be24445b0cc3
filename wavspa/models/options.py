"""Options that models pass on by keyword: named here, so that editors and type checkers know them.

Their meanings and defaults are documented where they are used. A test holds the names equal.
"""

from collections.abc import Sequence
from typing import TypedDict

from wavspa.attention import AttentionFactory
from wavspa.wavelets.modes import WaveletFactory


class LayerOptions(TypedDict, total=False):
    """Of :class:`~wavspa.models.wavelet_attention.WavSpAttention`, as an encoder passes them on."""

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
    """Of :class:`~wavspa.models.wavelet_attention.WavSpAttention` outside an encoder."""

    padding: str
    max_len: int | None
    rotary: bool


class EncoderOptions(LayerOptions, total=False):
    """Of :class:`~wavspa.models.encoder.Encoder`, as a dual encoder passes them on."""

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
