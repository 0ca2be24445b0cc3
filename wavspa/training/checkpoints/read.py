"""Reader of checkpoints: plain containers and tensors, from which the model is rebuilt."""

import pickle
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from wavspa.errors import UserError
from wavspa.run_folder import layout
from wavspa.training.checkpoints.exported import load_exported
from wavspa.training.checkpoints.rebuild import build_model, load_weights

CONFIG_KEY = "wavspa_config"
MODEL_PREFIX = "model."

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def load_model(path: str | Path, revision: str | None = None) -> nn.Module:
    """Rebuild a trained model, in evaluation mode on the CPU.

    Args:
        path: A checkpoint, a run's folder (its best checkpoint is taken), a folder that ``wavspa-export``
            wrote, or where there is no such file, a model on the hub: ``user/name`` or
            ``user/name@revision``.
        revision: A branch, tag or commit of the model on the hub; None is the main branch.

    Returns:
        The model, called as ``model(tokens [B, N] int64, lengths [B] int64)``.

    Raises:
        UserError: There is no such thing, it is damaged or foreign, or it asks for anything but a model
            of this package; or there is a revision of what is not on the hub, or two of them.
    """
    name, _, after = str(path).partition("@")
    if not Path(path).exists() and is_hub_id(name):
        if revision and after:
            raise UserError(
                f"{path} and revision={revision!r} cannot be combined: name one revision"
            )
        return load_exported(fetch(name, revision or after or None)).eval()
    if revision:
        raise UserError(
            f"revision={revision!r} only applies to a model on the hub (user/name), and {path} is not one: "
            "leave it out"
        )
    if (Path(path) / layout.EXPORT_CONFIG).exists():
        return load_exported(Path(path)).eval()
    checkpoint = find_checkpoint(Path(path))
    content = read_checkpoint(checkpoint)
    config = content[CONFIG_KEY]
    model = build_model(config["model"], checkpoint, config["frozen"].get("plugins", ()))
    load_checkpoint_weights(model, content, checkpoint)
    return model.eval()


def is_hub_id(name: str) -> bool:
    """Whether a name has the form ``user/name``."""
    return _HUB_ID.fullmatch(name) is not None


def find_checkpoint(path: Path) -> Path:
    """The checkpoint that ``path`` means: itself, or the best one of a run's folder.

    Raises:
        UserError: There is none.
    """
    if not path.exists():
        raise UserError(f"there is no run folder, exported model or checkpoint {path}")
    if path.is_file():
        return path
    checkpoint = layout.best_checkpoint(path)
    if not checkpoint.exists():
        raise UserError(
            f"{path} holds no {layout.CHECKPOINTS}/{layout.BEST}: run wavspa-run {path}"
        )
    return checkpoint


def load_checkpoint_weights(model: nn.Module, checkpoint: dict[str, Any], path: Path) -> None:
    """Load a checkpoint's weights into a model of the same shape.

    Args:
        model: The bare model, not its task.
        checkpoint: The content of the checkpoint.
        path: Its file, for the message.

    Raises:
        UserError: Names or shapes do not match.
    """
    load_weights(model, bare_weights(checkpoint), path)


def bare_weights(checkpoint: dict[str, Any]) -> dict[str, Tensor]:
    """The weights of the bare model in the content of a checkpoint of its task."""
    return {
        name.removeprefix(MODEL_PREFIX): tensor
        for name, tensor in checkpoint["state_dict"].items()
        if name.startswith(MODEL_PREFIX)
    }


def read_checkpoint(path: Path, map_location: Any = "cpu") -> dict[str, Any]:
    """Read a checkpoint without running code from it.

    Args:
        path: The file.
        map_location: Where its tensors go.

    Returns:
        Lightning's checkpoint, with the configuration under ``CONFIG_KEY``.

    Raises:
        UserError: The file is missing, damaged, or not a checkpoint of this program.
    """
    if not path.is_file():
        raise UserError(f"there is no checkpoint {path}")
    try:
        checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except (
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        LookupError,
        pickle.UnpicklingError,
    ) as error:
        folder = path.parent.parent
        if not (path.parent.name == layout.CHECKPOINTS and (folder / layout.CONFIG).exists()):
            # Anything may have been named, so the message suggests no removal.
            raise UserError(
                f"{path} is damaged, is not a checkpoint, or holds more than plain data"
            ) from error
        raise UserError(
            f"checkpoint {path} is damaged or holds more than plain data; restore it, or remove it and "
            f"start the run again with wavspa-run {folder}"
        ) from error
    if not isinstance(checkpoint, dict) or not {CONFIG_KEY, "state_dict"} <= checkpoint.keys():
        raise UserError(f"{path} is not a checkpoint of wavspa: it lacks {CONFIG_KEY!r}")
    return checkpoint


def fetch(hub_id: str, revision: str | None) -> Path:
    """The folder that holds a model of the hub; see :func:`wavspa.training.checkpoints.hub.fetch`.

    Raises:
        UserError: The hub's client is missing, or reports an error.
    """
    # Only a model on the hub needs its client.
    try:
        from wavspa.training.checkpoints import hub
    except ModuleNotFoundError as error:
        raise UserError(
            f"{hub_id} (no folder here, so a model on the hub) needs {error.name}: "
            "pip install 'wavspa[train]'"
        ) from error
    return hub.fetch(hub_id, revision)
