"""Writer of checkpoints: complete or absent on the disk, plain containers and tensors inside."""

import os
from pathlib import Path
from typing import Any, Literal

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO
from typing_extensions import override

from wavspa import atomic
from wavspa.errors import RunFailed, first_line
from wavspa.run_folder import layout
from wavspa.training.checkpoints.read import CONFIG_KEY, read_checkpoint


def best_checkpoint_callback(
    folder: Path, monitor: str, mode: Literal["min", "max"]
) -> ModelCheckpoint:
    """The callback that writes ``best.ckpt`` after a validation.

    Args:
        folder: The run's folder.
        monitor: The metric that decides which is the best.
        mode: Whether its best value is the highest or the lowest.
    """
    return _BestCheckpoint(
        dirpath=folder / layout.CHECKPOINTS,
        filename=Path(layout.BEST).stem,
        monitor=monitor,
        mode=mode,
        save_on_train_epoch_end=False,
        enable_version_counter=False,
    )


class _BestCheckpoint(ModelCheckpoint):
    """Remembers the best score even if the run's folder was moved."""

    @property
    @override
    def state_key(self) -> str:
        # That of the class above, under which older checkpoints have it.
        return super().state_key.replace(type(self).__name__, ModelCheckpoint.__name__, 1)

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        # The class above leaves out the scores of another folder.
        super().load_state_dict(_moved(state_dict, str(self.dirpath)))


def _moved(state: dict[str, Any], folder: str) -> dict[str, Any]:
    """The state of a ``ModelCheckpoint`` with its files in ``folder``."""

    def moved(path: str) -> str:
        return os.path.join(folder, os.path.basename(path)) if path else path

    return {
        **state,
        "dirpath": folder,
        **{
            name: moved(state[name])
            for name in ("best_model_path", "kth_best_model_path", "last_model_path")
        },
        "best_k_models": {moved(path): score for path, score in state["best_k_models"].items()},
    }


class ConfigInCheckpoint(Callback):
    """Puts the resolved configuration into every checkpoint, so that it rebuilds its own model.

    Args:
        config: The configuration as plain containers.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config

    @override
    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint[CONFIG_KEY] = self.config


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint under a temporary name and renames it; reads no code from one.

    The previous ``last.ckpt`` is kept as ``previous.ckpt``.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kept: tuple[Path, dict[str, Any]] | None = None

    def keep(self, path: Path, content: dict[str, Any]) -> None:
        """Keep what was read of a checkpoint for the next caller that loads it, once."""
        self._kept = path, content

    @override
    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with atomic.atomic_write(path) as file:
                torch.save(checkpoint, file)
                if path.name == layout.LAST and path.exists():
                    os.replace(path, path.with_name(layout.PREVIOUS))
        # torch's own writer raises RuntimeError when the disk is full.
        except (OSError, RuntimeError) as error:
            raise RunFailed(
                f"{path} cannot be written ({first_line(error)}); the previous one is as it "
                "was, and the same command resumes from it"
            ) from error

    @override
    def load_checkpoint(
        self, path: Any, map_location: Any = "cpu", weights_only: bool | None = True
    ) -> dict[str, Any]:
        kept, self._kept = self._kept, None
        if kept is not None and kept[0] == Path(path):
            return kept[1]
        return read_checkpoint(Path(path), map_location)
