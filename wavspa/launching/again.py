"""Training a run a second time, to check that it ends with the same weights."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from omegaconf import OmegaConf
from torch import Tensor

from wavspa import atomic
from wavspa.errors import RunFailed, UserError
from wavspa.launching.run.freeze import read_config
from wavspa.launching.subprocesses import run_subprocess
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status
from wavspa.training.checkpoints.read import bare_weights, read_checkpoint

SUFFIX = "-again"


class Difference(NamedTuple):
    """The first weight that differs, its largest difference, and the number of weights that differ.

    ``most`` is None if the shapes differ or one of the weights is missing.
    """

    name: str
    most: float | None
    differing: int
    weights: int


def train_again(folder: Path, data_root: Path | None = None) -> Path:
    """Train the run in ``folder`` a second time, in a folder next to it.

    An interrupted second training is resumed. It must use the same data as the first.

    Args:
        folder: The folder of a finished run.
        data_root: Where its data are now; None: where they were.

    Returns:
        The folder of the second training.

    Raises:
        UserError: The run has not finished, or its checkpoints are gone.
        RunFailed: The second training did not finish.
    """
    config = read_config(folder)
    if read_status(folder).get("state") != "finished":
        raise UserError(f"--again: {folder} has not finished: finish it with wavspa-run {folder}")
    if not _checkpoints(folder):
        raise UserError(f"--again: {folder} has no checkpoint left to compare with")
    again = _fresh(folder)
    again.mkdir(exist_ok=True)
    if not (again / layout.CONFIG).exists():
        if (folder / layout.VOCABULARY).is_dir():
            shutil.copytree(
                folder / layout.VOCABULARY, again / layout.VOCABULARY, dirs_exist_ok=True
            )
        if (folder / layout.CARD).exists():
            shutil.copyfile(folder / layout.CARD, again / layout.CARD)
    # Also for one that is resumed: the data may have moved since.
    config.name = again.name
    if data_root is not None:
        config.dataset.data_root = str(data_root.expanduser().absolute())
    # The configuration last: without it there is no run.
    atomic.write_text(again / layout.CONFIG, OmegaConf.to_yaml(config))
    if code := run_subprocess(again):
        raise RunFailed(
            f"--again: {again} did not finish (exit code {code}); the same command resumes"
        )
    return again


def compare(folder: Path, again: Path) -> list[str]:
    """The differences between two trainings of a run, one line per checkpoint; empty if there are none.

    Args:
        folder: The folder of the first.
        again: The folder of the second.

    Raises:
        UserError: A checkpoint is missing or damaged.
    """
    return list(_differences(folder, again))


def machines(folder: Path, again: Path) -> str:
    """The devices of both trainings if they differ in kind; empty if they do not."""
    devices = [read_status(one).get("device", "unknown") for one in (folder, again)]
    return "" if devices[0] == devices[1] else f"trained on {devices[0]}, again on {devices[1]}"


def first_difference(
    before: Mapping[str, Tensor], after: Mapping[str, Tensor]
) -> Difference | None:
    """The first weight that is not bit-identical in two models; None if all are.

    Args:
        before: Weights by name.
        after: Weights by name.
    """
    names = list(dict.fromkeys([*before, *after]))
    different = [name for name in names if not _same(before.get(name), after.get(name))]
    if not different:
        return None
    one, other = before.get(different[0]), after.get(different[0])
    most = None
    if one is not None and other is not None and one.shape == other.shape:
        most = float((one.double() - other.double()).abs().max())
    return Difference(different[0], most, len(different), len(names))


def _fresh(folder: Path) -> Path:
    """The folder for a run's second training, next to it: a new one, or one that has not finished."""
    number = 1
    while True:
        again = folder.resolve()
        again = again.with_name(f"{again.name}{SUFFIX}{number if number > 1 else ''}")
        if read_status(again).get("state") != "finished":
            return again
        number += 1


def _checkpoints(folder: Path) -> list[str]:
    names = (layout.LAST, layout.BEST)
    return [name for name in names if (folder / layout.CHECKPOINTS / name).exists()]


def _differences(folder: Path, again: Path) -> Iterator[str]:
    for name in _checkpoints(folder):
        paths = [one / layout.CHECKPOINTS / name for one in (folder, again)]
        contents = [read_checkpoint(path) for path in paths]
        steps = [content["global_step"] for content in contents]
        if steps[0] != steps[1]:
            yield f"{name} is from step {steps[0]}, the second one from step {steps[1]}"
        found = first_difference(*map(bare_weights, contents))
        if found is not None:
            by = "in its shape" if found.most is None else f"by up to {found.most:.3g}"
            yield (
                f"{name} differs first in {found.name} {by} ({found.differing} of {found.weights} weights "
                "differ)"
            )


def _same(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None or one.shape != other.shape or one.dtype != other.dtype:
        return False
    # As bytes: a NaN is equal to itself, and 0 is not -0.
    parts = (tensor.contiguous().reshape(-1).view(torch.uint8) for tensor in (one, other))
    return torch.equal(*parts)
