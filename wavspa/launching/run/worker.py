"""The work of ``wavspa-run FOLDER``: train from the folder, test once, report "finished" on later calls."""

import errno
import logging
import math
import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import Callback, Trainer, seed_everything
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from wavspa.errors import RunFailed, RunInterrupted, RunPruned, UserError, first_line
from wavspa.launching.answers.row_table import row_table
from wavspa.launching.init.start import start
from wavspa.launching.options.devices import peak_flops
from wavspa.launching.presets.budget import unlike_published
from wavspa.launching.record.record import RunRecord
from wavspa.launching.run.build import build, build_run
from wavspa.launching.run.cluster import cluster_environment, settle_rank
from wavspa.launching.run.evaluate import evaluate
from wavspa.launching.run.freeze import read_config, warn_if_code_changed
from wavspa.launching.run.frozen_data import FrozenData, open_vocabulary
from wavspa.launching.run.resume_check import check_resumable, find_resumable
from wavspa.launching.run.slurm import requeue_after
from wavspa.reporting import is_first_rank, print_line, report, warn
from wavspa.reports.number_format import UNDEFINED
from wavspa.run_folder import layout
from wavspa.run_folder.lock import exclusive
from wavspa.run_folder.status import Status, early_end, read_status, update_status
from wavspa.tasks import Seq2Seq
from wavspa.tasks.base import Task
from wavspa.tasks.written_texts import write_texts
from wavspa.training.callbacks.evaluated_weights import EvaluatedWeights
from wavspa.training.callbacks.first_rows import FirstRows
from wavspa.training.callbacks.progress import progress
from wavspa.training.callbacks.status import StatusFile
from wavspa.training.checkpoints.last import LastCheckpoint
from wavspa.training.checkpoints.write import (
    AtomicCheckpointIO,
    ConfigInCheckpoint,
    best_checkpoint_callback,
)
from wavspa.training.loggers.metrics_csv import MetricsCsv
from wavspa.training.monitors import DefinedMonitors, check_monitors, monitors
from wavspa.training.stop_signals import StopRequest
from wavspa.training.trainer import PROFILE, SeedEachBatch
from wavspa.training.wandb_run import WandbRun

# Lightning's warnings about its own code, and about what runs here do on purpose.
_EXPECTED = (
    "LeafSpec",
    "does not have many workers",
    "Checkpoint directory",
    "your dataloader is not resumable",
    "smaller than the logging interval",
    "The `srun` command is available",
)

_NO_MORE_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def run(folder: Path, data_root: Path | None = None) -> dict[str, float]:
    """Start the run in ``folder``, resume it, or find it finished or pruned by a search.

    Args:
        folder: A folder with a frozen configuration.
        data_root: Where its data are now; None: where they were.

    Returns:
        The test metrics (empty on all ranks but the first, and for a pruned run).

    Raises:
        UserError: The folder, its configuration, data or checkpoint cannot be used, or several processes were
            started for a run of one.
    """
    config = read_config(folder)
    settle_rank(config.trainer)
    if data_root is not None:
        config.dataset.data_root = os.path.abspath(os.path.expanduser(data_root))
    status = read_status(folder)
    if status.get("state") == "finished":
        _print_finished(folder, status)
        return status["test"]
    with exclusive(folder), StopRequest() as stop:
        if (folder / layout.PRUNE).exists():
            known = status["reason"] if status.get("state") == "pruned" else ""
            return _end_pruned(folder, known or "given up by a search before its next start")
        warn_if_code_changed(folder, config)
        try:
            with RunRecord(folder) as record:
                return _train_and_test(folder, config, stop, record)
        except RunPruned as error:
            return _end_pruned(folder, str(error))
        except RunInterrupted as error:
            # When one rank exits with an error, the launcher of the ranks ends the others, and the first
            # rank still has to record the interruption.
            if not is_first_rank():
                return {}
            _update(folder, state="interrupted", reason=_reason(error))
            requeue_after(error.signal)
            raise
        except BaseException as error:
            stop.remember()
            if isinstance(error, OSError) and error.errno in _NO_MORE_WRITING:
                error = RunFailed(
                    f"{folder} cannot be written ({error.strerror}): free some space, and the same command "
                    "resumes from the last checkpoint"
                )
            if (folder / layout.REPLACED).exists():
                report(f"note: the run that this one replaces is in {folder / layout.REPLACED}")
            with suppress(OSError):  # the status may not be writable either
                _update(folder, state="failed", reason=_reason(error))
            raise error


