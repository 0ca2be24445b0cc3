"""The checkpoint that a run resumes from, and the check that it belongs to the run."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from wavspa.config_options import flatten
from wavspa.errors import UserError
from wavspa.reporting import warn
from wavspa.run_folder import layout
from wavspa.training.checkpoints.read import CONFIG_KEY, read_checkpoint

# The nodes that determine the weights a run ends with, and the keys in them that do not.
_DECIDING = ("seed", "model", "task", "optimizer", "schedule", "dataset", "trainer")
_FREE = (
    *("data_root", "workers", "download", "devices", "num_nodes", "strategy", "accelerator"),
    *("compile", "profile"),
)


def check_resumable(content: Mapping[str, Any], checkpoint: Path, config: DictConfig) -> None:
    """Check a checkpoint against the configuration of the run that resumes from it.

    Args:
        content: The content of the checkpoint.
        checkpoint: The checkpoint's file, for the message.
        config: The frozen configuration of the run.

    Raises:
        UserError: The checkpoint belongs to another run, or the configuration was changed since.
    """
    then = content[CONFIG_KEY]
    if then["frozen"]["hash"] != config.frozen.hash:
        raise UserError(
            f"{checkpoint} belongs to another configuration ({then['frozen']['hash']}, this is "
            f"{config.frozen.hash}): replace it with the right one, or remove it to start from scratch"
        )
    values, now = dict(_values(then)), OmegaConf.to_container(config)
    assert isinstance(now, dict)
    for key, value in _values(now):
        if value != values.get(key, value):
            raise UserError(
                f"{layout.CONFIG} has {key}={value}, but {checkpoint} was written with {values[key]}: "
                "restore that value, or start another run with wavspa-train"
            )


def _values(config: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Every value of a configuration that determines the weights, with its dotted key."""
    for key, value in flatten({name: config[name] for name in config if name in _DECIDING}):
        if not set(key.split(".")) & set(_FREE):
            yield key, value


def find_resumable(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The last complete checkpoint of the run in ``folder``, from which it resumes, and its content.

    Warns if it is not the last one written.

    Args:
        folder: The run's folder.

    Returns:
        The checkpoint and its content, or None if none has been written yet.

    Raises:
        UserError: All checkpoints are damaged.
    """
    damage = None
    for path in (layout.last_checkpoint(folder), layout.previous_checkpoint(folder)):
        if not path.exists():
            continue
        try:
            content = read_checkpoint(path)
        except UserError as error:
            damage = damage or error
            continue
        if damage:
            warn(f"{damage}; resuming from {path.name}")
        return path, content
    if damage:
        raise damage
    return None
