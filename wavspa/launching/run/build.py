"""Building the objects that a run's configuration describes; errors name the refused option."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from wavspa.checks import OptionError
from wavspa.config_options import did_you_mean
from wavspa.errors import UserError, first_line
from wavspa.launching.options.types import TRAINER, as_typed
from wavspa.training.instantiate import instantiate, parameters_of

if TYPE_CHECKING:
    from wavspa.data.datamodule import SequenceDataModule
    from wavspa.tasks.base import Task

_REFUSALS = (ValueError, TypeError, MisconfigurationException, ImportError)


def build(config: DictConfig, node: str, **extra: Any) -> Any:
    """Build the object that the node ``config.<node>`` describes.

    Args:
        config: A run's configuration.
        node: The name of the node, dotted if nested.
        **extra: Further keyword arguments for its target.

    Raises:
        UserError: The target refused its options; the message names the option.
    """
    options = OmegaConf.select(config, node)
    check_option_names(options, node)
    try:
        return instantiate(options, **extra)
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, _REFUSALS):
            raise explain(cause, node, options) from error
        raise


def build_run(config: DictConfig) -> tuple["Task", "SequenceDataModule"]:
    """The task, with its model, and the data of a run.

    Args:
        config: The frozen configuration.
    """
    model = build(config, "model")
    optimizer = build(config, "optimizer")
    schedule = build(config, "schedule")
    task = build(config, "task", model=model, optimizer=optimizer, schedule=schedule)
    data = build(config, "dataset")
    task.use_vocabulary(data)
    return task, data


def explain(error: Exception, node: str, options: DictConfig) -> UserError:
    """A library's error as a user error, with the option that it names at the front of the message."""
    if isinstance(error, OptionError):
        at, inner = _holder(error.option, node, options)
        return OptionError(as_typed(error.option, at, inner), error.message)
    if isinstance(error, UserError):
        return error
    message = first_line(error)
    if unknown := re.search(r"unexpected keyword argument '(\w+)'", message):
        at, inner = _holder(unknown[1], node, options)
        return _unknown(unknown[1], at, inner, map(str, inner))
    if doubled := re.search(r"got multiple values for keyword argument '(\w+)'", message):
        # The class passes it itself, so it cannot be typed; vocab_size comes with tokenizer=.
        has_tokenizer = doubled[1] == "vocab_size" and "tokenizer" in options
        return _unknown("tokenizer" if has_tokenizer else doubled[1], node, options, ())
    if missing := re.search(r"missing \d+ required .*argument.*?: '(\w+)'", message):
        option = f"{node}.{missing[1]}"
        return UserError(f"{option} has no value: set it with {option}=…")
    named = [word for word in re.findall(r"\w+", message) if word in options]
    if named and message.startswith(named[0]):
        return UserError(as_typed(named[0], node, options) + message.removeprefix(named[0]))
    option = f"{node}.{named[0]}" if named else node
    return UserError(f"{option}: {message}")


def _holder(name: str, node: str, options: DictConfig) -> tuple[str, DictConfig]:
    """The node that holds an option: this one, or a nested one that the same target has built."""
    if name not in options:
        for key, inner in options.items_ex(resolve=False):
            if isinstance(inner, DictConfig) and name in inner:
                return f"{node}.{key!s}", inner
    return node, options


def check_option_names(options: DictConfig, node: str) -> None:
    """Refuse options that the target of ``options`` does not take.

    Raises:
        UserError: There is an unknown option (which can only come from ``+key=value``).
    """
    target = options.get("_target_")
    if target is None:
        return
    parameters = parameters_of(target)
    if target == TRAINER:
        parameters = {**parameters, **parameters_of("pytorch_lightning.Trainer")}
    elif any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for name in map(str, options):
        if not name.startswith("_") and name not in parameters:
            raise _unknown(name, node, options, parameters)


def _unknown(name: str, node: str, options: DictConfig, legal: Iterable[str]) -> UserError:
    hint = did_you_mean(name, [other for other in legal if other != name], f"{node}.")
    return UserError(f"{node}.{name} is not an option of {options['_target_']}{hint}")
