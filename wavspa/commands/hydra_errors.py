"""Hydra's and OmegaConf's messages in one line, with the legal options or a name that is near."""

import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from hydra import compose, initialize_config_module
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, InstantiationException, OverrideParseException
from omegaconf import DictConfig, OmegaConf

from wavspa.config_options import did_you_mean, flatten
from wavspa.errors import UserError, first_line
from wavspa.launching.presets.store import GROUP, TOP, below, preset_names
from wavspa.launching.slurm.sbatch_names import sbatch_hint

CONFIG_MODULE = "wavspa.conf"

# Launchers of other projects, and the extra of this package that installs each.
_EXTRAS = {
    "joblib": "joblib",
    "submitit_local": "submitit",
    "submitit_slurm": "submitit",
}

# Inside of quotes.
_ESCAPED = str.maketrans({"\\": "\\\\", "'": "\\'"})


def explain_composition(error: Exception) -> str:
    """Describe in one line why a composition failed.

    Args:
        error: What Hydra or OmegaConf raised.
    """
    message = str(error).strip()
    if isinstance(error, InstantiationException) and isinstance(error.__cause__, UserError):
        return str(error.__cause__)
    if isinstance(error, OverrideParseException):
        return sbatch_hint(error.override) or unreadable([error.override]) or first_line(error)
    if found := re.search(r"Ambiguous value for argument '([^']+)'", message):
        key, _, value = found[1].partition("=")
        return (
            f"{found[1]} has several values, which makes a sweep: add -m; a list is {key}=[{value}]"
        )
    if found := re.search(r"Error merging override (\S+)", message):
        key, _, value = found[1].lstrip("+").partition("=")
        return f"{key}={value} has another type than what it replaces: lists are [a,b], mappings {{a:1}}"
    if found := re.search(r"Sweep parameters '(.+)' requires --multirun", message):
        return f"{found[1]} has several values, which makes a sweep: add -m"
    if found := re.search(r"(\S+) appears more than once in the final defaults list", message):
        return f"{found[1]} is already chosen: leave out the + before {found[1]}="
    if found := re.search(r"Multiple values for (\S+?)\.", message):
        return f"{found[1]} is already chosen: leave out the + before {found[1]}="
    if found := re.search(r"Could not delete from config\. '(.+)' does not exist", message):
        return f"~{found[1]}: there is no option {found[1]!r} to remove with these choices"
    if found := re.search(r"Could not find '([^']+)/([^'/]*)'", message):
        return _unknown_option(found[1], found[2])
    if found := re.search(r"Could not (?:override|load) '([^']+)'", message):
        return _unknown_key(found[1])
    return message.split("\n\n")[0]


def unreadable(words: Sequence[str]) -> str | None:
    """Name the first word that Hydra's grammar cannot read, and how to quote it; None if there is none.

    Args:
        words: ``key=value`` words.
    """
    parser = OverridesParser.create()
    for word in words:
        try:
            parser.parse_override(word)
        except HydraException:
            key, _, value = word.partition("=")
            quoted = f"{key}='{value.translate(_ESCAPED)}'"
            with suppress(HydraException):
                parser.parse_override(quoted)
                # In double quotes a shell leaves \' as it is.
                plain = not re.search(r'["$`!]', quoted)
                typed = f'"{quoted}"' if plain else shlex.quote(quoted)
                return f"{word} cannot be read: quote the value, as in {typed}"
            return f"{word} cannot be read: options are written key=value"
    return None


def unnamed_option(words: Sequence[str]) -> str | None:
    """Name the first word that chooses something that is not a name of a group; None if there is none.

    Args:
        words: ``key=value`` words.
    """
    with _composed() as (config, _):
        choices = config.hydra.runtime.choices
        for word in words:
            key, _, value = word.partition("=")
            if key in choices and re.fullmatch(r"null|true|false|[\d.]*", value):
                return f"{word}: {key} is chosen by name; leave it out for {choices[key]}"
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
            # model/attention is a separate choice, dataset/lra/listops an option of dataset.
            if f"{group}/{inner}" not in choices:
                options += [f"{inner}/{o}" for o in loader.get_group_options(f"{group}/{inner}")]
    option = f"{path}/{name}".removeprefix(f"{group}/")
    if group == GROUP:
        if presets := below(option):
            return f"{group}={option} is {len(presets)} presets, which makes a sweep: add -m"
        hint = did_you_mean(option, [*options, *preset_names()], f"{group}=")
        options += [f"{folder}/…" for folder in TOP]
        return f"{group} has no option {option!r}{hint}; it has {', '.join(options)}"
    return f"{group} has no option {option!r}; it has {', '.join(options)}"


def _unknown_key(name: str) -> str:
    with _composed() as (config, _):
        groups = [str(group) for group in config.hydra.runtime.choices]
        names = [*keys_of(config), *groups]
        choice = None if name in names else _choice_with(name)
    # Hydra's own keys are many, and near to no mistake in one of ours.
    names = [key for key in names if key.startswith("hydra") == name.startswith("hydra")]
    typed = next((word for word in sys.argv[1:] if word.lstrip("+").startswith(f"{name}=")), name)
    if name not in names and (line := sbatch_hint(typed)):
        return line
    if name in names:
        return f"there is no option {name!r} with these choices: one of them removes it"
    if choice:
        return f"there is no option {name!r} without {choice}"
    return f"there is no option {name!r}{did_you_mean(name, names)}"


def _choice_with(name: str) -> str | None:
    """A launcher or a logger that has an option, such as ``logger=wandb``; none if the default ones could."""
    for group in ("hydra/launcher", "logger"):
        if name.startswith(f"{group.replace('/', '.')}."):
            for option in GlobalHydra.instance().config_loader().get_group_options(group):
                choice = f"{group}={option}"
                with suppress(HydraException):
                    if name in keys_of(compose("train", [choice], return_hydra_config=True)):
                        return choice
    return None


@contextmanager
def _composed() -> Iterator[tuple[DictConfig, ConfigLoader]]:
    """The configuration of the command line's groups, without its mistake."""
    GlobalHydra.instance().clear()
    with initialize_config_module(CONFIG_MODULE, version_base="1.3"):
        groups = [word for word in sys.argv[1:] if re.fullmatch(r"[\w/]+=[\w/]+", word)]
        try:
            config = compose("train", groups, return_hydra_config=True)
        except (HydraException, ValueError):
            config = compose("train", return_hydra_config=True)
        yield config, GlobalHydra.instance().config_loader()
