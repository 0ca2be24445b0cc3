"""Exported models as models of `transformers`: importing this module registers them with its Auto classes.

import wavspa.exports.transformers
model = AutoModelForSequenceClassification.from_pretrained(folder)  # a classifier
model = AutoModelForMaskedLM.from_pretrained(folder)  # a pre-trained encoder
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavspa.errors import UserError
from wavspa.exports.hub_config import CLASSIFICATION, MASKED
from wavspa.models.encoder import Head
from wavspa.models.position_embeddings import AddPositions
from wavspa.training.checkpoints.exported import MODEL_TYPE
from wavspa.training.checkpoints.rebuild import build_model

try:
    from transformers import (
        AutoConfig,
        AutoModelForMaskedLM,
        AutoModelForSequenceClassification,
        PreTrainedConfig,
        PreTrainedModel,
        initialization,
    )
    from transformers.modeling_outputs import MaskedLMOutput, SequenceClassifierOutput
except ImportError as error:
    raise UserError(
        "wavspa.exports.transformers needs transformers 5: pip install 'wavspa[transformers]'"
    ) from error


class WavspaConfig(PreTrainedConfig):
    """The configuration that ``wavspa-export`` writes to ``config.json``."""

    model_type = MODEL_TYPE


class _Wavspa(PreTrainedModel):
    """The common part of all of them: the bare model, its files, and buffers that no file holds."""

    config_class = WavspaConfig
    base_model_prefix = "model"
    main_input_name = "input_ids"

    def save_pretrained(
        self,
        save_directory: Any,
        is_main_process: bool = True,
        state_dict: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Save as the base class does, but the bare model's weights, which ``wavspa.load_model`` reads."""
        prefix = f"{self.base_model_prefix}."
        weights = state_dict or self.state_dict()
        bare = {name.removeprefix(prefix): tensor for name, tensor in weights.items()}
        super().save_pretrained(save_directory, is_main_process, bare, *args, **kwargs)

    def _init_weights(self, module: nn.Module) -> None:
        # from_pretrained creates models without memory. The table of positions, which no file holds, is
        # filled here.
        if isinstance(module, AddPositions):
            module.fill_table()


class WavspaForSequenceClassification(_Wavspa):
    """A wavspa classifier behind the calls of `transformers`.

    Args:
        config: Configuration of a model of the task ``classification``. Another ``num_labels`` creates a new
            head.

    Raises:
        UserError: The model has another task.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        if config.task != CLASSIFICATION:
            raise UserError(
                f"a model of the task {config.task} does not classify sequences: "
                "use wavspa.load_model"
            )
        options = {**config.model, "classes": config.num_labels}
        config.model = options  # so that save_pretrained writes the same
        self.model = build_model(options, Path(config.name_or_path), getattr(config, "plugins", ()))
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **kwargs: Any,
    ) -> SequenceClassifierOutput:
        """Classify sequences.

        Args:
            input_ids: Tokens, int64 [B, N].
            attention_mask: 1 at real tokens and 0 at the pads that follow them, [B, N]; None: all are real.
            labels: int64 [B]; with them there is a loss: the run's, with its class weights.
            **kwargs: Further arguments of trainers; not used.

        Returns:
            ``loss``, or None without labels, and ``logits`` [B, C].

        Raises:
            ValueError: Pads are elsewhere than on the right, or a row has no token.
        """
        lengths = None if attention_mask is None else _lengths(attention_mask)
        logits = self.model(input_ids, lengths)
        loss = None if labels is None else self._loss(logits.float(), labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        weights, smoothing = self.config.loss["class_weights"], self.config.loss["label_smoothing"]
        if weights is None or len(weights) != self.config.num_labels:
            return F.cross_entropy(logits, labels, label_smoothing=smoothing)
        return F.cross_entropy(
            logits, labels, logits.new_tensor(weights), label_smoothing=smoothing
        )

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        # A head for other labels.
        if module is self.model.head[-1]:
            fresh = Head([module.in_features, module.out_features])[0]
            for name, values in fresh.named_parameters():
                initialization.copy_(getattr(module, name), values)


class WavspaForMaskedLM(_Wavspa):
    """A wavspa encoder of masked tokens behind the calls of `transformers`.

    Args:
        config: Configuration of a model of the task ``masked``.

    Raises:
        UserError: The model has another task.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        if config.task != MASKED:
            raise UserError(
                f"a model of the task {config.task} does not predict masked tokens: use wavspa.load_model"
            )
        self.model = build_model(
            config.model, Path(config.name_or_path), getattr(config, "plugins", ())
        )
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **kwargs: Any,
    ) -> MaskedLMOutput:
        """Predict tokens.

        Args:
            input_ids: Tokens, int64 [B, N]; ``config.mask_token_id`` where one is to be predicted.
            attention_mask: 1 at real tokens and 0 at the pads that follow them, [B, N]; None: all are real.
            labels: int64 [B, N], the tokens to be predicted, and -100 elsewhere; with them there is a loss.
            **kwargs: Further arguments of trainers; not used.

        Returns:
            ``loss``, or None without labels, and ``logits`` [B, N, V], V without the mask.

        Raises:
            ValueError: Pads are elsewhere than on the right, or a row has no token.
        """
        lengths = None if attention_mask is None else _lengths(attention_mask)
        logits = self.model(input_ids, lengths)
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits.float().flatten(0, 1), labels.flatten())
        return MaskedLMOutput(loss=loss, logits=logits)


def _lengths(attention_mask: Tensor) -> Tensor:
    """The real tokens [B] of each row of a mask [B, N].

    Raises:
        ValueError: They are not on the left, or there are none.
    """
    lengths = attention_mask.long().sum(dim=1)
    places = torch.arange(attention_mask.shape[1], device=attention_mask.device)
    if not torch.equal(places < lengths[:, None], attention_mask.bool()) or (lengths < 1).any():
        raise ValueError(
            "attention_mask must mark at least one real token in each row, and pads only on the right: set "
            "tokenizer.padding_side = 'right'"
        )
    return lengths


AutoConfig.register(MODEL_TYPE, WavspaConfig)
AutoModelForSequenceClassification.register(WavspaConfig, WavspaForSequenceClassification)
AutoModelForMaskedLM.register(WavspaConfig, WavspaForMaskedLM)
