"""What docs/start/recipes.md tells readers to type is accepted."""

import re
import shlex
from pathlib import Path

import pytest

from support.tiny_runs import compose_run, with_sizes_of_any_data
from wavspa.launching.run.validate import validate

PAGE = (Path(__file__).parents[2] / "docs/start/recipes.md").read_text()
# Words of Hydra and of sweeps; the rest configures one run.
NOT_OF_A_RUN = re.compile(r"-m|experiment=paper/table$|hydra[/.]|jobs=|dry_run=|.*tag\(")


@pytest.mark.parametrize("command", re.findall(r"`wavspa-train ([^`]+)`", PAGE))
def test_a_command_composes(command):
    words = [word for word in shlex.split(command) if not NOT_OF_A_RUN.match(word)]
    # The first of a sweep's choices; a list is one value.
    chosen = (word if "=[" in word else word.partition(",")[0] for word in words)
    validate(with_sizes_of_any_data(compose_run(*chosen)))
