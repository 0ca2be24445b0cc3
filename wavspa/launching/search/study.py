"""Optuna's study of a search: kept in a file, and unaffected by a kill."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import Study
from optuna.trial import Trial, TrialState

from wavspa.checks import one_of
from wavspa.errors import UserError
from wavspa.launching.plugin_options import check_whole_numbers
from wavspa.launching.search.space import Space

SAMPLERS = ("tpe", "random")
PRUNERS = (None, "median", "halving")
_JOURNAL = "journal.log"


@dataclass(frozen=True)
class Options:
    """The user's options of a search; ``conf/hydra/sweeper/optuna.yaml`` describes them.

    Raises:
        UserError: A value is impossible.
    """

    sampler: str
    n_trials: int
    batch: int
    seed: int
    startup: int
    pruner: str | None
    prune_after: int

    def __post_init__(self) -> None:
        least = {"n_trials": 1, "batch": 1, "seed": 0, "startup": 1, "prune_after": 0}
        check_whole_numbers(self, "hydra.sweeper", least)
        for name, legal in {"sampler": SAMPLERS, "pruner": PRUNERS}.items():
            one_of(f"hydra.sweeper.{name}", getattr(self, name), legal)


def open_study(folder: Path, mode: str, options: Options) -> Study:
    """Start a study, or resume the one in ``folder``.

    No other process may use the folder at the same time.

    Args:
        folder: The search's folder.
        mode: ``max`` or ``min``.
        options: The user's options of the search.

    Raises:
        UserError: The file of the study is damaged.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", ExperimentalWarning)
    path = (folder / _JOURNAL).absolute()
    _mend(path)
    try:
        storage = JournalStorage(JournalFileBackend(str(path)))
        return optuna.create_study(
            storage=storage,
            study_name="search",
            direction="maximize" if mode == "max" else "minimize",
            pruner=_pruner(options),
            load_if_exists=True,
        )
    except (ValueError, KeyError, AssertionError) as error:
        raise UserError(
            f"{path} is damaged ({error}): remove it, and the search restarts and reuses the existing runs"
        ) from error


def next_trial(study: Study, space: Space, options: Options) -> Trial:
    """Choose the next trial.

    Args:
        study: The study.
        space: The space to search.
        options: The user's options of the search.
    """
    # A restarted sampler would choose the same trials again; seeding with the number makes it continue.
    seed = np.random.SeedSequence([options.seed, len(study.trials)]).generate_state(1)[0]
    study.sampler = _sampler(options, int(seed))
    return study.ask(dict(space.searched))


def running_trials(study: Study) -> list[Trial]:
    """The trials that were started but have not ended."""
    left = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return [Trial(study, trial._trial_id) for trial in left]


def _sampler(options: Options, seed: int) -> BaseSampler:
    if options.sampler == "random":
        return RandomSampler(seed)
    # constant_liar keeps the trials of a batch apart.
    return TPESampler(seed=seed, n_startup_trials=options.startup, constant_liar=True)


def _pruner(options: Options) -> BasePruner:
    if options.pruner == "median":
        return MedianPruner(options.startup, n_warmup_steps=options.prune_after)
    if options.pruner == "halving":
        return SuccessiveHalvingPruner(min_resource=options.prune_after or "auto")
    return NopPruner()


def _mend(path: Path) -> None:
    """Remove what a kill in the middle of a write can leave: half a line, a lock."""
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    if path.exists():
        content = path.read_bytes()
        if content[-1:] not in (b"", b"\n"):
            path.write_bytes(content[: content.rfind(b"\n") + 1])
