"""Composing what was typed, and starting it: one run here, a sweep by its launcher."""

import os
import re
import sys
from collections.abc import Sequence

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from hydra_plugins.wavspa.grid import GridSweeper
from hydra_plugins.wavspa.local import LocalLauncher
from hydra_plugins.wavspa.ray import RayLauncher
from hydra_plugins.wavspa.search import SearchSweeper
from hydra_plugins.wavspa.slurm import SlurmLauncher
from omegaconf import DictConfig, OmegaConf

from wavspa.commands.hydra_errors import unnamed_option
from wavspa.commands.overrides import spelled_out, with_folds
from wavspa.errors import UserError
from wavspa.launching.options.key_help import explain_key, keys_asked
from wavspa.launching.options.plugins import offer_plugins
from wavspa.launching.presets.store import with_presets
from wavspa.launching.slurm.sbatch_names import sbatch_hint
from wavspa.launching.subprocesses import exec_run

_MULTIRUN = ("-m", "--multirun")
_COMPLETION = ("-sc", "--shell-completion")


def train() -> None:
    """Compose the words of the command line, freeze the configuration and start it.

    Raises:
        UserError: They have a mistake; nothing was started.
        RunFailed: A run failed.
        RunInterrupted: A run was asked to stop.
    """
    # The scan of Hydra's plugin namespace does not see an editable install.
    for plugin in (GridSweeper, SearchSweeper, LocalLauncher, RayLauncher, SlurmLauncher):
        Plugins.instance().register(plugin)
    # Hydra hands its errors on instead of printing them and leaving with code 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    composed: list[tuple[DictConfig, list[str], list[str]]] = []

    @hydra.main(config_path="pkg://wavspa.conf", config_name="train", version_base="1.3")
    def compose(config: DictConfig) -> None:
        job = HydraConfig.get()
        if job.mode == RunMode.MULTIRUN:
            sweeper, launcher = (job.runtime.choices[f"hydra/{n}"] for n in ("sweeper", "launcher"))
            raise UserError(
                f"hydra/sweeper={sweeper} cannot be combined with hydra/launcher={launcher}: choose grid "
                "or optuna"
            )
        # As typed: an interpolation in a word is of the configuration, not of Hydra's list of words.
        words = OmegaConf.to_container(job.overrides, resolve=False)
        assert isinstance(words, dict)
        composed.append((config, words["task"], words["hydra"]))

    if asked := keys_asked(sys.argv[1:]):
        print("\n\n".join(map(explain_key, asked)))
        return
    if any(word in _COMPLETION for word in sys.argv[1:]):
        # The script that Hydra prints completes the command of this name; a process that started itself
        # again is python's.
        sys.argv[0] = "wavspa-train"
    # Hydra's parser would print its usage.
    for word in sys.argv[1:]:
        if word.startswith("--") and (line := sbatch_hint(word)):
            raise UserError(line)
        # Hydra would make it, and nothing would go there.
        if word.lstrip("+").startswith("hydra.run.dir="):
            raise UserError(
                f"{word} is not where a run goes: type runs=FOLDER, and name=NAME for the folder in it"
            )
    # Hydra's parser takes no flag between two words.
    flags = [word for word in sys.argv[1:] if word in _MULTIRUN]
    words = with_folds([w for w in sys.argv[1:] if w not in _MULTIRUN], sweeps=bool(flags))
    words = [spelled_out(word) for word in words]
    sys.argv[1:] = flags + (list(map(with_presets, words)) if flags else words)
    offer_plugins(words)
    try:
        compose()
    except ValueError as error:
        # Hydra's own, of optimizer=null: it takes names of options alone.
        if not isinstance(error, UserError) and (line := unnamed_option(sys.argv[1:])):
            raise UserError(line) from error
        raise
    # Outside of Hydra, which would announce an error in its own words; empty after --help.
    for config, overrides, hydra_overrides in composed:
        _check_no_sweep(config, hydra_overrides)
        _start(config, overrides)


def _check_no_sweep(config: DictConfig, overrides: Sequence[str]) -> None:
    """Refuse options of sweeps where one run is asked for: it would start here, at once."""
    for word in overrides:
        if re.match(r"[+~]*hydra[./](launcher|sweeper)\b", word):
            raise UserError(f"{word} is for sweeps: add -m (a single run can be a sweep as well)")
    if config.jobs != 1:
        raise UserError(f"jobs={config.jobs} is for sweeps: add -m")


def _start(config: DictConfig, overrides: list[str]) -> None:
    # Imported here: --help and what Hydra refuses need not wait for torch and Lightning.
    from wavspa.launching.run.cluster import settle_rank
    from wavspa.launching.run.freeze import freeze_all
    from wavspa.launching.run.prepare import checked
    from wavspa.launching.run.worker import run

    config = checked(config, overrides)
    settle_rank(config.trainer)
    if config.dry_run or config.find:
        print("\n".join(_trial(config, overrides)))
        return
    (folder,) = freeze_all([config], [overrides])
    if (config.trainer.devices, config.trainer.num_nodes) == (1, 1):
        run(folder)
    else:
        # Lightning starts the other ranks by the command line of this process.
        exec_run(folder)


def _trial(config: DictConfig, overrides: list[str]) -> list[str]:
    """The estimates from a few steps of a run, or its sizes, without the run."""
    from wavspa.launching.trial.budget import budget_lines, costs
    from wavspa.launching.trial.cost import estimate
    from wavspa.launching.trial.tuner import find_batch_size, find_learning_rate

    if config.find == "lr":
        return [f"optimizer.lr={find_learning_rate(config):.2g}"]
    if config.find:
        return [f"dataset.batch_size={find_batch_size(config)}"]
    if config.device:
        return budget_lines(costs([config], [overrides]), config.device, config.mfu)
    return estimate(config).lines()
