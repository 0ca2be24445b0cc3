"""Averages of the weights over the steps of a run, evaluated in their place."""

from collections.abc import Callable, Iterable
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, get_swa_multi_avg_fn
from typing_extensions import override

from wavspa.checks import OptionError, number, whole_number
from wavspa.training.callbacks.evaluated_weights import EvaluatedWeights
from wavspa.training.schedules import steps_or_share


class AverageWeights(EvaluatedWeights):
    """Averages the weights after steps; until the first of these, the trained weights are evaluated.

    Args:
        average: What torch's ``AveragedModel`` averages by.
        start: The step, or the share of the run, after which averaging begins.
        every: Steps from one averaged state to the next.

    Raises:
        ValueError: An option is out of range.
    """

    def __init__(self, average: Callable[..., None], start: float = 0, every: int = 1) -> None:
        super().__init__()
        steps_or_share("start", start, 1)
        self.start, self.every = start, whole_number("every", every)
        self._by = average
        self._average: AveragedModel | None = None
        self._count = 0
        self._restored: dict[str, Tensor] | None = None
        self._step = 0

    def first_step(self, total: int) -> int:
        """The number of steps before averaging begins, in a run of ``total``.

        Raises:
            OptionError: No step is averaged.
        """
        first = steps_or_share("start", self.start, total)
        if first + self.every > total:
            raise OptionError(
                "start",
                f"={self.start} with every={self.every} leaves nothing to average in a run of {total} steps: "
                "set a share such as 0.75",
            )
        return first

    @override
    def evaluated(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Tensor] | None:
        if self._average is None:
            return None
        names = (name for name, _ in pl_module.named_parameters())
        averages = (parameter.detach() for parameter in self._average.parameters())
        return dict(zip(names, averages, strict=True))

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._step = trainer.global_step
        if self._restored is not None:
            own = dict(pl_module.named_parameters())
            weights = [self._restored[name].to(p.device, p.dtype) for name, p in own.items()]
            self._average = self._begin(parameter_list(weights))
            self._average.n_averaged.fill_(self._count)
            self._restored = None

    @override
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if trainer.global_step == self._step:  # gradients are still accumulated
            return
        self._step = trainer.global_step
        since = self._step - self.first_step(trainer.max_steps)
        if since < 1 or since % self.every:
            return
        # The parameters alone: a copy of the module would hold its metrics and compiled blocks too.
        weights = parameter_list(pl_module.parameters())
        if self._average is None:
            self._average = self._begin(weights)
        self._average.update_parameters(weights)
        self._count += 1

    @override
    def state_dict(self) -> dict[str, Any]:
        return {"averaged": self._count}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._count = state_dict["averaged"]

    @override
    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        super().on_load_checkpoint(trainer, pl_module, checkpoint)
        if self.is_in(checkpoint):
            self._restored = checkpoint["state_dict"]

    def _begin(self, weights: nn.ParameterList) -> AveragedModel:
        """An average that holds copies of these weights, and counts none of them yet."""
        return AveragedModel(weights, multi_avg_fn=self._by)


def parameter_list(weights: Iterable[Tensor]) -> nn.ParameterList:
    """Weights as the parameters of a module, in the same memory."""
    return nn.ParameterList(nn.Parameter(w.detach(), requires_grad=False) for w in weights)


class EMA(AverageWeights):
    """An exponential moving average of the weights.

    Args:
        decay: Share of the average that a step keeps.
        start: The step, or the share of the run, after which averaging begins.
        every: Steps from one averaged state to the next.

    Raises:
        ValueError: An option is out of range.
    """

    def __init__(self, decay: float = 0.999, start: float = 0, every: int = 1) -> None:
        if not 0 <= number("decay", decay) < 1:
            raise OptionError("decay", f" must be at least 0 and below 1, got {decay!r}")
        super().__init__(get_ema_multi_avg_fn(decay), start, every)


class SWA(AverageWeights):
    """The plain mean of the weights over the last part of a run (stochastic weight averaging).

    Args:
        start: The step, or the share of the run, after which averaging begins.
        every: Steps from one averaged state to the next.

    Raises:
        ValueError: An option is out of range.
    """

    def __init__(self, start: float = 0.75, every: int = 10) -> None:
        super().__init__(get_swa_multi_avg_fn(), start, every)
