"""A search: choose trials, train them as runs of a sweep, report their results, and repeat."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from optuna.distributions import distribution_to_json
from optuna.study import Study
from optuna.trial import Trial, TrialState

from wavspa.errors import RunFailed, UserError
from wavspa.launching.run.freeze import experiment_folder, freeze
from wavspa.launching.run.naming import config_hash
from wavspa.launching.search.pruning import Watch
from wavspa.launching.search.result import FOLDER, REASON, Result, print_result, write_result
from wavspa.launching.search.space import Space
from wavspa.launching.search.study import Options, next_trial, open_study, running_trials
from wavspa.launching.sweeps.launcher import SweepLauncher
from wavspa.run_folder.lock import exclusive, is_locked, wait_until_free
from wavspa.run_folder.status import read_status

_MISTAKES = (UserError, HydraException, OmegaConfBaseException)


def search(space: Space, launcher: SweepLauncher, options: Options) -> None:
    """Train the requested number of trials; print and write their results.

    The search's folder is a function of its space, so the same command resumes it.

    Args:
        space: The space to search.
        launcher: The launcher that starts the runs.
        options: The user's options of the search.

    Raises:
        UserError: The configuration has a mistake; nothing was started.
        RunFailed: All trials failed, or some were interrupted.
    """
    if not launcher.waits:
        raise UserError(
            "a search has to wait for its trials: set hydra.launcher.wait=true (it can be stopped and "
            "resumes with the same command)"
        )
    example = _check(space, launcher)
    folder = experiment_folder(example) / f"search-{_digest(example, space, options)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror})") from error
    with exclusive(folder):
        study = open_study(folder, example.task.mode, options)
        result = Result(study, space, example.task.monitor)
        trials = running_trials(study)
        while trials or len(study.trials) < options.n_trials:
            _train(trials or _next_batch(study, space, options), launcher, result)
            write_result(result, folder)
            trials = []
        print_result(result, folder)
        _check_end(study)


def _next_batch(study: Study, space: Space, options: Options) -> list[Trial]:
    missing = options.n_trials - len(study.trials)
    return [next_trial(study, space, options) for _ in range(min(options.batch, missing))]


def _check(space: Space, launcher: SweepLauncher) -> DictConfig:
    """Compose the search's values, one key at a time; return a valid configuration.

    Two values may each be valid but not work together; then only trials with both fail.

    Raises:
        UserError: No configuration is valid.
    """
    valid, mistakes = [], []
    for values in space.one_by_one():
        try:
            valid.append(launcher.compose(space.words(values)))
        except UserError as error:
            mistakes.append(error)
    if not valid:
        raise mistakes[0]
    if valid[0].dry_run:
        raise UserError(
            "dry_run=true cannot be combined with hydra/sweeper=optuna: leave one of them out"
        )
    if valid[0].rerun:
        raise UserError(
            "rerun=true cannot be combined with hydra/sweeper=optuna: to restart a search, set another "
            "hydra.sweeper.seed or remove its folder"
        )
    # A name that interpolates what is searched differs from trial to trial.
    if valid[0].name is not None and not OmegaConf.is_interpolation(valid[0], "name"):
        raise UserError(
            f"name={valid[0].name} cannot be combined with hydra/sweeper=optuna, as all trials would share "
            "its folder: leave it out, or choose experiment_name=…"
        )
    return valid[0]


def _digest(example: DictConfig, space: Space, options: Options) -> str:
    searched = {key: distribution_to_json(d) for key, d in space.searched.items()}
    content = [config_hash(example), sorted(searched.items()), options.sampler, options.seed]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:8]


def _train(trials: Sequence[Trial], launcher: SweepLauncher, result: Result) -> None:
    """Train a batch of trials to the end and report the results to the study."""
    pairs = []
    for trial in trials:
        words = result.space.words(trial.params)
        own = " ".join(result.space.own_words(trial.params))
        print(f"trial {trial.number}: {own}", flush=True)
        try:
            folder = freeze(_compose(launcher, words, result), words)
        except _MISTAKES as error:
            _fail(trial, str(error))
            continue
        trial.set_user_attr(FOLDER, str(folder))
        pairs.append((trial, folder))
    folders = list(dict.fromkeys(folder for _, folder in pairs))
    if not folders:
        return
    with Watch(pairs, result.monitor):
        for folder in folders:
            wait_until_free(folder)
        try:
            launcher.start(folders)
        except RunFailed:
            # The same command starts the others later.
            _tell_all([(trial, folder) for trial, folder in pairs if read_status(folder)])
            raise
    _tell_all(pairs)


def _tell_all(pairs: Sequence[tuple[Trial, Path]]) -> None:
    for trial, folder in pairs:
        _tell(trial, folder)


def _compose(launcher: SweepLauncher, words: Sequence[str], result: Result) -> DictConfig:
    config = launcher.compose(words)
    if config.task.monitor != result.monitor:
        raise UserError(
            f"task.monitor={config.task.monitor} cannot be compared with {result.monitor} of other trials"
        )
    return config


def _tell(trial: Trial, folder: Path) -> None:
    """Report to the study how a trial's run ended; nothing if the run can be resumed."""
    try:
        status = read_status(folder)
    except UserError as error:
        _fail(trial, str(error))
        return
    state, best = status.get("state"), status.get("best")
    if state == "finished" and best:
        trial.study.tell(trial.number, best["value"])
    elif state == "pruned":
        trial.study.tell(trial.number, state=TrialState.PRUNED)
    elif state != "interrupted" and not is_locked(folder):
        _fail(trial, status.get("reason") or f"it was killed, or reached no validation ({state})")


def _fail(trial: Trial, reason: str) -> None:
    trial.set_user_attr(REASON, reason.strip().splitlines()[0])
    trial.study.tell(trial.number, state=TrialState.FAIL)


def _check_end(study: Study) -> None:
    states = [trial.state for trial in study.get_trials(deepcopy=False)]
    if (left := states.count(TrialState.RUNNING)) > 0:
        raise RunFailed(f"{left} trials were interrupted; the same command resumes them")
    if states.count(TrialState.FAIL) == len(states):
        raise RunFailed(f"all {len(states)} trials failed")
