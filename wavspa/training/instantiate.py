"""The one place that turns a configuration into objects."""

import inspect
from collections.abc import Iterator
from typing import Any

import hydra.utils
from omegaconf import DictConfig, OmegaConf

from wavspa.training.locate import locate


def instantiate(config: DictConfig, **extra: Any) -> Any:
    """Build the object that ``config`` describes.

    Args:
        config: A node with a ``_target_`` (and nodes below it, built first).
        **extra: Further keyword arguments of the target.

    Returns:
        What the target returns; lists and dicts reach it as plain containers.

    Raises:
        UserError: A ``_target_`` points outside ``wavspa.plugins.TRUSTED``.
        hydra.errors.InstantiationException: The target refused its arguments.
    """
    for target in _targets(OmegaConf.to_container(config, resolve=True)):
        locate(target)
    return hydra.utils.instantiate(config, _convert_="all", **extra)


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
