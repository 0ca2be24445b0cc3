"""The weights of the classes in the loss: given, named by the labels of the data, or from their counts."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from wavspa.data.labels import class_names
from wavspa.errors import UserError

BALANCED = "balanced"

ClassWeights = Sequence[float] | Mapping[Any, float] | str | None


class Weighted(nn.Module):
    """The part of a task that weights its classes in the loss.

    Attributes:
        chosen_weights: The option.
        class_weights: [C]; once the data are known, those that depend on them.
    """

    exact_buffers: tuple[str, ...] = ("class_weights",)
    trainer: Any
    chosen_weights: ClassWeights
    class_weights: Tensor

    def choose_weights(self, chosen: ClassWeights, classes: int) -> None:
        """Take the option.

        Raises:
            ValueError: :func:`check_class_weights` refuses it.
        """
        check_class_weights(chosen, classes)
        self.chosen_weights = chosen
        self.register_buffer("class_weights", class_weights(chosen, classes), persistent=False)

    def setup(self, stage: str) -> None:
        """Compute the weights from the data, if they depend on them."""
        if needs_data(self.chosen_weights):
            data = getattr(self.trainer, "datamodule", None)
            if data is None:
                raise UserError(
                    f"task.class_weights={self.chosen_weights} needs a data set whose card counts and names "
                    "its labels: list one weight for each class"
                )
            classes = len(self.class_weights)
            weights = class_weights(self.chosen_weights, classes, data.training_card)
            self.class_weights.copy_(weights)

    def check_data(self, card: Mapping[str, Any]) -> None:
        """Check the weights against the card of the data."""
        class_weights(self.chosen_weights, len(self.class_weights), card)


def check_class_weights(chosen: ClassWeights, classes: int) -> None:
    """Refuse weights that are wrong for any data.

    Args:
        chosen: The option.
        classes: Number of classes.

    Raises:
        ValueError: They are not numbers, negative, all 0, or too few or too many.
    """
    if chosen is None or chosen == BALANCED:
        return
    if isinstance(chosen, str):
        raise ValueError(
            f"class_weights must be a list, a mapping of labels, null or {BALANCED!r}, got {chosen!r}"
        )
    weights = list(chosen.values()) if isinstance(chosen, Mapping) else list(chosen)
    if not all(map(_is_weight, weights)) or not any(weights):
        raise ValueError(f"class_weights must be at least 0 and not all 0, got {chosen!r}")
    if isinstance(chosen, Mapping):
        if len({isinstance(label, str) for label in chosen}) > 1:
            raise ValueError(
                f"class_weights must name its labels by words alone or by numbers alone, got {chosen!r}"
            )
    elif len(weights) != classes:
        raise ValueError(
            f"class_weights must be one for each of {classes} classes, got {len(weights)}"
        )


def needs_data(chosen: ClassWeights) -> bool:
    """Whether the weights depend on the data."""
    return chosen == BALANCED or isinstance(chosen, Mapping)


def class_weights(
    chosen: ClassWeights, classes: int, card: Mapping[str, Any] | None = None
) -> Tensor:
    """The weights ``[classes]``.

    Args:
        chosen: The option, as :func:`check_class_weights` accepts it.
        classes: Number of classes, C.
        card: The card of the data; without it, what :func:`needs_data` is 1 for every class.

    Raises:
        UserError: A label is unknown, or has no weight.
    """
    if isinstance(chosen, Mapping):
        return torch.ones(classes) if card is None else _named(chosen, class_names(card, classes))
    if chosen == BALANCED and card is not None:
        return balanced_weights(train_labels(card), classes)
    if chosen is None or isinstance(chosen, str):
        return torch.ones(classes)
    return torch.tensor(chosen, dtype=torch.float32)


def balanced_weights(counts: Mapping[str, int], classes: int) -> Tensor:
    """Weights ``[classes]``, inverse to the classes' ``counts``; their mean over the examples is 1."""
    examples = torch.tensor([max(1, counts.get(str(label), 0)) for label in range(classes)])
    return examples.sum() / (classes * examples)


def of_seen(weights: Tensor, counts: Mapping[str, int]) -> Tensor:
    """Weights ``[classes]``, 0 where there are no examples: balanced ones would be the largest of all."""
    seen = torch.tensor([counts.get(str(label), 0) > 0 for label in range(len(weights))])
    return weights * seen.to(weights.device)


def train_labels(card: Mapping[str, Any]) -> Mapping[str, int]:
    """The training examples of each label, counted within ``dataset.limit`` if the card has such counts."""
    counts: Mapping[str, int] = card.get("train_labels", card["splits"]["train"]["labels"])
    return counts


def _is_weight(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value >= 0


def _named(chosen: Mapping[Any, float], names: Sequence[str]) -> Tensor:
    weights = {str(label): weight for label, weight in chosen.items()}
    legal = ", ".join(names)
    for label in weights:
        if label not in names:
            raise UserError(
                f"task.class_weights: the label {label!r} is unknown; choose one of {legal}"
            )
    for name in names:
        if name not in weights:
            raise UserError(
                f"task.class_weights must have a weight for each of {legal}, got none for {name!r}"
            )
    return torch.tensor([weights[name] for name in names], dtype=torch.float32)
