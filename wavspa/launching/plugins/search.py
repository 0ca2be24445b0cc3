"""The Hydra sweeper that searches, by Optuna's ``ask`` and ``tell`` (Hydra's plugin breaks with Optuna 3)."""

from importlib.util import find_spec
from typing import Any

from wavspa.errors import UserError
from wavspa.launching.plugin_options import options_of
from wavspa.launching.sweeps.sweeper import FolderSweeper


class SearchSweeper(FolderSweeper):
    """Trains the trials of a search, batch by batch, under any launcher that waits for its jobs.

    Args:
        **options: The fields of :class:`wavspa.launching.search.study.Options`.
    """

    def __init__(self, **options: Any) -> None:
        self.options = options

    def sweep(self, arguments: list[str]) -> None:
        """Search.

        Args:
            arguments: The overrides of the command line.

        Raises:
            UserError: An option, a range or the configuration has a mistake; no trial was started.
            RunFailed: All trials failed, or some were interrupted.
        """
        if find_spec("optuna") is None:
            raise UserError("hydra/sweeper=optuna needs Optuna: pip install 'wavspa[search]'")
        from wavspa.launching.search.loop import search
        from wavspa.launching.search.space import space_of
        from wavspa.launching.search.study import Options

        options = options_of(Options, self.options, "hydra.sweeper", "hydra/sweeper=optuna")
        search(space_of(self.parser.parse_overrides(arguments)), self.run_launcher, options)
