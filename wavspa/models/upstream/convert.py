"""Build our modules with upstream's behaviour, options and weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from wavspa.attention import (
    Attention,
    AttentionOptions,
    Linear,
    Linformer,
    Longformer,
    Performer,
    Softmax,
    build_attention,
)
from wavspa.models.block import Block
from wavspa.models.dual_encoder import DualEncoder
from wavspa.models.encoder import Encoder
from wavspa.models.upstream.quirks import BaselineBlock, MisalignedLift
from wavspa.models.upstream.weights import copy_weights
from wavspa.models.wavelet_attention import WavSpAttention
from wavspa.wavelets import WaveletOptions
from wavspa.wavelets.modes import Ada, LiftFixed

Options = Mapping[str, Any]
Params = Mapping[str, np.ndarray]

BASE_OF_MODEL_TYPE = {
    "transformer": "softmax",
    "longformer": "longformer",
    "linformer": "linformer",
    "linear_attention": "linear",
    "performer": "performer",
}
BASE_OF_KIND = {
    "TransformerEncoder (upstream)": "softmax",
    "TransformerDualEncoder (upstream)": "softmax",
    "ported linear_transformer": "linear",
    "ported linformer": "linformer",
    "ported longformer": "longformer",
    "ported performer": "performer",
}
POOLS = ("MEAN", "SUM", "CLS", "CLS2", "CLSM", "FLATTEN")
# PyWavelets has longer ones, but above this length upstream's own filters are not wavelets.
LONGEST_FIXED_UPSTREAM = 40
BASELINE_LINFORMER_RANK = 16


def build_from_flax(params: Params, options: Options, upstream_defects: bool) -> nn.Module:
    """Rebuild an original model from its Flax parameters.

    Args:
        params: Arrays by flat Flax name (``encoderblock_0/LayerNorm_0/scale``), as
            :func:`~wavspa.models.upstream.load_flax_checkpoint` returns them.
        options: Upstream's model options: ``vocab_size``, ``emb_dim``, ``num_heads``, ``num_layers``,
            ``qkv_dim``, ``mlp_dim``, ``max_len``, ``num_classes``, and ``model_type``, ``wavelet``, ``wlen``,
            ``level`` of a WavSpA encoder or ``kind`` of a baseline; others have upstream's
            defaults, and those that upstream ignores are ignored.
        upstream_defects: Compute with upstream's channel flip and misaligned lifting, as its
            checkpoints were trained; False computes what was intended. Everything else (its boundary,
            attention to pads, pools that count pads, no LayerNorm before the MLP) is upstream's either way.

    Returns:
        A float32 module in eval mode: ``module(tokens [B, N])``, or ``module(tokens1, tokens2)`` for the
        parameters of a dual encoder, returns logits [B, classes], or without a classifier states [B, N, E];
        for the options of a single attention, ``module(x [B, N, E])`` returns its output.

    Raises:
        ValueError: Options without a defined meaning, or parameters that do not fit them.
    """
    try:
        if "qkv_features" in options:
            module: nn.Module = _lone_attention(params, options)
        else:
            module = _model(params, options, upstream_defects)
    except KeyError as error:
        raise ValueError(f"the options lack {error.args[0]}") from None
    copy_weights(module, params)
    return module.eval()


def _model(params: Params, options: Options, defects: bool) -> nn.Module:
    dual = "Dual" in (options.get("kind") or "") or any(n.startswith("encoder/") for n in params)
    pool = options.get("classifier_pool") or "CLS"
    if pool not in POOLS:
        raise ValueError(
            f"classifier_pool {pool!r} has no usable definition in upstream; "
            f"importable are {', '.join(POOLS)}"
        )
    if dual and pool == "CLSM":
        raise ValueError("classifier_pool CLSM is undefined in upstream's dual encoder")
    dropout = options.get("dropout_rate", 0.1)
    common = {
        "vocab_size": options["vocab_size"],
        "classes": options["num_classes"] if dual or options.get("classifier", True) else None,
        "max_len": options["max_len"],
        "dim": options["emb_dim"],
        "depth": options["num_layers"],
        "heads": options["num_heads"],
        "mlp_dim": options["mlp_dim"],
        "qkv_dim": options["qkv_dim"],
        "pool": pool.lower(),
        "positions": "learned" if options.get("learn_pos_emb") and not dual else "sinusoidal",
        "dropout": dropout,
        "attention_dropout": options.get("attention_dropout_rate", 0.1),
        "window": AttentionOptions.window if (w := options.get("window")) is None else w,
        "padding": "upstream",
    }
    if "wavelet" in options:
        common |= _wavelet_options(options, defects)
    else:
        common |= {"wavelet": "none", "norm_mlp": True}
    if common.get("attention") == "linear":
        # Upstream applies dropout to the output of linear attention, at the common rate.
        common["attention_dropout"] = dropout
    if dual:
        # In upstream any other name is plain concatenation.
        interaction = "nli" if options.get("interaction") == "NLI" else "none"
        module: Encoder | DualEncoder = DualEncoder(**common, interaction=interaction)
    else:
        module = Encoder(**common)
    encoder = module.encoder if isinstance(module, DualEncoder) else module
    if pool == "FLATTEN" and module.head is not None:
        _fit_flatten(module, encoder, params)
    prefix = "encoder/" if dual else ""
    if "wavelet" in options:
        _adapt_blocks(encoder, params, prefix, options, defects)
    else:
        encoder.blocks = _baseline_blocks(params, prefix, options, common)
    return module


def _wavelet_options(options: Options, defects: bool) -> dict[str, Any]:
    """Our layer options for upstream's; ``wavelet`` is matched by substring, in its order."""
    model_type, wavelet, taps = options["model_type"], options["wavelet"], options["wlen"]
    if model_type not in BASE_OF_MODEL_TYPE:
        raise ValueError(
            f"model_type={model_type!r} is unknown; choose one of {', '.join(BASE_OF_MODEL_TYPE)}"
        )
    if "lift" in wavelet:
        mode = "lift" if "adalift" in wavelet else "lift_fixed"
    elif "ortho" in wavelet:
        mode = "ortho"
    elif "db" in wavelet:
        mode = "ada"
    elif "sin" in wavelet:
        raise ValueError("wavelet 'sin' cannot be run in upstream (it fails at start)")
    else:
        mode = "fixed"
        if defects and taps > LONGEST_FIXED_UPSTREAM:
            raise ValueError(
                f"fixed filters of wlen {taps} are not wavelets in upstream (above "
                f"{LONGEST_FIXED_UPSTREAM} taps); import with upstream_defects=False, up to 76 taps"
            )
    return {
        "attention": BASE_OF_MODEL_TYPE[model_type],
        "wavelet": mode,
        # A checkpoint may have filters of any length; `_adapt_blocks` inserts them.
        "taps": 2 if mode == "ada" else taps,
        "level": options["level"],
        "boundary": "upstream",
        "mirror_low": defects,
        "norm_mlp": False,
    }


