"""The options of a layer: named wherever they pass, their defaults in one place."""

import inspect
import typing
from dataclasses import fields
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from wavspa import DualEncoder, Encoder, WavSpAttention, WavSpMultiheadAttention
from wavspa.attention import AttentionOptions
from wavspa.models.options import EncoderOptions, LayerOptions, LoneLayerOptions
from wavspa.wavelets import WaveletOptions

COMMON = Path(__file__).parents[2] / "conf/model/common.yaml"
LAYER = inspect.signature(WavSpAttention).parameters
ENCODER = inspect.signature(Encoder).parameters


def types_of(options: type) -> dict[str, object]:
    return typing.get_type_hints(options)


@pytest.mark.parametrize("options", [AttentionOptions, WaveletOptions])
def test_defaults_of_the_layer_are_those_of_its_parts(options: type) -> None:
    for field in fields(options):
        assert LAYER[field.name].default == field.default
        assert LAYER[field.name].annotation == types_of(options)[field.name]


def test_the_layer_s_options_are_its_parameters() -> None:
    own = {"self", "dim", "heads", "dropout"}
    assert set(types_of(LoneLayerOptions)) == set(LAYER) - own
    for name, kind in types_of(LoneLayerOptions).items():
        assert LAYER[name].annotation == kind
    # An encoder sets these itself.
    assert set(types_of(LoneLayerOptions)) - set(types_of(LayerOptions)) == {
        "max_len",
        "padding",
        "rotary",
    }


def test_the_encoder_s_options_are_its_parameters() -> None:
    own = set(types_of(EncoderOptions)) - set(types_of(LayerOptions))
    for name in own:
        assert ENCODER[name].annotation == types_of(EncoderOptions)[name]
    of_the_pair = {
        "vocab_size",
        "classes",
        "pool",
        "mlp_dim",
        "head_dim",
        "layer",
        "inputs",
        "stem",
    }
    assert own == set(ENCODER) - of_the_pair


@pytest.mark.parametrize("model", [Encoder, DualEncoder, WavSpMultiheadAttention])
def test_editors_know_what_is_passed_on(model: type) -> None:
    (passed_on,) = (
        p for p in inspect.signature(model).parameters.values() if p.kind is p.VAR_KEYWORD
    )
    assert typing.get_origin(passed_on.annotation) is typing.Unpack


def test_the_configuration_has_the_layer_s_defaults() -> None:
    common = OmegaConf.load(COMMON)
    shared = {name for name in LAYER if name in common} - {"attention", "wavelet"}
    assert {"taps", "level", "boundary", "window", "rank", "features"} <= shared
    # Sizes have no default there, and the encoder's rate of dropout is the layer's.
    for name in shared - {"dim", "heads", "dropout", "max_len"}:
        assert common[name] == LAYER[name].default, name
