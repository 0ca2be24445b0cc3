"""The one place that turns a configuration into objects."""

import inspect
from collections.abc import Iterator
from typing import Any

import hydra.utils
from omegaconf import DictConfig, OmegaConf

from wavspa.errors import UserError

ALLOWED_PACKAGES = ("wavspa", "torch", "pytorch_lightning", "lightning", "torchmetrics")


def instantiate(config: DictConfig, **extra: Any) -> Any:
    """Build the object that ``config`` describes.

    Args:
        config: A node with a ``_target_`` (and nodes below it, built first).
        **extra: Further keyword arguments of the target.

    Returns:
        What the target returns; lists and dicts reach it as plain containers.

    Raises:
        UserError: A ``_target_`` points outside ``ALLOWED_PACKAGES``.
        hydra.errors.InstantiationException: The target refused its arguments.
    """
    for target in _targets(OmegaConf.to_container(config, resolve=True)):
        locate(target)
    return hydra.utils.instantiate(config, _convert_="all", **extra)


def locate(target: str) -> Any:
    """Find the class or function that a ``_target_`` names.

    Args:
        target: A dotted path. Both the path and the object it leads to must belong to one of
            ``ALLOWED_PACKAGES`` (``wavspa.launching.subprocesses.os.system`` does not).

    Raises:
        UserError: It is unknown, or lies elsewhere.
    """
    allowed = ", ".join(ALLOWED_PACKAGES)
    if _package(target) not in ALLOWED_PACKAGES:
        raise UserError(f"_target_ {target!r} is not in one of the packages {allowed}")
    try:
        found = hydra.utils.get_object(target)
    except (ImportError, ValueError) as error:
        raise UserError(f"_target_ {target!r} does not exist: {_last_line(error)}") from error
    if _package(getattr(found, "__module__", None) or "") not in ALLOWED_PACKAGES:
        raise UserError(f"_target_ {target!r} leads outside the packages {allowed}")
    return found


def parameters_of(target: str) -> dict[str, inspect.Parameter]:
    """The parameters that the class or function named by a ``_target_`` takes."""
    return dict(inspect.signature(locate(target)).parameters)


def _targets(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "_target_" in node:
            yield str(node["_target_"])
        for value in node.values():
            yield from _targets(value)
    elif isinstance(node, list):
        for value in node:
            yield from _targets(value)


def _package(dotted: str) -> str:
    return dotted.split(".", 1)[0]


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1]
