"""Run folders, which are created from a configuration and found again by it."""

import os
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from wavspa import atomic
from wavspa.config_options import differences
from wavspa.errors import UserError, first_line
from wavspa.git_commit import commit_of
from wavspa.launching.run.naming import UNHASHED, config_hash, run_name
from wavspa.plugins import describe_plugins, import_plugins
from wavspa.reporting import report
from wavspa.run_folder import layout
from wavspa.run_folder.lock import exclusive, is_locked
from wavspa.run_folder.replaced import set_aside

# Options that a later command may change in an existing run, by first part, and their frozen keys.
_EXCHANGEABLE = {
    "logger": "logger",
    "checkpoints": "checkpoints",
    "data_root": "dataset.data_root",
}

_NOT_FROZEN = ("runs", "data_root", "rerun", "dry_run", "device", "mfu", "find", "jobs")

_NO_DIFFERENCE = (*UNHASHED, "name", "experiment_name", "frozen")

# Made absolute: a run may be resumed from another working folder than the one these were typed in.
_PATHS = (
    *("data_root", "dataset.train", "dataset.val", "dataset.test"),
    *("dataset.tokenizer.folder", "dataset.tokenizer.run"),
)


def freeze(config: DictConfig, overrides: Sequence[str]) -> Path:
    """Create the folder of a run and write its resolved configuration into it.

    Args:
        config: The composed and validated configuration.
        overrides: The ``key=value`` words that it was composed from.

    Returns:
        The folder: new, or the one that already holds this configuration.

    Raises:
        UserError: The folder cannot be written, or was named and holds another configuration.
    """
    folder = folder_of(config, overrides)
    try:
        if config.rerun and folder.is_dir():
            with exclusive(folder):
                set_aside(folder)
        if (folder / layout.CONFIG).exists():
            _reuse(folder, config, overrides)
        else:
            frozen = OmegaConf.create(_frozen(config, folder.name, overrides))
            folder.mkdir(parents=True, exist_ok=True)
            atomic.write_text(folder / layout.CONFIG, OmegaConf.to_yaml(frozen))
    except OSError as error:
        raise UserError(
            f"runs={config.runs}: {folder} cannot be written ({error.strerror}); name a writable folder"
        ) from error
    return folder


def freeze_all(configs: Sequence[DictConfig], overrides: Sequence[Sequence[str]]) -> list[Path]:
    """Create the folders of several runs; none is touched unless all can hold their runs.

    Args:
        configs: The composed and validated configuration of each.
        overrides: The words that each was composed from.

    Returns:
        The folder of each.

    Raises:
        UserError: A folder cannot be read, holds another configuration, would be replaced while its run
            trains, or would be shared by two different runs.
    """
    try:
        _check_folders(configs, overrides)
    except OSError as error:
        raise UserError(
            f"runs={configs[0].runs} cannot be read ({error.strerror}); name a readable folder"
        ) from error
    return [freeze(config, words) for config, words in zip(configs, overrides, strict=True)]


def folder_of(config: DictConfig, overrides: Sequence[str]) -> Path:
    """The folder of a run: the one that holds its configuration, or the one to create.

    Args:
        config: The composed configuration.
        overrides: The words that it was composed from.
    """
    experiment, identity = experiment_folder(config), config_hash(config)
    if config.name is not None:
        return experiment / _one_level(str(config.name))
    folder = experiment / run_name(config, overrides, identity)
    if (folder / layout.CONFIG).exists():
        return folder
    # The same configuration may be typed in several ways, which change only the readable part of the name.
    typed_otherwise = filter(_bears_its_name, sorted(experiment.glob(f"*-{identity}")))
    return next(typed_otherwise, folder)


def _bears_its_name(folder: Path) -> bool:
    """Whether a folder holds the run that was frozen under its name; a copy or a renamed one does not."""
    return (folder / layout.CONFIG).exists() and _held_config(folder).name == folder.name


def experiment_folder(config: DictConfig) -> Path:
    """The folder that holds the run folders of an experiment.

    Args:
        config: The composed configuration of a run.
    """
    return Path(os.path.expanduser(config.runs), _one_level(str(config.experiment_name)))


def read_config(folder: Path) -> DictConfig:
    """Read the frozen configuration of a run and import its plugins.

    Args:
        folder: The run's folder.

    Raises:
        UserError: The configuration is missing or damaged, or a plugin cannot be imported.
    """
    config = _held_config(folder)
    import_plugins(config.get("plugins") or (), config.frozen.get("plugins"))
    _warn_if_plugins_changed(folder, config)
    return config


def _held_config(folder: Path) -> DictConfig:
    path = folder / layout.CONFIG
    try:
        if not path.is_file():
            raise UserError(f"{folder} is not a run's folder: it has no {layout.CONFIG}")
        config = OmegaConf.load(path)
    except (YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise UserError(f"{path} is damaged: {first_line(error)}") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error})") from error
    if not isinstance(config, DictConfig) or "frozen" not in config:
        raise UserError(f"{path} is not the frozen configuration of a run")
    OmegaConf.set_struct(config, True)
    return config


def warn_if_code_changed(folder: Path, config: DictConfig) -> None:
    """Warn on standard error if a run was frozen by another version of the code."""
    now = code_version()
    then = {key: config.frozen.get(key) for key in now}
    if then != now:
        report(
            f"note: {folder} was started with wavspa {format_version(then)}; this is {format_version(now)}"
        )


