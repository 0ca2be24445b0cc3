"""Models from their options and their weights."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from wavspa.errors import UserError, first_line
from wavspa.plugins import is_of_plugin, missing_plugins
from wavspa.training.locate import locate

MODELS_PACKAGE = "wavspa.models"


def build_model(options: Mapping[str, Any], source: Path, plugins: Iterable[str] = ()) -> nn.Module:
    """Build a model of this package or of a plugin that was imported; nothing else is ever called.

    Args:
        options: Its options, and its class as ``_target_``.
        source: The file that they come from, for the message.
        plugins: The modules that the model may have parts of. They are not imported here: a file that was
            downloaded does not decide which code runs.

    Raises:
        UserError: ``_target_`` is not a model of wavspa, or refuses its options.
    """
    options = dict(options)
    target = str(options.pop("_target_", ""))
    try:
        model = locate(target)
        home = getattr(model, "__module__", "")
        if not (isinstance(model, type) and issubclass(model, nn.Module)) or not (
            home == MODELS_PACKAGE or home.startswith(MODELS_PACKAGE + ".") or is_of_plugin(home)
        ):
            raise UserError(f"{source} asks for {target!r}, which is not a model of wavspa")
        built: nn.Module = model(**options)
    except (TypeError, ValueError) as error:
        if missing := missing_plugins(plugins):
            raise UserError(
                f"{source} belongs to a model with parts from {missing[0]}: install it, and write "
                f"import {missing[0]} before the model is loaded"
            ) from error
        if isinstance(error, UserError):
            raise
        raise UserError(f"{source}: {target} cannot be built: {first_line(error)}") from error
    return built


def load_weights(model: nn.Module, weights: Mapping[str, Tensor], source: Path) -> None:
    """Load weights into a model of the same shape.

    Args:
        model: The model.
        weights: All of its parameters and buffers by name.
        source: The file that they come from, for the message.

    Raises:
        UserError: Names or shapes do not match.
    """
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        mismatch = str(error).strip().splitlines()[1].strip()
        raise UserError(f"{source} does not fit this model: {mismatch}") from error
