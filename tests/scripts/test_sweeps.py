"""The command lines that W&B's agents would make of the sweep files."""

from itertools import islice, product
from pathlib import Path

import pytest
import yaml

from support.tiny_runs import compose_run
from wavspa.launching.run.validate import validate

FILES = sorted((Path(__file__).parents[2] / "scripts/sweeps").glob("*.yaml"))


def command_lines(sweep):
    """The words of each job: every value of a grid, the ends of a range."""
    assert sweep["command"] == ["${env}", "${program}", "${args_no_hyphens}"]
    choices = {
        name: p.get("values") or ([p["value"]] if "value" in p else [p["min"], p["max"]])
        for name, p in sweep["parameters"].items()
    }
    for values in product(*choices.values()):
        yield [f"{name}={value}" for name, value in zip(choices, values, strict=True)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_sweep_composes(path):
    sweep = yaml.safe_load(path.read_text())
    assert sweep["program"] == "wavspa-train"
    for words in islice(command_lines(sweep), 0, None, 7):
        config = compose_run(*words)
        validate(config)
        assert sweep["metric"]["name"] == config.task.monitor