def _adapt_blocks(
    encoder: Encoder, params: Params, prefix: str, options: Options, defects: bool
) -> None:
    """Give the blocks parts that our constructors do not offer: any taps, upstream's projections."""
    for index, block in enumerate(encoder.blocks):
        assert isinstance(block, Block)
        layer = block.attention
        assert isinstance(layer, WavSpAttention)
        if isinstance(layer.wavelet, Ada):
            layer.wavelet.set_taps(torch.zeros(options["wlen"], options["emb_dim"]))
        if defects and type(layer.wavelet) is LiftFixed:
            layer.wavelet = MisalignedLift(
                options["emb_dim"], WaveletOptions(options["wlen"], options["level"])
            )
        longest = layer.wavelet.band_lengths(encoder.positions.length)
        for band, attention in enumerate(layer.attentions):
            if not isinstance(attention, Linformer):
                continue
            name = f"{prefix}encoderblock_{index}/LinformerAttention_{band}/lr_kernel"
            rows = _shape(params, name)
            if longest[band] > rows[0]:
                raise ValueError(
                    f"{name} has {rows[0]} rows, but its band can be {longest[band]} long: "
                    "upstream fails there; use fewer taps or levels"
                )
            attention.set_projection(torch.zeros(rows))


def _fit_flatten(module: Encoder | DualEncoder, encoder: Encoder, params: Params) -> None:
    """Fit the head to the length of the sequences with which upstream was initialised."""
    assert module.head is not None
    dense, pool = module.head[0], encoder.pool
    assert isinstance(dense, nn.Linear)
    parts = dense.in_features // pool.out_dim
    rows = _shape(params, "mlp/kernel")[0]
    positions, rest = divmod(rows, parts * pool.dim)
    if rest or not 1 <= positions <= pool.max_len:
        raise ValueError(
            f"mlp/kernel has {rows} rows: no flattened states of {pool.dim} numbers at up to "
            f"{pool.max_len} positions"
        )
    pool.max_len = positions
    module.head[0] = nn.Linear(rows, dense.out_features)


