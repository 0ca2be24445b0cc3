"""Composing what was typed, and starting it: one run here, a sweep by its launcher."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from hydra_plugins.wavspa.grid import GridSweeper
from hydra_plugins.wavspa.local import LocalLauncher
from hydra_plugins.wavspa.search import SearchSweeper
from hydra_plugins.wavspa.slurm import SlurmLauncher
from omegaconf import DictConfig

from wavspa.checks import one_of
from wavspa.commands.hydra_errors import mistyped
from wavspa.config_options import parse_bool
from wavspa.errors import UserError
from wavspa.launching.subprocesses import exec_run


def train() -> None:
    """Compose the words of the command line, freeze what they say and start it.

    Raises:
        UserError: They have a mistake; nothing was started.
        RunFailed: A run came to a bad end.
        RunInterrupted: A run was told to stop.
    """
    # The scan of Hydra's plugin namespace does not see an editable install.
    for plugin in (GridSweeper, SearchSweeper, LocalLauncher, SlurmLauncher):
        Plugins.instance().register(plugin)
    # Hydra hands its errors on instead of printing them and leaving with code 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    composed: list[tuple[DictConfig, list[str]]] = []

    @hydra.main(config_path="pkg://wavspa.conf", config_name="train", version_base="1.3")
    def compose(config: DictConfig) -> None:
        job = HydraConfig.get()
        if job.mode == RunMode.MULTIRUN:
            sweeper, launcher = (job.runtime.choices[f"hydra/{n}"] for n in ("sweeper", "launcher"))
            raise UserError(
                f"hydra/sweeper={sweeper} does not go with hydra/launcher={launcher}: choose grid or optuna"
            )
        composed.append((config, job.overrides.task))

    compose()
    # Outside of Hydra, which would announce an error in its own words; empty after --help.
    for config, overrides in composed:
        _start(config, overrides)


def _start(config: DictConfig, overrides: list[str]) -> None:
    # Imported here: --help and what Hydra refuses need not wait for torch and Lightning.
    from wavspa.launching.run.prepare import prepare, resolve_from_data
    from wavspa.launching.run.validate import validate
    from wavspa.launching.run.worker import run

    with _typed_words_named(overrides):
        if parse_bool("dry_run", config.dry_run) or config.find:
            config = resolve_from_data(config, overrides)
            validate(config)
            print("\n".join(_trial(config)))
            return
        folder = prepare(config, overrides)
    if (config.trainer.devices, config.trainer.num_nodes) == (1, 1):
        run(folder)
    else:
        # Lightning starts the other ranks by the command line of this process.
        exec_run(folder)


def _trial(config: DictConfig) -> list[str]:
    """What a few steps of a run tell, without the run."""
    from wavspa.launching.run.cost import estimate
    from wavspa.launching.run.tuner import find_batch_size, find_learning_rate

    one_of("find", config.find, (None, "lr", "batch_size"))
    if config.find == "lr":
        return [f"optimizer.lr={find_learning_rate(config):.2g}"]
    if config.find:
        return [f"dataset.batch_size={find_batch_size(config)}"]
    return estimate(config).lines()


@contextmanager
def _typed_words_named(overrides: list[str]) -> Iterator[None]:
    """A value of the wrong type fails anywhere; what was typed tells it better."""
    try:
        yield
    except UserError as error:
        if line := mistyped(overrides):
            raise UserError(line) from error
        raise
