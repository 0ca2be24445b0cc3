"""The callbacks of Lightning that a run cannot use, and the way out."""

from importlib.util import find_spec

from pytorch_lightning import Callback
from pytorch_lightning.callbacks import (
    BaseFinetuning,
    BatchSizeFinder,
    DeviceStatsMonitor,
    EarlyStopping,
    GradientAccumulationScheduler,
    LearningRateFinder,
    ModelCheckpoint,
    ModelPruning,
    OnExceptionCheckpoint,
    ProgressBar,
    StochasticWeightAveraging,
    Timer,
)

from wavspa.errors import UserError

REFUSED: dict[type[Callback], str] = {
    BaseFinetuning: "a run trains its complete model from the start",
    BatchSizeFinder: "find=batch_size finds one",
    GradientAccumulationScheduler: "it counts epochs, and a run counts steps: "
    "trainer.accumulate_grad_batches is the same for all of them",
    LearningRateFinder: "find=lr finds one",
    ProgressBar: "a run has its own progress bar, or lines where there is no terminal",
    StochasticWeightAveraging: "it averages epochs, and a run counts steps: callbacks=swa averages steps",
    OnExceptionCheckpoint: "checkpoints.every_steps and checkpoints.every_minutes set when a run saves its "
    "state, and the same command resumes it",
    Timer: "stop it from outside, for example with `timeout --signal=TERM 1h wavspa-train …`: the run saves "
    "its state, and the same command resumes it",
}

# Options with which a callback acts at the end of an epoch, which is that of the run, and not at validations.
_AT_EPOCHS: dict[type[Callback], str] = {
    EarlyStopping: "check_on_train_epoch_end",
    ModelCheckpoint: "save_on_train_epoch_end",
    ModelPruning: "prune_on_train_epoch_end",
}


def check_callback(option: str, callback: Callback, accelerator: str) -> None:
    """Refuse a callback that would fail once the run has begun, end it as if it had finished, or never act.

    Args:
        option: The option that added it.
        callback: The callback.
        accelerator: The value of ``trainer.accelerator``.

    Raises:
        UserError: It is such a callback.
    """
    name = type(callback).__name__
    for kind, way_out in REFUSED.items():
        if isinstance(callback, kind):
            raise UserError(f"{option}: {name} is not for runs: {way_out}")
    for kind, choice in _AT_EPOCHS.items():
        if isinstance(callback, kind) and getattr(callback, f"_{choice}"):
            raise UserError(
                f"{option}.{choice} must be false, which acts at each validation: a run counts steps, and "
                "its only epoch ends with it"
            )
    if isinstance(callback, DeviceStatsMonitor):
        # Lightning monitors the processor where there is no other device.
        asks_cpu = callback._cpu_stats or (callback._cpu_stats is None and accelerator == "cpu")
        if asks_cpu and find_spec("psutil") is None:
            raise UserError(f"{option}: {name} needs psutil on a CPU: pip install psutil")
