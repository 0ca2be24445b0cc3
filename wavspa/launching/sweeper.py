"""What the sweepers share: a parser of the typed words, and a launcher of run folders."""

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from wavspa.launching.foreign import sweep_launcher


class FolderSweeper(Sweeper):
    """A sweeper whose jobs are run folders, under whichever launcher was chosen."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep what jobs are composed and started with."""
        self.parser = OverridesParser.create(config_loader=hydra_context.config_loader)
        self.run_launcher = sweep_launcher(hydra_context, task_function, config)
