"""Reader of an exported model: a folder of safetensors and a config.json, which holds no code."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from wavspa.errors import UserError, first_line
from wavspa.run_folder import layout
from wavspa.training.checkpoints.rebuild import build_model, load_weights

MODEL_TYPE = "wavspa"
# Of config.json: a change that an older program would misread counts it up.
FORMAT = 1


def load_exported(folder: Path) -> nn.Module:
    """Rebuild the model of a folder that ``wavspa-export`` wrote.

    Raises:
        UserError: A file is missing, damaged or of a newer version, or asks for anything but a model of
            this package.
    """
    config = read_config(folder)
    model = build_model(config["model"], folder / layout.EXPORT_CONFIG, config.get("plugins", ()))
    load_weights(model, read_weights(folder), folder / layout.EXPORT_WEIGHTS)
    return model


def read_config(folder: Path) -> dict[str, Any]:
    """The ``config.json`` of an exported folder.

    Raises:
        UserError: It is missing, damaged, of another program or of a newer version of this one.
    """
    path = folder / layout.EXPORT_CONFIG
    if not path.is_file():
        raise UserError(f"{folder} is not an exported model: it has no {layout.EXPORT_CONFIG}")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is damaged: {first_line(error)}") from error
    if not isinstance(config, dict) or config.get("model_type") != MODEL_TYPE:
        raise UserError(f"{path} is not that of a model of wavspa")
    version = config.get("wavspa_format")
    if not isinstance(version, int) or not isinstance(config.get("model"), dict):
        raise UserError(f"{path} is damaged: it lacks 'wavspa_format' or 'model'")
    if version > FORMAT:
        raise UserError(
            f"{path} was written by a newer wavspa, {config.get('wavspa_version')}, whose models this one "
            "does not read: pip install --upgrade wavspa"
        )
    return config


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The weights of an exported folder by name.

    Raises:
        UserError: They are missing or damaged.
    """
    path = folder / layout.EXPORT_WEIGHTS
    if not path.is_file():
        raise UserError(f"{folder} is not a complete export: it has no {layout.EXPORT_WEIGHTS}")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is damaged: {first_line(error)}") from error
