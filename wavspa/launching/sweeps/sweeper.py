"""The common part of the sweepers: a parser for the typed words, and a launcher of run folders."""

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, RangeSweep
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from wavspa.errors import UserError
from wavspa.launching.sweeps.launcher import SweepLauncher
from wavspa.launching.sweeps.third_party import ForeignLauncher


class FolderSweeper(Sweeper):
    """A sweeper whose jobs are run folders, under any launcher."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep the objects that compose and start jobs."""
        self.parser = OverridesParser.create(config_loader=hydra_context.config_loader)
        self.run_launcher = sweep_launcher(hydra_context, task_function, config)


def swept_values(override: Override) -> list[str]:
    """The values that an override lists, as typed.

    Raises:
        UserError: It lists none, such as a glob without matches, or is an endless range.
    """
    check_step(override)
    values = list(override.sweep_string_iterator())
    if not values:
        raise UserError(f"{override.input_line} has no value: nothing matches")
    return values


def check_step(override: Override) -> None:
    """Refuse a range that never ends."""
    sweep = override.value()
    if isinstance(sweep, RangeSweep) and not sweep.step:
        raise UserError(f"{override.input_line}: the step of a range must not be 0")


def sweep_launcher(
    hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
) -> SweepLauncher:
    """The launcher that ``hydra/launcher`` chooses, wrapped if necessary so that it starts run folders.

    Args:
        hydra_context: The objects that Hydra composes jobs with.
        task_function: The task function of Hydra's program, which is not called.
        config: The sweep's configuration.
    """
    chosen = Plugins.instance().instantiate_launcher(
        hydra_context=hydra_context, task_function=task_function, config=config
    )
    if isinstance(chosen, SweepLauncher):
        return chosen
    launcher = ForeignLauncher(chosen, config.hydra.runtime.choices["hydra/launcher"])
    launcher.setup(hydra_context=hydra_context, task_function=task_function, config=config)
    return launcher
