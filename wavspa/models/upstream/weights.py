"""The correspondence between Flax parameters and ours.

Flax stores Dense kernels [in, out] and multi-head kernels [in, H, K] or [H, K, out]; a torch ``Linear``
weight is the kernel flattened to a matrix and transposed. Everything else only changes shape.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from wavspa.attention import Attention, Linear, Linformer, Longformer, Performer
from wavspa.models.block import Block
from wavspa.models.dual_encoder import DualEncoder
from wavspa.models.encoder import Encoder
from wavspa.models.upstream.quirks import BaselineBlock
from wavspa.models.wavelet_attention import WavSpAttention
from wavspa.wavelets.modes import Ada, Lift, LiftFixed, Ortho, WaveletMode


def copy_weights(module: nn.Module, params: Mapping[str, np.ndarray]) -> None:
    """Copy Flax parameters into ``module``.

    Raises:
        ValueError: A missing, surplus or differently shaped parameter; the message names it.
    """
    names, dead = flax_names(module), dead_suffixes(module)
    missing = [name for name in names if name not in params]
    surplus = [name for name in params if name not in names and not name.endswith(dead)]
    if missing or surplus:
        raise ValueError(
            "the checkpoint does not fit the options: "
            f"missing {missing[:3] or 'nothing'}, not expected {surplus[:3] or 'nothing'}"
        )
    heads = next((m.heads for m in module.modules() if isinstance(m, Attention)), 1)
    with torch.no_grad():
        for name, parameter in names.items():
            value = torch.tensor(np.asarray(params[name]))
            expected = flax_shape(name, parameter.shape, heads)
            if list(value.shape) != expected:
                raise ValueError(
                    f"{name} has the shape {list(value.shape)}, but the options require {expected}"
                )
            parameter.copy_(from_flax(name, value, parameter.shape))


def from_flax(name: str, value: Tensor, shape: torch.Size) -> Tensor:
    """A Flax array as our parameter of ``shape``."""
    if name.endswith("/kernel") or name == "kernel":
        return value.reshape(shape[1], shape[0]).t()
    return value.reshape(shape)


def flax_shape(name: str, shape: torch.Size, heads: int) -> list[int]:
    """The Flax shape of our parameter of ``shape``."""
    owner, _, leaf = name.rpartition("/")
    owner = owner.rpartition("/")[2]
    projects = owner.startswith(("query", "key", "value"))
    if leaf == "kernel":
        rows, columns = shape[1], shape[0]
        if projects:
            return [rows, heads, columns // heads]
        return [heads, rows // heads, columns] if owner == "out" else [rows, columns]
    if leaf == "bias" and projects:
        return [heads, shape[0] // heads]
    return [1, *shape] if leaf == "pos_embedding" else list(shape)


def dead_suffixes(module: nn.Module) -> tuple[str, ...]:
    """The endings of upstream's names for parameters that it creates and never uses."""
    modules = list(module.modules())
    dead: tuple[str, ...] = ()
    if any(isinstance(m, Longformer) for m in modules):
        dead += ("_global/kernel",)
    if any(isinstance(m, LiftFixed) and not isinstance(m, Lift) for m in modules):
        dead += ("/adawave_est", "/adawave_pred")
    return dead


def flax_names(module: nn.Module) -> dict[str, Tensor]:
    """Our parameters by upstream's names."""
    if isinstance(module, DualEncoder):
        return dict(_dual(module))
    if isinstance(module, Encoder):
        return dict(_encoder(module))
    assert isinstance(module, Attention)
    return dict(_attention(module, "SelfAttention_0/" if isinstance(module, Performer) else ""))


Names = Iterator[tuple[str, Tensor]]


def _dual(module: DualEncoder) -> Names:
    for name, parameter in _encoder(module.encoder):
        yield f"encoder/{name}", parameter
    for name, index in (("mlp/", 0), ("mlp2/", 2), ("logits/", 4)):
        yield from _dense(module.head[index], name)


def _encoder(module: Encoder) -> Names:
    yield "Embed_0/embedding", module.embedding.weight
    if module.cls is not None:
        yield "cls", module.cls
    if isinstance(module.positions.table, nn.Parameter):
        yield "posembed_input/pos_embedding", module.positions.table
    for index, block in enumerate(module.blocks):
        yield from _block(block, f"encoderblock_{index}/")
    yield from _layer_norm(module.norm, "encoder_norm/")
    if module.head is not None:
        for name, index in (("mlp/", 0), ("logits/", 2)):
            yield from _dense(module.head[index], name)


def _block(block: nn.Module, prefix: str) -> Names:
    assert isinstance(block, Block | BaselineBlock)
    yield from _layer_norm(block.norm, f"{prefix}LayerNorm_0/")
    yield from _dense(block.mlp[0], f"{prefix}MlpBlock_0/Dense_0/")
    yield from _dense(block.mlp[3], f"{prefix}MlpBlock_0/Dense_1/")
    if isinstance(block, Block):
        assert isinstance(block.attention, WavSpAttention)
        yield from _mode(block.attention.wavelet, prefix)
        for index, attention in enumerate(block.attention.attentions):
            yield from _attention(attention, f"{prefix}{_module_name(attention, index)}/")
        return
    yield from _layer_norm(block.before_mlp, f"{prefix}LayerNorm_1/")
    name = "attn" if block.ported else "SelfAttention_0"
    yield from _attention(block.attention, f"{prefix}{name}/")


def _module_name(attention: nn.Module, index: int) -> str:
    if isinstance(attention, Performer):
        return f"PerformerAttn_{index}/SelfAttention_0"
    if isinstance(attention, Linformer):
        return f"LinformerAttention_{index}"
    if isinstance(attention, Linear):
        return f"LinearAttention_{index}"
    if isinstance(attention, Longformer):
        return f"LongformerAttention_{index}"
    return f"SelfAttention_{index}"


def _mode(mode: WaveletMode, prefix: str) -> Names:
    if isinstance(mode, Ada):
        yield f"{prefix}adawave", mode.taps
    if isinstance(mode, Ortho):
        yield f"{prefix}thetas", mode.angles
    if isinstance(mode, Lift):
        # In upstream the names are swapped: "est" predicts, "pred" updates.
        yield f"{prefix}adawave_est", mode.predict
        yield f"{prefix}adawave_pred", mode.update


def _attention(attention: nn.Module, prefix: str) -> Names:
    assert isinstance(attention, Attention)
    window = "_sliding_window" if isinstance(attention, Longformer) else ""
    for name in ("query", "key", "value"):
        yield from _dense(getattr(attention, name), f"{prefix}{name}{window}/")
    yield from _dense(attention.out, f"{prefix}out/")
    if isinstance(attention, Linformer):
        yield f"{prefix}lr_kernel", attention.along_time
    if isinstance(attention, Performer):
        for index, norm in enumerate(attention.norms):
            if isinstance(norm, nn.LayerNorm):
                yield from _layer_norm(norm, f"{prefix}LayerNorm_{index}/")


def _dense(dense: nn.Module, prefix: str) -> Names:
    assert isinstance(dense, nn.Linear)
    yield f"{prefix}kernel", dense.weight
    if dense.bias is not None:
        yield f"{prefix}bias", dense.bias


def _layer_norm(norm: nn.Module, prefix: str) -> Names:
    assert isinstance(norm, nn.LayerNorm)
    yield f"{prefix}scale", norm.weight
    yield f"{prefix}bias", norm.bias
