"""A check of a logger's options before it starts: some pass unknown ones on to a service."""

import inspect
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from omegaconf import DictConfig

from wavspa.config_options import did_you_mean
from wavspa.errors import UserError
from wavspa.training.locate import locate

# What takes the options that a logger hands on, and the extra of this package that installs it.
_TAKERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "wavspa.training.wandb_run.WandbRun": ("wandb:init", "train"),
        "pytorch_lightning.loggers.TensorBoardLogger": (
            "torch.utils.tensorboard:SummaryWriter",
            "tensorboard",
        ),
    }
)


def check_logger(node: str, options: DictConfig) -> None:
    """Refuse options that neither a logger nor what it hands them on to takes.

    Args:
        node: Its node, such as ``logger.wandb``.
        options: The node's keys and values.

    Raises:
        UserError: There is one, or what the logger needs is not installed.
    """
    target = str(options["_target_"])
    logger = locate(target)
    sources = [source.__init__ for source in logger.__mro__[:-1]]
    if target in _TAKERS:
        taker, extra = _TAKERS[target]
        try:
            sources.append(pkgutil.resolve_name(taker))
        except ImportError as error:
            raise UserError(
                f"{node.replace('.', '=')} needs {error.name}: pip install 'wavspa[{extra}]'"
            ) from error
    elif _takes_any(logger.__init__):
        return
    known = {name for source in sources for name in inspect.signature(source).parameters}
    for name in map(str, options):
        if not name.startswith("_") and name not in known:
            hint = did_you_mean(name, known, f"{node}.")
            raise UserError(f"{node}.{name} is not an option of {target}{hint}")


def _takes_any(function: object) -> bool:
    parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
