"""Checks of a complete configuration, before anything is written or queued."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pytorch_lightning.callbacks import EarlyStopping

from wavspa.checks import whole_number
from wavspa.config_options import flatten
from wavspa.data.tagging.tags import Tags
from wavspa.data.targets.classes import Classes
from wavspa.data.targets.numbers import Numbers
from wavspa.errors import UserError, first_line
from wavspa.launching.options.batches import check_batches
from wavspa.launching.options.loggers import check_logger
from wavspa.launching.run.build import build, check_option_names, explain
from wavspa.reports.figures.registry import check_live
from wavspa.tasks.own_metrics import check_metric
from wavspa.training.callbacks.averages import AverageWeights
from wavspa.training.callbacks.refused import check_callback
from wavspa.training.checkpoints.last import LastCheckpoint
from wavspa.training.compiled import GRAPHS
from wavspa.training.monitors import check_defined, check_monitors, monitors
from wavspa.training.plateau import Plateau
from wavspa.training.schedules import check_warmup
from wavspa.training.stop_signals import StopRequest
from wavspa.training.trainer_options import check_trainer_options

# Strategies that shard the weights, and the optimizers that need complete weights.
_SHARING = ("fsdp", "deepspeed")
_NEED_WHOLE = ("muon", "schedule_free")


def validate(config: DictConfig) -> None:
    """Build everything that a run builds, on the meta device, and check it against the data's card.

    The trainer is not built, since its devices may be on another machine, as may the data.

    Args:
        config: The composed configuration.

    Raises:
        UserError: A value is missing, unknown or impossible; the message names its option.
    """
    check_missing(config)
    _check_level(config)
    _check_trainer(config.trainer)
    _check_few_shapes(config)
    if (name := _optimizer(config)) in _NEED_WHOLE:
        _check_whole(config, f"optimizer={name}")
    for name, options in config.logger.items():
        check_logger(f"logger.{name}", options)
        check_live(f"logger.{name}.figures", options.get("figures", ()))
        whole_number(f"logger.{name}.predictions", options.get("predictions", 0), least=0)
    data = build(config, "dataset")
    _check_labels(config)
    _check_own_metrics(config)
    with torch.device("meta"):
        model = build(config, "model")
        optimizer = build(config, "optimizer")
        schedule = build(config, "schedule")
        _call(config, "optimizer", partial(optimizer, model))
        _call(config, "schedule", partial(schedule, 0, config.trainer.max_steps))
        if "warmup" in config.schedule:
            warmup, steps = config.schedule.warmup, config.trainer.max_steps
            overfits = bool(config.trainer.get("overfit_batches"))
            _call(config, "schedule", partial(check_warmup, warmup, steps, overfits))
        if isinstance(schedule, Plateau):
            schedule.check_patience(config.trainer.max_steps, config.trainer.val_every)
        task = build(config, "task", model=model, optimizer=optimizer, schedule=schedule)
    check_monitors(config, task)
    check_batches(task, data)
    _check_label_kind(config, task, data)
    task.check_dataset(data)
    for name in config.callbacks:
        option = f"callbacks.{name}"
        callback = build(config, option)
        check_callback(option, callback, config.trainer.accelerator)
        if isinstance(callback, EarlyStopping):
            whole_number(f"{option}.patience", callback.patience)
        if isinstance(callback, AverageWeights):
            _check_average(config, option, callback)
    if card := _card(data):
        data.check_card(card)
        if config.dataset.get("batch_tokens") is not None:
            data.batches_per_epoch()  # refuses a budget of tokens that is too small for an example
        for monitor in monitors(config):
            check_defined(monitor, data)
        task.check_data(card)
    try:
        LastCheckpoint(Path(), StopRequest(), **config.checkpoints)
    except (ValueError, TypeError) as error:
        raise explain(error, "checkpoints", config.checkpoints) from error


def _check_labels(config: DictConfig) -> None:
    unlabelled = config.dataset.get("label", "") is None
    if unlabelled and not config.task["_target_"].endswith(".Masked"):
        raise UserError(
            "dataset.label=null: texts without labels are for task=masked; name the column of the labels, or "
            "choose that task"
        )


def _check_label_kind(config: DictConfig, task: Any, data: Any) -> None:
    """Refuse a task or a model that does not fit the data, and a precision that would round numbers."""
    kind = getattr(task, "kind", Classes.kind)
    if data.target.kind != kind:
        fitting = "tagging" if kind == Tags.kind else "files"
        raise UserError(
            f"task={_task_name(task)} needs labels of the kind {kind}, but {data.name} has the kind "
            f"{data.target.kind}: choose dataset={fitting} or task={data.target.task}"
        )
    if (data.inputs is None) != (config.model.get("inputs") is None):
        what, way_out = (
            "series of numbers",
            "task=classification or regression, or model/encoder=series",
        )
        if data.inputs is None:
            what, way_out = "tokens", "another model/encoder"
        raise UserError(
            f"{data.name} holds {what}, which this model does not read: choose {way_out}"
        )
    numbers = kind == Numbers.kind or data.inputs is not None
    if numbers and str(config.trainer.precision).endswith("16-true"):
        raise UserError(
            f"trainer.precision={config.trainer.precision} would round the numbers of the data: set "
            f"trainer.precision={config.trainer.precision.removesuffix('true')}mixed"
        )


def _task_name(task: Any) -> str:
    """The name of a task, as in ``task=``."""
    return type(task).__name__.lower()


def _check_own_metrics(config: DictConfig) -> None:
    """Build and try the user's own metrics for a task with classes."""
    metrics = config.task.get("metrics")
    if metrics is None or "classes" not in config.task:
        return
    for name, options in ((str(key), options) for key, options in metrics.items()):
        option = f"task.metrics.{name}"
        if name.startswith("_"):
            continue
        if not isinstance(options, DictConfig) or "_target_" not in options:
            raise UserError(f"{option} must have the _target_ of a metric, got {options!r}")
        check_metric(option, build(config, option), config.task.classes)