def quiet_lightning() -> None:
    """Hide what Lightning prints about itself and expected warnings; other warnings stay."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    for expected in _EXPECTED:
        warnings.filterwarnings("ignore", message=f".*{expected}.*")


def format_metrics(metrics: dict[str, float]) -> str:
    """``name value`` pairs on one line, with a dash for undefined values."""
    return "  ".join(
        f"{name} {UNDEFINED if math.isnan(value) else f'{value:.4f}'}"
        for name, value in metrics.items()
    )


def _train_and_test(
    folder: Path, config: DictConfig, stop: StopRequest, record: RunRecord
) -> dict[str, float]:
    quiet_lightning()
    _update(folder, state="running", reason="")
    seed_everything(config.seed, workers=True, verbose=False)
    task, data = build_run(config)
    check_monitors(config, task)
    storage = AtomicCheckpointIO()
    last, step = _resume(folder, config, storage)
    if last is None:
        print_line("  ".join(filter(None, (f"starting: {folder}", unlike_published(config)))))
    else:
        print_line(f"resuming from step {step}: {folder}")
    start(config, task, folder, resumed=last is not None)
    batches = config.trainer.accumulate_grad_batches
    # Built before MetricsCsv, which drops rows to be repeated: they read metrics.csv to see what they sent.
    more = _more_loggers(folder, config)
    csv = MetricsCsv(folder, step, lambda step: data.epoch_of(step * batches))
    loggers = [csv, *more]
    trainer = _trainer(folder, config, stop, loggers, storage, record)
    try:
        trainer.fit(task, datamodule=data, ckpt_path=last)
    except RunFailed as error:
        raise RunFailed(f"{error}; {_last_good(folder)}") from error
    stop.obey()
    _check_budget(trainer)
    if not trainer.is_global_zero:
        return {}
    for profile in sorted(folder.glob(f"fit-{PROFILE}*")):
        print_line(f"profile: {profile}")
    if torch.distributed.is_initialized():
        # The other ranks have exited; a metric would wait for them.
        torch.distributed.destroy_process_group()
    task.load_trained(layout.best_checkpoint(folder))
    first = FirstRows(max((logger.predictions for logger in _of_wandb(more)), default=0))
    metrics = evaluate(task, data, config.trainer, callbacks=[first] if first.most else [])
    for logger in loggers:
        logger.log_metrics(metrics, step=trainer.global_step - 1)
    for logger in _of_wandb(more):
        _log_predictions(logger, folder, task, data, first, trainer.global_step - 1)
        logger.log_artifacts()
    for logger in loggers:
        logger.finalize("success")
    for logger in _of_wandb(more):
        logger.finish()
    if isinstance(task, Seq2Seq):
        write_texts(folder / layout.TEXTS, task.texts)
    _update(folder, state="finished", test=metrics)
    _print_finished(folder, read_status(folder))
    return metrics


def _resume(
    folder: Path, config: DictConfig, storage: AtomicCheckpointIO
) -> tuple[Path | None, int]:
    """The checkpoint to resume from and its step; ``storage`` keeps its content for the trainer."""
    found = find_resumable(folder)
    if found is None:
        return None, 0
    last, content = found
    check_resumable(content, last, config)
    storage.keep(last, content)
    step: int = content["global_step"]
    return last, step


def _print_finished(folder: Path, status: Status) -> None:
    parts = (f"finished: {folder}", format_metrics(status["test"]), early_end(status))
    print_line("  ".join(filter(None, parts)))


def _end_pruned(folder: Path, reason: str) -> dict[str, float]:
    _update(folder, state="pruned", reason=reason)
    print_line(f"pruned: {folder}  {reason}; it resumes once {folder / layout.PRUNE} is removed")
    return {}


def _last_good(folder: Path) -> str:
    found = find_resumable(folder)
    if found is None:
        return "no checkpoint was written before"
    last, content = found
    return f"{last} holds step {content['global_step']}"


def _check_budget(trainer: Trainer) -> None:
    if trainer.global_step < trainer.max_steps and not trainer.should_stop:
        raise RunFailed(f"training ended at step {trainer.global_step} of {trainer.max_steps}")


def _trainer(
    folder: Path,
    config: DictConfig,
    stop: StopRequest,
    loggers: list[Logger],
    storage: AtomicCheckpointIO,
    record: RunRecord,
) -> Trainer:
    monitor, mode = config.task.monitor, config.task.mode
    plain = OmegaConf.to_container(config)
    assert isinstance(plain, dict)
    callbacks = [
        StatusFile(folder, monitor, mode, peak_flops),
        progress(monitor),
        DefinedMonitors(monitors(config)),
        *(build(config, f"callbacks.{name}") for name in config.callbacks),
        *_figure_callbacks(loggers),
        FrozenData(folder),
        record,
        SeedEachBatch(config.seed),
        ConfigInCheckpoint({str(key): value for key, value in plain.items()}),
        best_checkpoint_callback(folder, monitor, mode),
        LastCheckpoint(folder, stop, **config.checkpoints),
    ]
    # Callbacks that evaluate other weights come last: they restore the trained ones after all others ran.
    callbacks.sort(key=lambda callback: isinstance(callback, EvaluatedWeights))
    trainer: Trainer = build(
        config,
        "trainer",
        logger=loggers,
        callbacks=callbacks,
        plugins=[storage, *cluster_environment(config.trainer)],
        default_root_dir=str(folder),
    )
    return trainer


def _figure_callbacks(loggers: list[Logger]) -> list[Callback]:
    wanting = [logger for logger in _of_wandb(loggers) if logger.figures]
    if not wanting:
        return []
    # Imported here: matplotlib takes a second to load.
    from wavspa.launching.run.wandb_figures import figure_callbacks

    return [callback for logger in wanting for callback in figure_callbacks(logger)]


def _of_wandb(loggers: list[Logger]) -> list[WandbRun]:
    return [logger for logger in loggers if isinstance(logger, WandbRun)]


def _log_predictions(
    logger: WandbRun, folder: Path, task: Task, data: Any, first: FirstRows, step: int
) -> None:
    """Send a logger the table of predictions that it asks for."""
    most = logger.predictions
    if not most:
        return
    # A table that fails must not end a run.
    try:
        open_vocabulary(folder, data)
        if table := row_table(task, data, first.rows[:most], most):
            logger.log_predictions(table.columns, table.rows, step)
    except Exception as error:
        warn(f"W&B gets no table of predictions ({first_line(error)})")


def _more_loggers(folder: Path, config: DictConfig) -> list[Logger]:
    return [build(config, f"logger.{name}", save_dir=str(folder)) for name in config.logger]


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return "interrupted; the same command resumes from the last checkpoint"
    lines = str(error).strip().splitlines()
    message = lines[0] if lines else ""
    return (
        message
        if isinstance(error, UserError | RunFailed | RunInterrupted)
        else f"{type(error).__name__}: {message}"
    )


@rank_zero_only
def _update(folder: Path, **changes: Any) -> None:
    update_status(folder, **changes)