def _baseline_blocks(
    params: Params, prefix: str, options: Options, common: Mapping[str, Any]
) -> nn.ModuleList:
    kind = options.get("kind", "TransformerEncoder (upstream)")
    if kind not in BASE_OF_KIND:
        raise ValueError(f"kind={kind!r} is unknown; choose one of {', '.join(BASE_OF_KIND)}")
    base, ported = BASE_OF_KIND[kind], kind.startswith("ported")
    blocks = []
    for index in range(common["depth"]):
        rows = (1, BASELINE_LINFORMER_RANK)
        if base == "linformer":
            rows = _shape(params, f"{prefix}encoderblock_{index}/attn/lr_kernel")
        attention = _baseline_attention(base, common, rows)
        masked = base in ("softmax", "longformer")
        blocks.append(
            BaselineBlock(
                attention, common["dim"], common["mlp_dim"], common["dropout"], ported, masked
            )
        )
    return nn.ModuleList(blocks)


def _baseline_attention(base: str, common: Mapping[str, Any], rows: tuple[int, int]) -> Attention:
    """The attention of a baseline; in upstream some have no biases, or no LayerNorm of their features."""
    dim, heads = common["dim"], common["heads"]
    options = AttentionOptions(
        qkv_dim=common["qkv_dim"],
        dropout=0.0 if base == "linear" else common["attention_dropout"],
        max_len=rows[0],
        rank=rows[1],
        window=common["window"],
    )
    if base == "linear":
        return Linear(dim, heads, options, bias=False)
    if base == "linformer":
        return Linformer(dim, heads, options, bias=False)
    if base == "performer":
        return Performer(dim, heads, options, norm=False)
    kind = Longformer if base == "longformer" else Softmax
    return kind(dim, heads, options)


def _lone_attention(params: Params, options: Options) -> nn.Module:
    """A single attention module of a WavSpA block; longformer's window is part of its name."""
    kind, _, window = options["kind"].partition("_window")
    base = BASE_OF_MODEL_TYPE.get(kind)
    if base is None:
        raise ValueError(f"kind={kind!r} is not an attention of upstream")
    rows, rank = _shape(params, "lr_kernel") if base == "linformer" else (None, 1)
    return build_attention(
        base,
        options["emb_dim"],
        options["num_heads"],
        AttentionOptions(
            qkv_dim=options["qkv_features"],
            max_len=rows,
            rank=rank,
            window=int(window or options.get("window", AttentionOptions.window)),
        ),
    )


def _shape(params: Params, name: str) -> tuple[int, int]:
    if name not in params:
        raise ValueError(f"the checkpoint has no parameter {name}, which the options require")
    shape = np.shape(params[name])
    if len(shape) != 2:
        raise ValueError(f"{name} has the shape {list(shape)}, but must be a matrix")
    return shape
