"""A check of a logger's options before it starts: some loggers pass unknown ones on to a service."""

import inspect
import pkgutil
from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import NamedTuple

from omegaconf import DictConfig

from wavspa.config_options import did_you_mean
from wavspa.errors import UserError
from wavspa.training.locate import locate


class _Needs(NamedTuple):
    """What a logger needs."""

    extra: str
    """the extra of this package that installs it"""
    modules: tuple[str, ...]
    taker: str | None = None
    """the function or class to which the logger passes options on"""


_NEEDS: Mapping[str, _Needs] = MappingProxyType(
    {
        "wavspa.training.wandb_run.WandbRun": _Needs("train", ("wandb",), "wandb:init"),
        "pytorch_lightning.loggers.TensorBoardLogger": _Needs(
            "tensorboard", ("tensorboard",), "torch.utils.tensorboard:SummaryWriter"
        ),
        # MLflow takes seconds to import, and passes nothing on.
        "wavspa.training.loggers.mlflow_run.MlflowRun": _Needs(
            "mlflow", ("mlflow", "sqlalchemy", "alembic")
        ),
        "wavspa.training.loggers.trackio_run.TrackioRun": _Needs(
            "trackio", ("trackio",), "trackio:init"
        ),
    }
)


def check_logger(node: str, options: DictConfig) -> None:
    """Refuse options that neither a logger nor the target that it passes them on to takes.

    Args:
        node: The logger's node, such as ``logger.wandb``.
        options: The node's keys and values.

    Raises:
        UserError: There is such an option, or a package that the logger needs is not installed.
    """
    target = str(options["_target_"])
    logger = locate(target)
    sources = [source.__init__ for source in logger.__mro__[:-1]]
    if needs := _NEEDS.get(target):
        for module in needs.modules:
            if find_spec(module) is None:
                raise UserError(
                    f"{node.replace('.', '=')} needs {module}: pip install 'wavspa[{needs.extra}]'"
                )
        if needs.taker:
            sources.append(pkgutil.resolve_name(needs.taker))
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
