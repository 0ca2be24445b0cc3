"""A check that the values of a configuration have the types that their targets declare."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NoReturn, Union, Unpack, get_args, get_origin, get_type_hints

from omegaconf import DictConfig, OmegaConf

from wavspa.checks import OptionError, one_of
from wavspa.training.locate import locate

TRAINER = "wavspa.training.trainer.build_trainer"
_LIGHTNING = "pytorch_lightning.Trainer"
# Nodes that are always the same object.
_TARGETS = {"checkpoints": "wavspa.training.checkpoints.last.LastCheckpoint"}
_AUTO = "auto"  # determined from the data or the machine

_UNKNOWN = object()  # a default that is set elsewhere

_WORDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    NoneType: "null",
}


def check_types(config: DictConfig) -> None:
    """Refuse values of a type that their node's target does not take.

    Args:
        config: A composed configuration.

    Raises:
        OptionError: There is such a value; the message names its option as typed.
    """
    for node, target, options in _nodes(config):
        for name, (kind, default) in _declared(target).items():
            if name not in options or OmegaConf.is_missing(options, name):
                continue
            value = options[name]
            plain = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
            if plain == _AUTO or (plain is None and default is None) or _fits(plain, kind):
                continue
            _refuse(as_typed(name, node, options), plain, kind)


def as_typed(name: str, node: str, options: DictConfig) -> str:
    """The key under which an option's value is typed: another one if the node only refers to it."""
    if name in options and OmegaConf.is_interpolation(options, name):
        value = OmegaConf.to_container(options, resolve=False)[name]  # type: ignore[index, call-overload]
        if reference := re.fullmatch(r"\$\{([\w.]*\w)\}", value):
            return reference[1]
    return f"{node}.{name}"


def _nodes(config: DictConfig, above: str = "") -> Iterator[tuple[str, str, DictConfig]]:
    """Every node that describes an object: its dotted name, its target, its options."""
    for name in config:
        if OmegaConf.is_missing(config, name):
            continue
        value = config[name]
        if isinstance(value, DictConfig):
            node = f"{above}{name!s}"
            target: str | None = value.get("_target_", _TARGETS.get(node))
            if target:
                yield node, target, value
            yield from _nodes(value, f"{node}.")


def _declared(target: str) -> dict[str, tuple[Any, Any]]:
    """The declared type and the default of each option of a target, including those it passes on."""
    found = locate(target)
    sources: list[Any] = list(found.__mro__[:-1]) if isinstance(found, type) else [found]
    if target == TRAINER:
        sources.append(locate(_LIGHTNING))
    declared: dict[str, tuple[Any, Any]] = {}
    for source in sources:
        function: Any = vars(source).get("__init__") if isinstance(source, type) else source
        if function is None:
            continue
        try:
            parameters, hints = inspect.signature(function).parameters, get_type_hints(function)
        except (NameError, TypeError, ValueError):
            # A type is known only to its own module.
            continue
        for name, parameter in parameters.items():
            kind = hints.get(name)
            if (
                get_origin(kind) is Unpack
            ):  # options that are passed on, declared in a typed dictionary
                passed_on = get_type_hints(get_args(kind)[0])
                declared = {**{key: (of, _UNKNOWN) for key, of in passed_on.items()}, **declared}
            elif kind is not None and parameter.kind is not parameter.VAR_KEYWORD:
                declared.setdefault(name, (kind, parameter.default))
    return declared


def _fits(value: Any, kind: Any) -> bool:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return any(value == one and type(value) is type(one) for one in inner)
    if kind in (bool, str, NoneType):
        return isinstance(value, kind)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is Path:
        return isinstance(value, str)
    if _is(origin, Sequence):
        return isinstance(value, list) and (not inner or all(_fits(one, inner[0]) for one in value))
    if _is(origin, Mapping):
        return isinstance(value, dict)
    # A callable is described by a node, or can be given from Python alone.
    return origin is not Callable or (isinstance(value, dict) and "_target_" in value)


def _is(origin: Any, kind: type) -> bool:
    return isinstance(origin, type) and issubclass(origin, kind)


def _refuse(option: str, value: Any, kind: Any) -> NoReturn:
    if get_origin(kind) is Literal:
        one_of(option, value, get_args(kind))
    number = isinstance(value, int | float) and _fits("", kind)
    hint = f": write {option}=\"'{value}'\"" if number else ""
    raise OptionError(option, f" must be {_describe(kind)}, got {value!r}{hint}")


def _describe(kind: Any) -> str:
    """A type in words."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        typed = [one for one in inner if get_origin(one) is not Callable]
        if len(typed) == 1:
            return _describe(typed[0])
        words = list(dict.fromkeys(map(_describe, typed)))
        if "a number" in words and "a whole number" in words:
            words.remove("a whole number")
        return " or ".join(words)
    if origin is Literal:
        return f"one of {', '.join(map(str, inner))}"
    if _is(origin, Sequence):
        one = _describe(inner[0]).removeprefix("a ") if inner else ""
        return f"a list of {one}s" if one and " or " not in one else "a list"
    if _is(origin, Mapping):
        return "a mapping"
    if origin is Callable:
        return "a node with a _target_"
    return _WORDS.get(kind, getattr(kind, "__name__", str(kind)))
