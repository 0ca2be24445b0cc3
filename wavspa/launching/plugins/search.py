"""Hydra's sweeper that searches, on Optuna's ask and tell (its own plugin is broken since Optuna 3)."""

from importlib.util import find_spec
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from wavspa.errors import UserError
from wavspa.launching.foreign import sweep_launcher
from wavspa.launching.options import options_of


class SearchSweeper(Sweeper):
    """Trains the trials of a search, batch by batch, under any launcher that waits for its jobs.

    Args:
        **options: The fields of :class:`wavspa.launching.search_study.Options`.
    """

    def __init__(self, **options: Any) -> None:
        self.options = options

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep what trials are composed and started with."""
        self.parser = OverridesParser.create(config_loader=hydra_context.config_loader)
        self.run_launcher = sweep_launcher(hydra_context, task_function, config)

    def sweep(self, arguments: list[str]) -> None:
        """Search.

        Args:
            arguments: The overrides of the command line.

        Raises:
            UserError: An option, a range or the configuration has a mistake; no trial was started.
            RunFailed: No trial came to an end.
        """
        if find_spec("optuna") is None:
            raise UserError("hydra/sweeper=optuna needs Optuna: pip install 'wavspa[search]'")
        from wavspa.launching.search import search
        from wavspa.launching.search_space import space_of
        from wavspa.launching.search_study import Options

        options = options_of(Options, self.options, "hydra.sweeper", "hydra/sweeper=optuna")
        search(space_of(self.parser.parse_overrides(arguments)), self.run_launcher, options)