def _card(data: Any) -> dict[str, Any] | None:
    """The card of the data; None if they are not prepared on this machine."""
    try:
        return data.card if data.folder.is_dir() else None
    except UserError:
        return None  # the files that the folder is named after are elsewhere


def check_missing(config: DictConfig) -> None:
    """Refuse a configuration in which a mandatory value is missing, or a value refers to a missing one.

    Raises:
        UserError: There is such a value.
    """
    content = OmegaConf.to_container(config, resolve=False)
    assert isinstance(content, dict)
    values = dict(flatten(content))
    for key, value in values.items():
        if value == "???":
            raise UserError(f"{key} has no value: set it with {key}=…")
    for key, value in values.items():
        if isinstance(value, str) and "${" in value:
            _check_reference(config, key, value)


def _check_reference(config: DictConfig, key: str, value: str) -> None:
    try:
        OmegaConf.select(config, key)
    except OmegaConfBaseException as error:
        message = first_line(error)
        if found := re.search(r"Interpolation key '([^']+)' not found", message):
            node = found[1].partition(".")[0]
            message = f"there is no {found[1]}; choose another {node}, or set {key}=…"
        raise UserError(f"{key} is taken from {value}: {message}") from error


def _check_level(config: DictConfig) -> None:
    """Refuse levels so deep that they would divide a single coefficient repeatedly."""
    level, longest = config.model.get("level"), config.dataset.get("max_length")
    if config.model.get("wavelet") in ("none", "fourier", "conv", None):
        return
    if isinstance(level, int) and isinstance(longest, int) and 2**level > max(2, longest):
        raise UserError(
            f"model.level must be at most {max(1, longest.bit_length() - 1)} for sequences of "
            f"dataset.max_length={longest}, got {level}"
        )


def _check_few_shapes(config: DictConfig) -> None:
    """Refuse CUDA graphs for batches that each have their own shape."""
    pad = config.dataset.get("pad")
    if config.trainer.get("compile") == GRAPHS and pad == "batch":
        raise UserError(
            f"trainer.compile={GRAPHS} cannot be combined with dataset.pad={pad}, as each batch then has its "
            "own shape: set dataset.pad=bucket or max, or trainer.compile=true"
        )


def _check_average(config: DictConfig, option: str, average: AverageWeights) -> None:
    _call(config, option, partial(average.first_step, config.trainer.max_steps))
    _check_whole(config, option)
    if _optimizer(config) == "schedule_free":
        raise UserError(
            f"{option} cannot be combined with optimizer=schedule_free, which evaluates its own average: "
            "leave one out"
        )


def _check_whole(config: DictConfig, option: str) -> None:
    """Refuse an option that needs complete weights if each device holds only a share of them."""
    strategy = config.trainer.strategy
    if str(strategy).startswith(_SHARING):
        raise UserError(
            f"{option} cannot be combined with trainer.strategy={strategy}, as each device then holds only a "
            "share of the weights: set trainer=ddp"
        )


def _optimizer(config: DictConfig) -> str:
    return str(config.optimizer.get("_target_")).rpartition(".")[2]


def _check_trainer(options: DictConfig) -> None:
    check_option_names(options, "trainer")
    check_trainer_options(options)


def _call(config: DictConfig, node: str, function: Any) -> None:
    try:
        function()
    except (ValueError, TypeError) as error:
        raise explain(error, node, OmegaConf.select(config, node)) from error
