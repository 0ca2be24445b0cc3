"""The arguments of Lightning's Trainer that a run takes, and what to use instead of the others."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
from pytorch_lightning.accelerators import AcceleratorRegistry
from pytorch_lightning.strategies import StrategyRegistry

from wavspa.checks import (
    OptionError,
    number,
    one_of,
    true_or_false,
    whole_number,
    whole_number_or_none,
)
from wavspa.training.compiled import GRAPHS
from wavspa.training.trainer import PROFILERS

Check = Callable[[str, Any], object]

REFUSED = {
    "barebones": "dry_run=true measures a step",
    "callbacks": "choose callbacks=…, or add one by +callbacks.NAME._target_=…",
    "check_val_every_n_epoch": "trainer.val_every counts the steps between validations",
    "default_root_dir": "runs=… is the folder of the run folders",
    "enable_autolog_hparams": "config.yaml holds the configuration, and logger=wandb sends it",
    "enable_checkpointing": "checkpoints are what makes a run resume; checkpoints.every_steps sets how often",
    "enable_model_summary": "dry_run=true counts the parameters",
    "enable_progress_bar": "a run has its own progress bar, or lines where there is no terminal",
    "fast_dev_run": "dry_run=true trains a few steps and writes nothing",
    "limit_predict_batches": "wavspa-predict reads what input= names",
    "limit_test_batches": "dataset.limit=N uses at most N examples of each split",
    "logger": "choose logger=csv, tensorboard, wandb, mlflow or trackio",
    "max_time": "stop it from outside, for example with `timeout --signal=TERM 1h wavspa-train …`: the run "
    "saves its state, and the same command resumes it",
    "min_epochs": "callbacks.early_stopping.patience is how long early stopping waits",
    "min_steps": "callbacks.early_stopping.patience is how long early stopping waits",
    "model_registry": "wavspa-export writes what registries take",
    "num_sanity_val_steps": "dry_run=true tries a few steps; trainer.val_every=1 validates at once",
    "plugins": "trainer.precision, trainer.strategy and trainer.accelerator choose them",
    "reload_dataloaders_every_n_epochs": "batches already come in a new order in every epoch",
    "use_distributed_sampler": "data sets distribute batches to devices themselves",
    "val_check_interval": "trainer.val_every counts the steps between validations",
}
"""Arguments that a run has no use for, or would follow wrongly; and what to type instead."""

_ENGINE = "transformer-engine"
PRECISIONS = (
    *("32-true", "64-true", "16-true", "bf16-true", "16-mixed", "bf16-mixed"),
    *(_ENGINE, f"{_ENGINE}-float16"),
    *(32, 64, 16, "32", "64", "16", "bf16"),
)

# Strategies that hand the run to other processes by pickling or forking, which it does not survive.
_MULTIPROCESSING = ("spawn", "fork", "notebook")


def check_trainer_options(options: Mapping[str, Any]) -> None:
    """Refuse what the Trainer would refuse, misread or ignore once a run has begun.

    Args:
        options: The node ``trainer`` of a configuration.

    Raises:
        OptionError: There is such an option; the message names the way out.
    """
    for name, value in options.items():
        check_trainer_option(name, value)
    if options.get("compile") == GRAPHS:
        _check_graphs(options)
    if str(options.get("precision")).startswith(_ENGINE):
        _check_engine(options)
    if options.get("profile") and options.get("profiler") == "pytorch":
        raise OptionError(
            "trainer.profile",
            " cannot be combined with trainer.profiler=pytorch: leave one of them out",
        )
    if options.get("overfit_batches") and options.get("limit_train_batches") is not None:
        raise OptionError(
            "trainer.overfit_batches",
            " cannot be combined with trainer.limit_train_batches: leave one out",
        )


def check_trainer_option(name: str, value: Any) -> None:
    """Refuse an option of ``trainer`` that is not for runs, or a value that it does not take.

    Raises:
        OptionError: It is refused; the message names the way out.
    """
    if name in REFUSED:
        raise OptionError(f"trainer.{name}", f" is not for runs: {REFUSED[name]}")
    if name in _CHECKS:
        _CHECKS[name](f"trainer.{name}", value)


def _check_graphs(options: Mapping[str, Any]) -> None:
    _check_cuda(options, "trainer.compile", "trainer.compile=true")
    batches = options["accumulate_grad_batches"]
    if batches > 1:
        raise OptionError(
            "trainer.compile",
            f"={GRAPHS} cannot be combined with trainer.accumulate_grad_batches={batches}: set 1, or "
            "trainer.compile=true",
        )


def _check_engine(options: Mapping[str, Any]) -> None:
    _check_cuda(options, "trainer.precision", "trainer.precision=bf16-mixed")
    # Where there is no such device, as on a login node, the run trains elsewhere, with other packages.
    if torch.cuda.is_available() and find_spec("transformer_engine") is None:
        raise OptionError(
            "trainer.precision",
            f"={options['precision']} needs transformer_engine: pip install 'transformer_engine[pytorch]', "
            "or set trainer.precision=bf16-mixed",
        )


def _check_cuda(options: Mapping[str, Any], option: str, instead: str) -> None:
    accelerator, value = options["accelerator"], options[option.removeprefix("trainer.")]
    if accelerator not in ("gpu", "cuda", "auto"):
        raise OptionError(
            option,
            f"={value} needs a CUDA device, and trainer.accelerator={accelerator}: set trainer=gpu, or "
            f"{instead}",
        )


def _some(option: str, value: object) -> None:
    """A number of batches, or a share of all."""
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if not whole and not (isinstance(value, float) and 0 < value <= 1):
        raise OptionError(
            option,
            " must be a whole number of batches of at least 1, or a share of all, at most 1.0, got "
            f"{value!r}",
        )


def _some_or_none(option: str, value: object) -> None:
    if value is not None and value != 0:
        _some(option, value)


def _number_or_none(option: str, value: object) -> None:
    if value is not None:
        number(option, value, 0)


def _bool_or_none(option: str, value: object) -> None:
    if value is not None:
        true_or_false(option, value)


def _profile(option: str, value: object) -> None:
    if not isinstance(value, bool):
        whole_number(option, value)


def _deterministic(option: str, value: object) -> None:
    if value != "warn":
        _bool_or_none(option, value)


def _devices(option: str, value: Any) -> None:
    if isinstance(value, str):
        legal = value == "auto" or bool(re.fullmatch(r"-1|\d+(,\d+)*,?", value))
    elif isinstance(value, int):
        legal = not isinstance(value, bool) and (value >= 1 or value == -1)
    else:
        legal = bool(value) and all(isinstance(device, int) and device >= 0 for device in value)
    if not legal:
        raise OptionError(
            option, f" must be a number of at least 1, a list of devices, -1 or auto, got {value!r}"
        )


def _registered(
    option: str, value: object, names: Callable[[], Iterable[str]], more: list[str]
) -> None:
    # A node with a _target_ is the user's own object.
    if not isinstance(value, Mapping) or "_target_" not in value:
        one_of(option, value, [*more, *sorted(names())])


def _strategy(option: str, value: object) -> None:
    name = value.get("start_method") if isinstance(value, Mapping) else value
    if _is_multiprocessing(str(name)):
        raise OptionError(option, f"={name} cannot start the processes of a run: choose ddp")
    _registered(option, value, _strategies, ["auto"])


def _strategies() -> list[str]:
    names = StrategyRegistry.available_strategies()
    return [name for name in names if not _is_multiprocessing(name)]


def _is_multiprocessing(strategy: str) -> bool:
    return any(word in strategy for word in _MULTIPROCESSING)


_CHECKS: dict[str, Check] = {
    "accelerator": partial(
        _registered, names=AcceleratorRegistry.available_accelerators, more=["auto", "gpu"]
    ),
    "accumulate_grad_batches": whole_number,
    "benchmark": _bool_or_none,
    "detect_anomaly": true_or_false,
    "deterministic": _deterministic,
    "devices": _devices,
    "gradient_clip_algorithm": partial(one_of, legal=(None, "norm", "value")),
    "gradient_clip_val": _number_or_none,
    "inference_mode": true_or_false,
    "limit_train_batches": _some,
    "limit_val_batches": _some,
    "log_every_n_steps": whole_number,
    "max_epochs": whole_number_or_none,
    "max_steps": whole_number,
    "num_nodes": whole_number,
    "overfit_batches": _some_or_none,
    "precision": partial(one_of, legal=PRECISIONS),
    "profile": _profile,
    "profiler": partial(one_of, legal=(None, *PROFILERS)),
    "strategy": _strategy,
    "sync_batchnorm": true_or_false,
    "val_every": whole_number,
}