def _warn_if_plugins_changed(folder: Path, config: DictConfig) -> None:
    plugins = describe_plugins(config.get("plugins") or ())
    for name, then in (config.frozen.get("plugins") or {}).items():
        if name not in plugins:
            report(f"note: {folder} was started with the plugin {name}, which is not installed")
        elif _code(then) != _code(plugins[name]):
            report(
                f"note: {folder} was started with {name} {format_version(then)}; this is "
                f"{format_version(plugins[name])}"
            )
        elif then.get("checksum") not in (None, now := plugins[name]["checksum"]):
            report(
                f"note: {folder} was started with other code in {name} (SHA-256 {then['checksum'][:12]}; "
                f"this is {str(now)[:12]})"
            )


def _check_folders(configs: Sequence[DictConfig], overrides: Sequence[Sequence[str]]) -> None:
    taken: dict[Path, DictConfig] = {}
    for config, words in zip(configs, overrides, strict=True):
        folder, identity = folder_of(config, words), config_hash(config)
        other = taken.setdefault(folder, config)
        if config_hash(other) != identity:
            difference = _difference(*(_resolved(one, folder.name) for one in (other, config)))
            raise UserError(
                f"name={config.name}: two runs of this sweep would share {folder} ({difference}); "
                "leave out name="
            )
        if not (folder / layout.CONFIG).exists():
            continue
        if not config.rerun:
            _check_same(folder, _held_config(folder), config)
        elif is_locked(folder):
            raise UserError(f"rerun=true: another process is running {folder}; stop it first")
        elif (parent := OmegaConf.select(config, "init.parent.folder")) and _is_in(parent, folder):
            raise UserError(
                f"init={config.init['from']} is the run that rerun=true replaces: choose another name, or "
                "other weights"
            )


def _is_in(place: str, folder: Path) -> bool:
    """Whether the path of some weights is a run's folder or inside it."""
    return folder.resolve() in (path := Path(place).resolve(), *path.parents)


def _reuse(folder: Path, config: DictConfig, overrides: Sequence[str]) -> None:
    """Keep the configuration of a run, except for typed options that do not affect its result."""
    held = _held_config(folder)
    _check_same(folder, held, config)
    typed = {re.split(r"[=.]", word.lstrip("+~").removeprefix("dataset."))[0] for word in overrides}
    before, wanted = held.copy(), OmegaConf.create(_resolved(config, folder.name))
    for option, key in _EXCHANGEABLE.items():
        if option in typed:
            OmegaConf.update(held, key, OmegaConf.select(wanted, key), merge=False, force_add=True)
    if held != before:
        atomic.write_text(folder / layout.CONFIG, OmegaConf.to_yaml(held))


def _check_same(folder: Path, held: DictConfig, config: DictConfig) -> None:
    if held.frozen.hash == config_hash(config):
        return
    there = OmegaConf.to_container(held)
    assert isinstance(there, dict)
    raise UserError(
        f"{folder} holds another configuration ({_difference(there, _resolved(config, folder.name))}): "
        "choose another name, or rerun=true to start it from scratch"
    )


def _difference(there: dict[Any, Any], here: dict[Any, Any]) -> str:
    """The differences between the configurations of two runs, in a few words."""
    content: list[dict[Any, Any]] = []
    for config in (there, here):
        shaping = {key: value for key, value in config.items() if key not in _NO_DIFFERENCE}
        dataset = {key: value for key, value in config["dataset"].items() if key != "data_root"}
        content.append({**shaping, "dataset": dataset})
    return ", ".join(differences(content[0], content[1])) or "by an older version of wavspa"


def _frozen(config: DictConfig, name: str, overrides: Sequence[str]) -> dict[str, Any]:
    frozen: dict[str, Any] = {
        "hash": config_hash(config),
        "cell": config_hash(config, without=["seed"]),
        **code_version(),
        "overrides": list(overrides),
    }
    if plugins := describe_plugins(config.get("plugins") or ()):
        frozen["plugins"] = plugins
    return {**_resolved(config, name), "frozen": frozen}


def _resolved(config: DictConfig, name: str) -> dict[str, Any]:
    """The configuration of a run in a folder with this name, as plain containers."""
    config = config.copy()
    OmegaConf.set_struct(config, False)
    config.name = name
    for key in _PATHS:
        if path := OmegaConf.select(config, key):
            OmegaConf.update(config, key, os.path.abspath(os.path.expanduser(path)))
    resolved = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(resolved, dict)
    return {str(key): value for key, value in resolved.items() if key not in _NOT_FROZEN}


def _one_level(name: str) -> str:
    return name.replace(os.sep, "-")


def format_version(version: Mapping[str, Any]) -> str:
    """Format :func:`code_version` for a message."""
    return f"{version['version']} ({version['commit'] or 'no commit'})"


def _code(version: Mapping[str, Any]) -> tuple[str | None, str | None]:
    return version["version"], version["commit"]


_PACKAGE = Path(__file__).parents[2]


def code_version() -> dict[str, str | None]:
    """The package's version and, in a git checkout, the commit (with "-dirty" after changes)."""
    try:
        number = version("wavspa")
    except PackageNotFoundError:
        number = "unknown"
    return {"version": number, "commit": commit_of(_PACKAGE / "__init__.py")}
