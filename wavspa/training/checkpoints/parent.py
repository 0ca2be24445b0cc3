"""Trained weights that another run starts from: of a run, a checkpoint, an export or a model on the hub."""

import hashlib
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from wavspa.errors import UserError
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status
from wavspa.training.checkpoints.exported import read_config, read_weights
from wavspa.training.checkpoints.read import (
    CONFIG_KEY,
    bare_weights,
    fetch,
    find_checkpoint,
    is_hub_id,
    read_checkpoint,
)


class Facts(NamedTuple):
    """The facts that identify weights.

    Attributes:
        folder: Where they are: a folder or a file, or on the hub ``user/name@commit``.
        commit: Commit of the code that trained them, or theirs on the hub; None if unknown.
        checksum: SHA-256 of their file.
        cell: Equal for runs that differ only in their seed; None for everything but runs.
    """

    folder: str
    commit: str | None
    checksum: str
    cell: str | None


class Parent(NamedTuple):
    """Weights and the known facts about them.

    Attributes:
        facts: The facts that identify them.
        model: The options of their model, and its class as ``_target_``.
        task: The name of the task's class in lower case.
        data: The name of the data.
        card: What is known about the data's tokens: the keys ``choices`` and ``files`` of their card, if
            present.
        weights: By name.
    """

    facts: Facts
    model: Mapping[str, Any]
    task: str
    data: str
    card: Mapping[str, Any]
    weights: Mapping[str, Tensor]


def open_parent(place: str) -> Parent:
    """Read weights.

    Args:
        place: A run's folder, a checkpoint, a folder that ``wavspa-export`` wrote, or, if there is none,
            ``user/name`` or ``user/name@revision`` of the hub.

    Raises:
        UserError: There is no such thing, it is damaged or foreign, or its run has not finished.
    """
    path = Path(os.path.expanduser(place))
    name, _, revision = place.partition("@")
    if not path.exists() and is_hub_id(name):
        folder = fetch(name, revision or None)
        return _cached(_of_export, folder, f"{name}@{folder.name}", folder.name)
    if (path / layout.EXPORT_CONFIG).exists():
        return _cached(_of_export, path, os.path.abspath(path), None)
    if path.is_dir() and (path / layout.CONFIG).exists():
        status = read_status(path)
        if status.get("state") != "finished":
            raise UserError(
                f"the run {path} has not finished (step {status.get('step', 0)} of "
                f"{status.get('steps', '?')}): finish it by wavspa-run {path}, or name one of its checkpoints"
            )
    return _cached(_of_checkpoint, find_checkpoint(path), os.path.abspath(path), None)


def _cached(read: Any, path: Path, folder: str, commit: str | None) -> Parent:
    file = path / layout.EXPORT_WEIGHTS if path.is_dir() else path
    stat = file.stat() if file.exists() else None
    return _read(read, path, folder, commit, stat and (stat.st_mtime_ns, stat.st_size))


# A sweep starts many runs from the same weights.
@lru_cache(maxsize=2)
def _read(read: Any, path: Path, folder: str, commit: str | None, version: Any) -> Parent:
    parent: Parent = read(path, folder, commit)
    return parent


def _of_export(path: Path, folder: str, commit: str | None) -> Parent:
    config = read_config(path)
    weights = read_weights(path)
    data = dict(config.get("data", {}))
    name, files = str(data.pop("name", "unknown")), data.pop("files", {})
    return Parent(
        Facts(folder, commit, _checksum(path / layout.EXPORT_WEIGHTS), None),
        config["model"],
        str(config.get("task", "")),
        name,
        {"choices": data, "files": files},
        weights,
    )


def _of_checkpoint(path: Path, folder: str, commit: str | None) -> Parent:
    content = read_checkpoint(path)
    config = content[CONFIG_KEY]
    frozen = config["frozen"]
    card = path.parent.parent / layout.CARD
    return Parent(
        Facts(folder, frozen.get("commit"), _checksum(path), frozen.get("cell")),
        config["model"],
        config["task"]["_target_"].rpartition(".")[2].lower(),
        config["dataset"]["name"],
        json.loads(card.read_text(encoding="utf-8")) if card.exists() else {},
        bare_weights(content),
    )


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
