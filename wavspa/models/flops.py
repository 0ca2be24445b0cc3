"""The number of operations in a training step, from the sizes of a model, without running it."""

from torch import nn

from wavspa.attention import Attention, Linear, Linformer, Longformer, Performer, Softmax
from wavspa.models.block import Block
from wavspa.models.dual_encoder import DualEncoder
from wavspa.models.encoder import Encoder
from wavspa.models.stem import Stem
from wavspa.models.wavelet_attention import WavSpAttention
from wavspa.wavelets.modes import Conv, Dwt, Fourier, Lift, WaveletMode

BACKWARD = 2
"""Operations of the backward pass for each operation of the forward pass."""


def training_flops(model: nn.Module, length: int) -> int:
    """The number of multiplications and additions in a training step on one example.

    Matrix products, attention and transforms count; norms and activations are left out. For bases
    and modes from outside wavspa only the dense layers count.

    Args:
        model: An encoder, or one for pairs; on any device.
        length: Number of tokens in a sequence.

    Raises:
        ValueError: It is another kind of model.
    """
    if isinstance(model, DualEncoder):
        forward = 2 * _encoder(model.encoder, length) + _linears(model.head)
    elif isinstance(model, Encoder):
        forward = _encoder(model, length)
    else:
        raise ValueError(f"model must be an Encoder or a DualEncoder, got {type(model).__name__}")
    return (1 + BACKWARD) * forward


def _encoder(encoder: Encoder, length: int) -> int:
    positions = length + (encoder.cls is not None)
    stem = encoder.embedding
    total = 2 * length * stem.layer.weight.numel() if isinstance(stem, Stem) else 0
    for block in encoder.blocks:
        assert isinstance(block, Block)
        assert isinstance(block.attention, WavSpAttention)
        total += _layer(block.attention, positions) + positions * _linears(block.mlp)
    if encoder.head is None:
        return total
    return total + _linears(encoder.head) * (length if encoder.pool.kind == "token" else 1)


def _layer(layer: WavSpAttention, length: int) -> int:
    bands = layer.wavelet.band_lengths(length)
    attended = sum(_attention(*pair) for pair in zip(layer.attention_of_bands, bands, strict=False))
    return attended + _transform(layer.wavelet, length, bands[1:])


def _transform(mode: WaveletMode, length: int, details: list[int]) -> int:
    """Analysis and synthesis: each applies two filters per pair of coefficients of a level."""
    if isinstance(mode, Fourier):
        return 2 * 5 * length * max(1, (length - 1).bit_length()) * mode.dim
    if isinstance(mode, Conv):
        return 2 * length * mode.num_taps * mode.dim
    if isinstance(mode, Dwt):
        return sum(8 * size * mode.num_taps * mode.dim for size in details)
    if isinstance(mode, Lift):
        return sum(8 * size * min(mode.num_taps, size) * mode.dim for size in details)
    return 0


def _attention(base: nn.Module, length: int) -> int:
    if not isinstance(base, Softmax | Longformer | Linformer | Linear | Performer):
        return length * _linears(base)
    width = base.query.out_features
    if isinstance(base, Softmax):
        scores = 4 * length * length * width
    elif isinstance(base, Longformer):
        scores = 4 * length * min(base.window, length) * width
    elif isinstance(base, Linformer):
        scores = 8 * length * base.along_time.shape[1] * width
    else:
        scores = _kernel(base, length, width)
    return length * _linears(base) + scores


def _kernel(base: Attention, length: int, width: int) -> int:
    """Linear attention and Performer: sums over features; random features are computed first."""
    features, made = base.head_dim, 0
    if isinstance(base, Performer) and base.features == "favor":
        features = len(base.projection)
        made = 4 * length * features * width
    return 4 * length * features * width + made


def _linears(module: nn.Module) -> int:
    """The operations of all dense layers of a module at one position."""
    layers = (layer for layer in module.modules() if isinstance(layer, nn.Linear))
    return sum(2 * layer.in_features * layer.out_features for layer in layers)
