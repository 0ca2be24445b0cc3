"""Looking at the layers of a model from outside: their filters, and the inputs of their attentions."""

import itertools
from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from wavspa.models.wavelet_attention import WavSpAttention
from wavspa.wavelets import orthogonality_error
from wavspa.wavelets.modes import Ada, Conv, Dwt, Lift

See = Callable[[int, int, Tensor, Tensor | None], None]


def layers_of(model: nn.Module) -> list[WavSpAttention]:
    """The wavelet space attentions of a model, first layer first."""
    return [module for module in model.modules() if isinstance(module, WavSpAttention)]


def band_names(layer: WavSpAttention) -> list[str]:
    """The bands that are attended to, ``[cA<J>, cD<J>, ..., cD1]``; ``[x]`` if the mode has no bands."""
    level = len(layer.wavelet.band_lengths(1)) - 1
    names = [f"cA{level}", *(f"cD{j}" for j in range(level, 0, -1))] if level else ["x"]
    return names[: layer.bands]


def filters_of(layer: WavSpAttention) -> dict[str, Tensor]:
    """The layer's filters [L, D] by name: ``low pass``; ``predict`` and ``update``; ``kernel``; or none."""
    names: dict[type, list[str]] = {
        Dwt: ["low pass"],
        Lift: ["predict", "update"],
        Conv: ["kernel"],
    }
    for mode, of_mode in names.items():
        if isinstance(layer.wavelet, mode):
            filters = zip(of_mode, layer.wavelet.filters(), strict=True)
            return {name: one.detach() for name, one in filters}
    return {}


def orthogonality_of(layer: WavSpAttention) -> Tensor | None:
    """The mean of :func:`wavspa.wavelets.orthogonality_error` over the channels, a scalar.

    None if the filters are not free taps: then they are orthogonal by construction, or not meant to be.
    """
    if not isinstance(layer.wavelet, Ada):
        return None
    return orthogonality_error(filters_of(layer)["low pass"]).mean()


def watch_bands(model: nn.Module, see: See) -> list[RemovableHandle]:
    """Call a function with the input of every attention of a model.

    Args:
        model: Any model.
        see: Called with the layer's number, the band's number (both from 0, the coarsest band first), the
            coefficients [B, M, D] and how many of them belong to each row, int64 [B] (None: all). Layers
            that are used several times in a forward pass are seen each time.

    Returns:
        Handles; ``remove()`` each of them to stop watching.
    """

    def watch(layer: int, attention: nn.Module, bands: Sequence[int]) -> RemovableHandle:
        turn = itertools.cycle(bands)
        return attention.register_forward_pre_hook(
            lambda _module, inputs: see(layer, next(turn), inputs[0], inputs[1])
        )

    return [
        # An attention shared by all bands is called for each of them in turn.
        watch(number, attention, range(layer.bands) if layer.share_attention else [band])
        for number, layer in enumerate(layers_of(model))
        for band, attention in enumerate(layer.attentions)
    ]
