"""Wavelet space attention inside the encoders of `transformers`.

from wavspa.exports.swap import load_swapped, swap
swap(model, wavelet="ada", level=2)  # a BERT, RoBERTa, DistilBERT …: it now has new attentions
model.save_pretrained("folder")
model = load_swapped("folder")

It replaces modules. A function of `AttentionInterface` is not enough: it is called with queries, keys and
values, after the projections, which each band needs for itself, and it owns no filters.
"""

from os import PathLike
from typing import Any, NoReturn, Unpack

from torch import Tensor, nn

from wavspa.errors import UserError
from wavspa.models.multihead_attention import WavSpMultiheadAttention, replace_modules
from wavspa.models.options import LoneLayerOptions

try:
    import transformers
    from transformers import (
        AttentionInterface,
        AttentionMaskInterface,
        AutoConfig,
        PreTrainedModel,
    )
except ImportError as error:
    raise UserError(
        "wavspa.exports.swap needs transformers 5: pip install 'wavspa[transformers]'"
    ) from error

# The self-attentions whose calls are supported here, each covered by a test.
SWAPPED = (
    "BertSelfAttention",
    "CamembertSelfAttention",
    "DistilBertSelfAttention",
    "ElectraSelfAttention",
    "ErnieSelfAttention",
    "RobertaSelfAttention",
    "XLMRobertaSelfAttention",
)
# The name of this attention for attn_implementation, and of its options in config.json.
NAME = "wavspa"
# Options with which from_pretrained finds files, config.json as well as the weights.
_PLACES = (
    "cache_dir",
    "force_download",
    "local_files_only",
    "proxies",
    "revision",
    "subfolder",
    "token",
)


class SwappedSelfAttention(nn.Module):
    """:class:`WavSpMultiheadAttention`, called like the self-attention of a BERT."""

    def __init__(self, *options: Any, **layer: Any) -> None:
        super().__init__()
        self.attention = WavSpMultiheadAttention(*options, batch_first=True, **layer)

    def forward(
        self, hidden_states: Tensor, attention_mask: Tensor | None = None, **kwargs: Any
    ) -> tuple[Tensor, None]:
        """Attend within each row of ``hidden_states [B, N, D]``; the second result replaces the weights.

        Args:
            hidden_states: The input, [B, N, D].
            attention_mask: [B, N], 0 at pads, which may be anywhere; None: all are real.
            **kwargs: Other arguments that the model passes to any attention; not used.

        Raises:
            ValueError: The mask covers pairs of positions.
        """
        if attention_mask is not None and attention_mask.dim() != 2:
            raise ValueError(
                "attention_mask must be [batch, length], 1 at real tokens and 0 at pads, got "
                f"{list(attention_mask.shape)}: wavelet space has no mask over pairs of positions. If "
                f"set_attn_implementation was called after swap, call it again with {NAME!r}"
            )
        pads = None if attention_mask is None else attention_mask == 0
        y: tuple[Tensor, None] = self.attention(
            hidden_states, hidden_states, hidden_states, key_padding_mask=pads
        )
        return y


def swap(model: PreTrainedModel, **layer: Unpack[LoneLayerOptions]) -> PreTrainedModel:
    """Put a wavelet space attention in place of each self-attention of an encoder, in place.

    Width, heads, dropout, device and dtype stay as they were. The new weights are fresh: train the model
    further. ``config.wavspa`` keeps the options, so that :func:`load_swapped` reads what
    ``save_pretrained`` writes.

    Args:
        model: An encoder of `transformers`, with any head: BERT, RoBERTa, XLM-RoBERTa, CamemBERT, ELECTRA,
            ERNIE, DistilBERT.
        **layer: Options of :class:`~wavspa.WavSpAttention`: ``attention``, ``wavelet``, ``taps``, ``level``,
            …; your own base or mode by its registered name.

    Returns:
        The same model.

    Raises:
        ValueError: There is nothing to swap, the model is swapped already or decodes, or an option has an
            impossible value.
    """
    if not isinstance(model, PreTrainedModel):
        raise ValueError(
            f"model must be from transformers, got a {type(model).__name__}: wavspa.swap_attention swaps "
            "nn.MultiheadAttention in others"
        )
    config = model.config
    if getattr(config, "is_decoder", False) or getattr(config, "add_cross_attention", False):
        raise ValueError(
            "a decoder attends causally or to another sequence, which wavelet space attention does not: swap "
            "an encoder (config.is_decoder=False, config.add_cross_attention=False)"
        )
    found = [
        (name, module) for name, module in model.named_modules() if type(module).__name__ in SWAPPED
    ]
    if not found:
        if any(isinstance(module, SwappedSelfAttention) for module in model.modules()):
            raise ValueError(
                f"this {type(model).__name__} is already swapped: create it again to swap it with "
                "other options"
            )
        raise ValueError(
            f"{type(model).__name__} holds none of {', '.join(SWAPPED)}: wavspa.WavSpMultiheadAttention "
            "replaces other attentions by hand"
        )
    # Linformer's projection along time is as long as the table of positions.
    options = {"max_len": config.max_position_embeddings, **layer}
    _check_kept(options)
    replace_modules(model, {name: _like(old, config, options) for name, old in found})
    config.wavspa = options
    model.set_attn_implementation(NAME)
    return model


