"""Metrics of the wavelets while a run trains, at each validation."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from typing_extensions import override

from wavspa.models.introspection import band_names, layers_of, orthogonality_of, watch_bands
from wavspa.wavelets.primitives import zero_pads

ENERGY = "energy/"
ORTHOGONALITY = "orthogonality/"


class WaveletMetrics(Callback):
    """Logs how the energy is divided among the bands, and how orthogonal free filters still are.

    ``energy/layer<n>/<band>`` is the share of a band in the sum of squares of all coefficients that the
    layer computes on the validation split; the shares of a layer add up to 1 (none are logged where
    the details are dropped). ``orthogonality/layer<n>`` (mode
    ``ada``) is the mean over the channels of :func:`wavspa.wavelets.orthogonality_error`. Layers without
    bands log nothing.
    """

    def __init__(self) -> None:
        self._handles: list[RemovableHandle] = []
        self._energies: dict[tuple[int, int], Tensor] = {}
        self._errors: dict[int, Tensor | None] = {}

    @override
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        layers = layers_of(pl_module)

        def see(layer: int, band: int, x: Tensor, lengths: Tensor | None) -> None:
            real = zero_pads(x, lengths)
            key = (layer, band)
            self._energies[key] = self._energies.get(key, 0) + real.float().square().sum()
            if layer not in self._errors:
                # Here, inside the forward pass, the filters are complete under any strategy.
                self._errors[layer] = orthogonality_of(layers[layer])

        self._energies, self._errors = {}, {}
        self._handles = watch_bands(pl_module, see)

    @override
    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        metrics: dict[str, Tensor] = {}
        for number, layer in enumerate(layers_of(pl_module)):
            names = _bands(layer)
            if (number, 0) not in self._energies:
                continue
            if names:
                of_bands = torch.stack([self._energies[number, band] for band in range(len(names))])
                energies = trainer.strategy.reduce(of_bands, reduce_op="sum")
                shares = (energies / energies.sum()).unbind()
                metrics |= {_energy(number, n): s for n, s in zip(names, shares, strict=True)}
            if (error := self._errors[number]) is not None:
                metrics[_orthogonality(number)] = error
        # The same on all ranks already.
        pl_module.log_dict(metrics, sync_dist=True)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for handle in self._handles:
            handle.remove()


def logged_names(module: nn.Module) -> list[str]:
    """The metrics that :class:`WaveletMetrics` logs of a model."""
    names = []
    for number, layer in enumerate(layers_of(module)):
        names += [_energy(number, band) for band in _bands(layer)]
        if orthogonality_of(layer) is not None:
            names.append(_orthogonality(number))
    return names


def _bands(layer: Any) -> list[str]:
    """The names of a layer's bands; none where it has no wavelet, or attends to only one band."""
    names = band_names(layer)
    return names if len(names) > 1 else []


def _energy(layer: int, band: str) -> str:
    return f"{ENERGY}layer{layer + 1}/{band}"


def _orthogonality(layer: int) -> str:
    return f"{ORTHOGONALITY}layer{layer + 1}"
