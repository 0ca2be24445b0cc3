"""The key=value words of commands that look at a run."""

import os
import re
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from wavspa.commands.entry_point import parser
from wavspa.commands.hydra_errors import keys_of, unreadable
from wavspa.config_options import did_you_mean
from wavspa.errors import UserError

# Of wavspa-train, and where it is frozen.
_SHORT = {"data_root": "dataset.data_root"}
_INIT = ("init", "init.from")
# Of the commands that look at a run.
_PATHS = ("run", "input", "output", "folder")


def typed_words(name: str, usage: str, description: str, epilog: str) -> dict[str, str]:
    """What was typed after a command that takes words alone; ``--help`` ends the program.

    Args:
        name: The command's.
        usage: Its first line of help.
        description: What it does.
        epilog: Examples.

    Raises:
        UserError: A word has no ``=``, or two have the same key.
    """
    command_line = parser(name, description, epilog, usage=usage)
    command_line.add_argument("words", nargs="*", metavar="key=value", help="see above")
    typed: dict[str, str] = {}
    for key, value in map(_split, command_line.parse_args().words):
        if key in typed:
            raise UserError(f"{key}= is given twice: leave one out")
        typed[key] = os.path.expanduser(value) if key in _PATHS else value
    return typed


def spelled_out(word: str) -> str:
    """``init=RUN`` as the key that it is short for, in quotes: Hydra takes no ``=`` in a bare value.

    Args:
        word: Any word of the command line; others stay as they are.
    """
    key, equals, value = word.partition("=")
    if key not in _INIT or not equals or value == "null" or re.search(r"['\"(]", value):
        return word if key != _INIT[0] else f"{_INIT[1]}={value}"
    return f"{_INIT[1]}=" + ",".join(f"'{part}'" for part in value.split(","))


def with_folds(words: Sequence[str], sweeps: bool) -> list[str]:
    """``folds=K`` as the options of the data that it is short for: all of the K folds, one run each.

    Args:
        words: The words of the command line.
        sweeps: Whether there is a ``-m`` among its flags.

    Raises:
        UserError: The number is impossible, there is no ``-m``, or a search would choose among the folds.
    """
    spelled: list[str] = []
    for word in words:
        key, _, value = word.partition("=")
        if key != "folds":
            spelled.append(word)
            continue
        if not re.fullmatch(r"[1-9]\d*", value) or int(value) < 2:
            raise UserError(f"folds must be a whole number of at least 2, got {value!r}")
        if not sweeps:
            raise UserError(f"{word} is for sweeps: add -m")
        if "hydra/sweeper=optuna" in words:
            raise UserError(
                f"{word} cannot be combined with hydra/sweeper=optuna: search with dataset.folds={value} "
                "dataset.fold=1, then train what it found with all folds"
            )
        numbers = ",".join(str(fold + 1) for fold in range(int(value)))
        spelled += [f"dataset.folds={value}", f"dataset.fold={numbers}"]
    return spelled


def apply_overrides(config: DictConfig, overrides: list[str]) -> None:
    """Change values of a frozen configuration in place.

    Args:
        config: The configuration.
        overrides: ``key=value`` in Hydra's grammar; every key must exist, or be ``data_root``.

    Raises:
        UserError: A key is unknown or a group, or a value is impossible, of the wrong type or several.
    """
    # Imported here: --help need not wait for torch.
    from wavspa.launching.options.types import check_types
    from wavspa.training.trainer_options import check_trainer_option

    if line := unreadable(overrides):
        raise UserError(line)
    for override in OverridesParser.create().parse_overrides(overrides):
        key = override.get_key_element()
        key = _SHORT.get(key, key)
        value, typed = override.value(), override.input_line
        if override.is_sweep_override():
            raise UserError(f"{typed} is several values, and a run has one; lists are {key}=[a,b]")
        if OmegaConf.is_dict(OmegaConf.select(config, key)) and not isinstance(value, dict):
            raise UserError(
                f"{typed}: the run has its own {key}, of which single options can be changed: {key}.OPTION=…"
            )
        try:
            OmegaConf.update(config, key, value)
        except OmegaConfBaseException as error:
            hint = did_you_mean(key, keys_of(config))
            raise UserError(f"this run has no option {key!r}{hint}") from error
        if key.startswith("trainer."):
            check_trainer_option(key.removeprefix("trainer."), value)
    if overrides:
        check_types(config)


def listed(word: str) -> list[str]:
    """The parts of a word that lists some, with commas between them."""
    return word.split(",") if word else []


def _split(word: str) -> tuple[str, str]:
    """The key and the value of a ``key=value`` word.

    Raises:
        UserError: It has no ``=``.
    """
    key, equals, value = word.partition("=")
    # A folder named by key=value parts is not a word by itself.
    if not equals or os.sep in key:
        raise UserError(f"{word!r} is not of the form key=value")
    return key, value