def load_swapped(
    name: str | PathLike[str], architecture: type[PreTrainedModel] | None = None, **options: Any
) -> PreTrainedModel:
    """Load a swapped model that ``save_pretrained`` wrote, with its weights.

    Args:
        name: Its folder, or its name on the hub.
        architecture: A class of `transformers` to read it as, such as ``BertForSequenceClassification`` after
            pre-training; None: the class that wrote it.
        **options: Options of ``from_pretrained``: ``revision``, ``subfolder``, ``dtype``, ``num_labels``, …

    Raises:
        UserError: It was not swapped, or its class is not one of `transformers`.
    """
    places = {key: options[key] for key in _PLACES if key in options}
    config = AutoConfig.from_pretrained(name, **places)
    if not hasattr(config, NAME):
        raise UserError(
            f"{name} holds no swapped model: load it with from_pretrained, then call wavspa.exports.swap.swap"
        )
    if architecture is None:
        # Only a class of transformers itself: the name comes from a file.
        (written,) = config.architectures
        architecture = getattr(transformers, written, None)
        if architecture is None:
            raise UserError(
                f"{name} is a {written}, which transformers does not have: name its class with architecture="
            )
    model: PreTrainedModel = _swapped_class(architecture).from_pretrained(name, **options)
    return model


def _swapped_class(architecture: type[PreTrainedModel]) -> type[PreTrainedModel]:
    """A class of transformers whose models are swapped, by their configuration, on creation."""

    def __init__(self: PreTrainedModel, config: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        architecture.__init__(self, config, *args, **kwargs)
        swap(self, **config.wavspa)

    # With the same name, which save_pretrained writes, and the same module, whose source transformers
    # reads to find out what kind of attention the class has.
    members = {"__init__": __init__, "__module__": architecture.__module__}
    return type(architecture.__name__, (architecture,), members)


def _like(old: nn.Module, config: Any, layer: Any) -> SwappedSelfAttention:
    dim, heads = config.hidden_size, config.num_attention_heads
    dropout: Any = old.dropout
    new = SwappedSelfAttention(dim, heads, dropout.p, **layer)
    return new.to(next(old.parameters())).train(old.training)


def _check_kept(layer: dict[str, Any]) -> None:
    """Refuse what ``config.json`` cannot hold."""
    for option in ("attention", "wavelet"):
        value = layer.get(option, "")
        names = value if isinstance(value, list | tuple) else [value]
        if not all(isinstance(name, str) for name in names):
            raise ValueError(
                f"{option} must be a name, which config.json can store, got {value!r}: "
                f"name your own class with wavspa.register_{option}"
            )


def _padding(attention_mask: Tensor | None = None, **_: Any) -> Tensor | None:
    """The mask [B, N] itself: the attention needs no mask over pairs."""
    return attention_mask


def _not_swapped(module: nn.Module, *_: Any, **__: Any) -> NoReturn:
    raise ValueError(
        f"{type(module).__name__} is not wavelet space attention: only wavspa.exports.swap.swap may set "
        f"attn_implementation={NAME!r}"
    )


AttentionInterface.register(NAME, _not_swapped)
AttentionMaskInterface.register(NAME, _padding)
