"""Hydra's and OmegaConf's messages in one line, with the legal options or a name that is near."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hydra import compose, initialize_config_module
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from wavspa.config_options import did_you_mean, flatten

CONFIG_MODULE = "wavspa.conf"

# Launchers of other projects, and the extra of this package that installs each.
_EXTRAS = {
    "joblib": "joblib",
    "ray": "ray",
    "submitit_local": "submitit",
    "submitit_slurm": "submitit",
}


def explain_composition(error: Exception) -> str:
    """Say in one line what a composition did not like.

    Args:
        error: What Hydra or OmegaConf raised.
    """
    message = str(error).strip()
    if found := re.search(r"Could not find '([^']+)/([^'/]+)'", message):
        return _unknown_option(found[1], found[2])
    if found := re.search(r"Could not (?:override|load) '([^']+)'", message):
        return _unknown_key(found[1])
    return message.split("\n\n")[0]


def mistyped(overrides: Sequence[str]) -> str | None:
    """Name the first override that gives a word where the configuration has a number, true or false.

    Args:
        overrides: The ``key=value`` words of a composition that went well.
    """
    with _composed() as (config, _):
        for override in OverridesParser.create().parse_overrides(list(overrides)):
            default = OmegaConf.select(config, override.key_or_group)
            key = override.key_or_group
            if isinstance(default, bool) and not isinstance(override.value(), bool):
                return f"{key} must be true or false, got {override.value()!r}"
            if isinstance(default, int | float) and isinstance(override.value(), str):
                return f"{key}={override.value()} has the wrong type; the default is {default}"
    return None


def keys_of(config: DictConfig) -> Iterator[str]:
    """Every dotted key of a configuration."""
    content = OmegaConf.to_container(config, resolve=False)
    assert isinstance(content, dict)
    for key, _ in flatten(content, inner=True):
        if not any(part.startswith("_") for part in key.split(".")):
            yield key


def _unknown_option(path: str, name: str) -> str:
    if path == "hydra/launcher" and name in _EXTRAS:
        return f"hydra/launcher={name} is not installed: pip install 'wavspa[{_EXTRAS[name]}]'"
    with _composed() as (config, loader):
        choices = config.hydra.runtime.choices
        group = path if path in choices else path.partition("/")[0]
        options = loader.get_group_options(group)
        for inner in loader.list_groups(group):
            # model/attention is a choice of its own, dataset/lra/listops an option of dataset.
            if f"{group}/{inner}" not in choices:
                options += [f"{inner}/{o}" for o in loader.get_group_options(f"{group}/{inner}")]
    option = f"{path}/{name}".removeprefix(f"{group}/")
    return f"{group} has no option {option!r}; it has {', '.join(options)}"


def _unknown_key(name: str) -> str:
    with _composed() as (config, _):
        groups = [str(group) for group in config.hydra.runtime.choices]
        names = [*keys_of(config), *groups]
    # Hydra's own keys are many, and near to no mistake in one of ours.
    names = [key for key in names if key.startswith("hydra") == name.startswith("hydra")]
    return f"there is no option {name!r}{did_you_mean(name, names)}"


@contextmanager
def _composed() -> Iterator[tuple[DictConfig, ConfigLoader]]:
    """The configuration of the command line's groups, without its mistake."""
    GlobalHydra.instance().clear()
    with initialize_config_module(CONFIG_MODULE, version_base="1.3"):
        groups = [word for word in sys.argv[1:] if re.fullmatch(r"[\w/]+=[\w/]+", word)]
        try:
            config = compose("train", groups, return_hydra_config=True)
        except HydraException:
            config = compose("train", return_hydra_config=True)
        yield config, GlobalHydra.instance().config_loader()
