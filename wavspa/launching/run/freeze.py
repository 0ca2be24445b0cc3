"""A run's folder: made from a configuration, found again by it."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from wavspa import atomic
from wavspa.errors import UserError, first_line
from wavspa.launching.run.naming import config_hash, run_name
from wavspa.reporting import report
from wavspa.run_folder import layout

_NOT_FROZEN = ("runs", "data_root", "rerun", "dry_run", "find", "jobs")

# A run may go on from another working folder than that in which these were typed.
_PATHS = ("data_root", "dataset.train", "dataset.val", "dataset.test", "dataset.tokenizer.folder")


def freeze(config: DictConfig, overrides: Sequence[str]) -> Path:
    """Make the folder of a run and write its resolved configuration into it.

    Args:
        config: The composed and validated configuration.
        overrides: The ``key=value`` words that it was composed from.

    Returns:
        The folder: new, or the one that already holds this configuration.

    Raises:
        UserError: The folder cannot be written, or was named and holds another configuration.
    """
    identity = config_hash(config)
    experiment = experiment_folder(config)
    folder = _find(experiment, config.name, identity) or experiment / run_name(
        config, overrides, identity
    )
    if config.rerun:
        _clear(folder)
    if (folder / layout.CONFIG).exists():
        _reuse(folder, identity)
    else:
        frozen = OmegaConf.create(_frozen(config, folder.name, identity, overrides))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            atomic.write_text(folder / layout.CONFIG, OmegaConf.to_yaml(frozen))
        except OSError as error:
            raise UserError(
                f"runs={config.runs}: {folder} cannot be written ({error.strerror})"
            ) from error
    return folder


def experiment_folder(config: DictConfig) -> Path:
    """Where the folders of an experiment's runs lie.

    Args:
        config: The composed configuration of one.
    """
    return Path(config.runs, _one_level(str(config.experiment_name)))


def read_config(folder: Path) -> DictConfig:
    """Read the frozen configuration of a run.

    Args:
        folder: The run's folder.

    Raises:
        UserError: There is none, or it is damaged.
    """
    path = folder / layout.CONFIG
    if not path.is_file():
        raise UserError(f"{folder} is not a run's folder: it has no {layout.CONFIG}")
    try:
        config = OmegaConf.load(path)
    except (YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise UserError(f"{path} is damaged: {first_line(error)}") from error
    if not isinstance(config, DictConfig) or "frozen" not in config:
        raise UserError(f"{path} is not the frozen configuration of a run")
    OmegaConf.set_struct(config, True)
    return config


def warn_if_code_changed(folder: Path, config: DictConfig) -> None:
    """Say so on standard error when a run was frozen by other code than this."""
    now = code_version()
    then = {key: config.frozen.get(key) for key in now}
    if then != now:
        report(
            f"note: {folder} was started with wavspa {format_version(then)}; this is {format_version(now)}"
        )


def _find(experiment: Path, name: str | None, identity: str) -> Path | None:
    if name is not None:
        return experiment / _one_level(name)
    # The same configuration may be typed in several ways, which differ in the readable part alone.
    return next(iter(sorted(experiment.glob(f"*-{identity}"))), None)


def _reuse(folder: Path, identity: str) -> None:
    config = read_config(folder)
    if config.frozen.hash != identity:
        raise UserError(
            f"{folder} holds another configuration ({config.frozen.hash}, this is {identity}): "
            "choose another name, or rerun=true to start it anew"
        )


def _clear(folder: Path) -> None:
    for name in (layout.CONFIG, layout.METRICS, layout.STATUS, layout.CARD, layout.PRUNE):
        (folder / name).unlink(missing_ok=True)
    for name in (layout.CHECKPOINTS, layout.FIGURES):
        shutil.rmtree(folder / name, ignore_errors=True)


def _frozen(
    config: DictConfig, name: str, identity: str, overrides: Sequence[str]
) -> dict[str, Any]:
    config = config.copy()
    OmegaConf.set_struct(config, False)
    config.name = name
    cell = config_hash(config, without=["seed"])
    for key in _PATHS:
        if path := OmegaConf.select(config, key):
            OmegaConf.update(config, key, os.path.abspath(os.path.expanduser(path)))
    resolved = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(resolved, dict)
    frozen = {"hash": identity, "cell": cell, **code_version(), "overrides": list(overrides)}
    kept = {str(key): value for key, value in resolved.items() if key not in _NOT_FROZEN}
    return {**kept, "frozen": frozen}


def _one_level(name: str) -> str:
    return name.replace(os.sep, "-")


def format_version(version: dict[str, Any]) -> str:
    """Format :func:`code_version` for a message."""
    return f"{version['version']} ({version['commit'] or 'no commit'})"


_PACKAGE = Path(__file__).parents[2]


def code_version() -> dict[str, str | None]:
    """The package's version and, in a git checkout of it, the commit ("-dirty" after changes)."""
    try:
        number = version("wavspa")
    except PackageNotFoundError:
        number = "unknown"
    return {"version": number, "commit": _commit(_PACKAGE)}


def _commit(package: Path) -> str | None:
    # An installed copy may lie inside somebody else's repository, which does not track it.
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    return _git(package, "describe", "--always", "--dirty", "--exclude=*")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
