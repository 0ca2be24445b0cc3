"""The Hydra sweeper over every combination of the values on the command line."""

from collections.abc import Sequence
from itertools import product

from hydra.core.override_parser.types import Override

from wavspa.errors import UserError
from wavspa.launching.sweeps.sweeper import FolderSweeper, swept_values


class GridSweeper(FolderSweeper):
    """Passes all jobs to the chosen launcher at once, as run folders.

    Hydra's own sweeper calls Hydra's task function instead; its launcher cannot be wrapped otherwise.
    """

    def sweep(self, arguments: list[str]) -> None:
        """Launch the jobs.

        Args:
            arguments: The overrides of the command line.

        Raises:
            UserError: An override is an interval, which has no steps.
        """
        words = {o.key_or_group: _words(o) for o in self.parser.parse_overrides(arguments)}
        self.run_launcher.launch(list(product(*words.values())), initial_job_idx=0)


def _words(override: Override) -> Sequence[str]:
    """The overrides, with one value each, that an override expands to."""
    if not override.is_sweep_override():
        return [str(override.input_line)]
    if not override.is_discrete_sweep():
        raise UserError(f"{override.input_line}: an interval is for hydra/sweeper=optuna")
    key = override.get_key_element()
    return [f"{key}={value}" for value in swept_values(override)]
