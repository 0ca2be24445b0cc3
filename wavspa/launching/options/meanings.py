"""Meanings of options, from the ``Args:`` of the class or function that takes them or from their comments."""

import inspect
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from omegaconf import OmegaConf

from wavspa.launching.options.conf_files import ConfigFile, Key, defaults
from wavspa.training.locate import locate

ARGS = re.compile(r"^Args:\n((?:(?: {4}.*)?\n?)*)", re.MULTILINE)
ROLE = re.compile(r":\w+:`~?([\w.]+)`")


def meanings_of(files: Sequence[ConfigFile]) -> dict[Key, str]:
    """The meaning of each key: from its target's docstring, its comment, or its meaning elsewhere."""
    own: dict[Key, str] = {}
    elsewhere: dict[str, str] = {}
    for key in (key for file in files for key in file.keys):
        parent = OmegaConf.select(defaults(), key.name.rpartition(".")[0]) or {}
        target = key.target or parent.get("_target_")
        if text := _in_docstring(target, key.last) or key.comment:
            own[key] = text
            elsewhere.setdefault(key.name, text)
    return {key: own.get(key) or elsewhere.get(key.name, "") for file in files for key in file.keys}


def _in_docstring(target: str | None, name: str) -> str:
    """The description of an argument in our own docstring, or in one it refers to; empty if there is none.

    Args:
        target: The dotted path of a class or function, or None.
        name: The argument's name.
    """
    return _arguments(target).get(name, "") if target and target.startswith("wavspa.") else ""


@cache
def _arguments(target: str) -> dict[str, str]:
    """Every argument that a target's docstring describes, including those of what takes its ``**options``."""
    described: dict[str, str] = {}
    found = locate(target)
    for owner in inspect.getmro(found) if inspect.isclass(found) else [found]:
        for name, text in _of_docstring(owner):
            described.setdefault(name.lstrip("*"), _plain(text))
            taken = ROLE.search(text) if name.startswith("*") else None
            # A class given by its bare name is an ancestor, which this loop reaches anyway.
            if taken and "." in taken[1]:
                described = {**_arguments(taken[1]), **described}
    return described


def _of_docstring(owner: Any) -> list[tuple[str, str]]:
    """The name and description of each argument in a docstring, each description on one line."""
    section = ARGS.search(inspect.cleandoc(owner.__doc__ or ""))
    if section is None:
        return []
    items = re.split(r"^ {4}(?=\S)", section[1], flags=re.MULTILINE)[1:]
    pairs = (item.partition(":") for item in items)
    return [(name, " ".join(text.split())) for name, _, text in pairs]


def _plain(text: str) -> str:
    """A text in the terms of a configuration: roles as code, null for None, no full stop at the end."""
    text = ROLE.sub(lambda role: f"`{role[1].rpartition('.')[2]}`", text).replace("``", "`")
    return re.sub(r"\bNone\b", "null", text).removesuffix(".")
