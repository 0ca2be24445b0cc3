"""The option ``plugins``: its value, and what plugins add to the command line's groups."""

from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import ListConfig

from wavspa.errors import UserError
from wavspa.plugins import GROUP, import_plugins
from wavspa.registry import registered

OPTION = "plugins"


def check_plugins(value: Any) -> list[str]:
    """The modules that the option names.

    Args:
        value: The option's value.

    Raises:
        UserError: It is not a list of modules.
    """
    names: list[Any] = list(value) if isinstance(value, list | ListConfig) else [None]
    if not all(isinstance(name, str) and _is_module(name) for name in names):
        raise UserError(
            f"{OPTION} must be a list of modules as imported, such as "
            f"[mylab.wavspa_parts], got {value!r}"
        )
    return names


def offer_plugins(words: Sequence[str]) -> None:
    """Import installed plugins and those on the command line, and add their parts to the groups.

    Their bases are then options of ``model/attention`` and their modes of ``model/wavelet``, also in help
    and ``glob(*)``. Plugins that a file names are imported once the file is composed.

    Args:
        words: The words of the command line.

    Raises:
        UserError: The value is not a list of modules, or a module cannot be imported.
    """
    typed = _typed(words)
    if not typed and not entry_points(group=GROUP):
        return
    import_plugins(typed)
    folders = _config_folders(words)
    for option in ("attention", "wavelet"):
        group = f"model/{option}"
        for name in registered(option):
            # Hydra would validate a file against an entry with the same name.
            if not any((folder / group / f"{name}.yaml").is_file() for folder in folders):
                ConfigStore.instance().store(
                    name, {option: name}, group=group, package="model", provider=OPTION
                )


def _typed(words: Sequence[str]) -> list[str]:
    """The plugins in the last word that names any."""
    names: list[str] = []
    for word in words:
        if word.startswith(f"{OPTION}="):
            # Composition reports an unreadable word.
            with suppress(HydraException):
                names = check_plugins(OverridesParser.create().parse_override(word).value())
    return names


def _config_folders(words: Sequence[str]) -> list[Path]:
    """The user's own folder of configurations, from ``--config-dir FOLDER``; an empty list without one."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config-dir", "-cd", type=Path)
    folder: Path | None = parser.parse_known_args(words)[0].config_dir
    return [] if folder is None else [folder]


def _is_module(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))
