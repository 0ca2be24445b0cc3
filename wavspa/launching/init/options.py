"""The node ``init`` of a configuration: the weights that a run starts from, and how they are used."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf
from torch import nn

from wavspa.checks import OptionError, number
from wavspa.config_options import did_you_mean
from wavspa.data import SequenceDataModule
from wavspa.errors import UserError
from wavspa.launching.init.tokens import check_tokens
from wavspa.training.checkpoints.carry import HEAD, Plan, is_in, parts, plan, short
from wavspa.training.checkpoints.parent import Parent, open_parent

FROM = "init.from"
KEYS = ("from", "freeze", "layer_decay")
# With other values, weights of the same shape have another meaning, or all shapes differ.
_SAME = ("dim", "mlp_dim", "qkv_dim", "heads")


class Place(NamedTuple):
    """The value of ``init=``: where the weights are, and the part of them to take; None: all."""

    place: str
    part: str | None


def parse(value: str) -> Place:
    """Split ``RUN|EXPORT|HUB[:part]``; an existing path with a colon in its name is not split."""
    place, colon, part = value.rpartition(":")
    if colon and place and os.sep not in part and not Path(os.path.expanduser(value)).exists():
        return Place(place, part)
    return Place(value, None)


def check_init(config: DictConfig) -> None:
    """Check the node on its own.

    Raises:
        UserError: A key is unknown, or a value impossible.
    """
    node = config.init
    if not isinstance(node, DictConfig):
        raise _no_place(node)
    for key in map(str, node):
        if key not in KEYS:
            raise UserError(f"there is no option init.{key}{did_you_mean(key, KEYS, 'init.')}")
    source, freeze, decay = node["from"], node.freeze, node.layer_decay
    if source is not None and (not isinstance(source, str) or not source):
        raise _no_place(source)
    names = OmegaConf.to_container(freeze) if OmegaConf.is_list(freeze) else freeze
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise OptionError(
            "init.freeze", f" must be a list of parts, such as [embedding,blocks.0], got {names!r}"
        )
    if decay is not None and not 0 < number("init.layer_decay", decay) <= 1:
        raise OptionError("init.layer_decay", f" must be above 0 and at most 1, got {decay!r}")
    if source is None and (names or decay is not None):
        key = "freeze" if names else "layer_decay"
        raise OptionError(
            f"init.{key}", " is for weights that a run starts from: set init=RUN as well"
        )


def with_parent(config: DictConfig) -> DictConfig:
    """The configuration, with facts that identify the weights that it starts from, if there are any.

    Raises:
        UserError: The weights do not exist.
    """
    source = config.init["from"]
    if source is None:
        return config
    place, part = parse(source)
    facts = named(source, lambda: open_parent(place)).facts
    config = config.copy()
    OmegaConf.set_struct(config, False)
    config.init.parent = {**facts._asdict(), "part": part}
    OmegaConf.set_struct(config, True)
    return config


def check_parent(config: DictConfig, model: nn.Module, data: SequenceDataModule) -> None:
    """Check that the weights that a run starts from fit its model and its data.

    Args:
        config: The configuration, with its parent.
        model: Its model, which may be on the meta device.
        data: Its data, prepared if their vocabulary is learned.

    Raises:
        UserError: The weights do not fit, or ``init.freeze`` names no part of the model or all of it.
    """
    init = config.init
    if init["from"] is None:
        return
    parent = open_parent(init.parent.folder)
    named(init["from"], lambda: planned(config, parent, model))
    if init.parent.part is None or is_in("embedding", init.parent.part):
        named(init["from"], lambda: check_tokens(parent, config.model.vocab_size, data))
    names = [short(name) for name, _ in model.named_parameters()]
    for part in init.freeze:
        if not any(is_in(name, part) for name in names):
            choices = ", ".join(parts(dict.fromkeys(names)))
            raise OptionError(
                "init.freeze", f"={part!r} is unknown; choose some of {choices}, blocks.0, …"
            )
    if all(any(is_in(name, part) for part in init.freeze) for name in names):
        raise OptionError("init.freeze", " leaves nothing to train: leave the head out")


def planned(config: DictConfig, parent: Parent, model: nn.Module) -> Plan:
    """The plan that lists the parent's weights that a run takes.

    Raises:
        UserError: Their widths differ, or nothing fits.
    """
    for key in _SAME:
        there, here = (_size(options, key) for options in (parent.model, config.model))
        if there != here:
            raise UserError(
                f"has model.{key}={there}, but this run has {here}: set model.{key}={there}"
            )
    task = config.task["_target_"].rpartition(".")[2].lower()
    same_head = task == parent.task and parent.model.get("classes") == config.model.get("classes")
    return plan(model, parent.weights, config.init.parent.part, same_head or _asks_for_head(config))


def _asks_for_head(config: DictConfig) -> bool:
    part = config.init.parent.part
    return part is not None and is_in(part, HEAD)


def _size(options: Mapping[str, Any], key: str) -> Any:
    return options.get("dim") if options.get(key) is None else options.get(key)


def named(source: str, call: Any) -> Any:
    """The result of a call; if it raises a UserError, the message names the option ``init``."""
    try:
        return call()
    except UserError as error:
        raise OptionError("init", f"={source}: {error}") from error


def _no_place(value: object) -> OptionError:
    return OptionError("init", f" must be RUN, EXPORT or HUB, with or without :part, got {value!r}")
