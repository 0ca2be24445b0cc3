"""The content of the files in conf/: groups, keys, values and their comments."""

import itertools
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import NamedTuple

import yaml
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

_CONF = files("wavspa.conf")
HIDDEN = ("defaults", "_target_", "_partial_")


class Key(NamedTuple):
    """A key that a file in conf/ sets."""

    name: str
    file: str
    value: str
    comment: str
    target: str | None

    @property
    def last(self) -> str:
        """The last part of the name, which is the argument's name in the target's docstring."""
        return self.name.rpartition(".")[2]


class ConfigFile(NamedTuple):
    """A file in conf/: its group, its name within the group, and its content."""

    group: str
    name: str
    purpose: str
    chooses: list[str]
    inherits: list[str]
    keys: list[Key]


def read_files() -> list[ConfigFile]:
    """Every file in conf/."""
    groups = sorted(map(str, defaults().hydra.runtime.choices), key=len, reverse=True)
    with as_file(_CONF) as folder:
        return [_read(folder, path, groups) for path in sorted(folder.rglob("*.yaml"))]


@cache
def defaults() -> DictConfig:
    """The configuration that ``wavspa-train`` composes without any words, including Hydra's own node."""
    GlobalHydra.instance().clear()
    with initialize_config_module("wavspa.conf", version_base="1.3"):
        return compose("train", return_hydra_config=True)


def _read(folder: Path, path: Path, groups: list[str]) -> ConfigFile:
    text = path.read_text(encoding="utf-8")
    place = path.relative_to(folder).with_suffix("").as_posix()
    group = next((g for g in groups if place.startswith(f"{g}/")), "")
    package = re.search(r"^# @package (\S+)$", text, flags=re.MULTILINE)
    prefix = package[1].replace("_global_", "") if package else group.replace("/", ".")
    content = yaml.safe_load(text) or {}
    chosen = content.get("defaults", [])
    return ConfigFile(
        group=group,
        name=place.removeprefix(f"{group}/"),
        purpose=_purpose(text),
        chooses=[_choice(d) for d in chosen if isinstance(d, dict) and None not in d.values()],
        inherits=[d for d in chosen if isinstance(d, str) and d != "_self_"],
        keys=list(_keys(text, f"{prefix}." if prefix else "", place)),
    )


def _choice(default: dict[str, str]) -> str:
    ((group, name),) = default.items()
    group = group.removeprefix("override ").partition("@")[0].lstrip("/")
    return f"{group}={name}"


def _purpose(text: str) -> str:
    """The comment at the top of a file, without its indented examples."""
    lines = [line for line in text.splitlines() if not line.startswith("# @package")]
    head = itertools.takewhile(lambda line: line.startswith("#"), lines)
    return " ".join(line.removeprefix("# ") for line in head if not line.startswith("#  "))


def _keys(text: str, prefix: str, place: str) -> Iterator[Key]:
    lines = text.splitlines()
    root = yaml.compose(text)
    if isinstance(root, yaml.MappingNode):
        yield from _of_mapping(root, lines, prefix, place)


def _of_mapping(node: yaml.MappingNode, lines: list[str], prefix: str, place: str) -> Iterator[Key]:
    target = _target(node)
    for key, value in node.value:
        if key.value in HIDDEN:
            continue
        name = prefix + key.value
        comment = _beside(lines, key, value) or _above(lines, key.start_mark.line)
        if not isinstance(value, yaml.MappingNode):
            yield Key(name, place, _shown(value), comment, target)
            continue
        if comment or not value.value:
            yield Key(name, place, _target(value) or "", comment, target)
        yield from _of_mapping(value, lines, f"{name}.", place)


def _target(node: yaml.MappingNode) -> str | None:
    return next((value.value for key, value in node.value if key.value == "_target_"), None)


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return "…" if node.style == "|" else node.value or "''"
    if isinstance(node, yaml.SequenceNode):
        return f"[{', '.join(map(_shown, node.value))}]"
    raise TypeError(f"{node.tag} is neither a value nor a list")


def _beside(lines: list[str], key: yaml.Node, value: yaml.Node) -> str:
    """The comment at the end of the key's line."""
    line = lines[key.start_mark.line]
    begin = key.end_mark.column
    if isinstance(value, yaml.ScalarNode) and value.start_mark.line == key.start_mark.line:
        begin = value.end_mark.column
    found = re.search(r"\s#\s*(.+)$", line[begin:])
    return found[1] if found else ""


def _above(lines: list[str], number: int) -> str:
    """The comment on the lines above, unless it is the one at the top of the file."""
    start = number
    while start > 0 and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    if start == 0:
        return ""
    return " ".join(line.strip().removeprefix("#").strip() for line in lines[start:number])
