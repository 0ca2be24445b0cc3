"""The user's own metrics of a classifier: any of torchmetrics that needs only logits and labels."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.wrappers import LambdaInputTransformer

from wavspa.checks import OptionError
from wavspa.errors import first_line

# How torchmetrics names those that take one score for each example, not one for each class.
_BINARY = "Binary"


def with_own(
    metrics: Mapping[str, Metric], classes: int, own: Mapping[str, Metric]
) -> dict[str, Metric]:
    """Fresh metrics of a task together with those of the user.

    Args:
        metrics: Those of the task, by name.
        classes: Number of classes; with two, a metric that takes one score gets the probability of class 1.
        own: The user's.

    Raises:
        ValueError: A name is already taken.
    """
    for name in own:
        if name in (*metrics, "loss"):
            raise ValueError(f"metrics.{name} must have another name: the task logs {name} already")
    return {
        **metrics,
        **{name: _fitting(metric.clone(), classes) for name, metric in own.items()},
    }


def check_metric(option: str, metric: object, classes: int) -> None:
    """Try a metric of the user on the inputs that it will get: logits for each class.

    Args:
        option: Its option.
        metric: The metric, not on the meta device.
        classes: Number of classes.

    Raises:
        OptionError: It is not a metric, refuses logits, or does not return one number.
    """
    if not isinstance(metric, Metric):
        raise OptionError(option, f" must be a metric of torchmetrics, got {metric!r}")
    try:
        value = _fitting(metric.clone(), classes)(torch.eye(classes), torch.arange(classes))
    except Exception as error:
        raise OptionError(
            option, f" must take logits [B, {classes}] and labels [B]: {first_line(error)}"
        ) from error
    if not isinstance(value, Tensor) or value.numel() != 1:
        got = f"{list(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise OptionError(option, f" must return one number, got {got}: try average=macro")


def _fitting(metric: Metric, classes: int) -> Metric:
    if classes == 2 and type(metric).__name__.startswith(_BINARY):
        return LambdaInputTransformer(metric, transform_pred=_of_class_one)
    return metric


def _of_class_one(logits: Tensor) -> Tensor:
    return logits.softmax(dim=-1)[:, 1]
