"""The recipes for SLURM: bash reads them, their runs compose, what they ask for is what the trainers need."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module

from wavspa.launching.run.prepare import strip_hydra_node
from wavspa.launching.run.validate import validate
from wavspa.launching.slurm.script import Shape, options_from, shape_of

RECIPES = Path(__file__).parents[2] / "scripts/slurm"


def words_of(path, tmp_path, **variables):
    """The words that a recipe calls wavspa-train with; of several values, the first."""
    programs = {
        "srun": 'while [[ $1 == --* ]]; do shift; done; exec "$@"',
        "wavspa-train": 'printf "%s\\n" "$@"',
    }
    for name, program in programs.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{program}\n")
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", **variables}
    done = subprocess.run(["bash", path], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    words = [word for word in done.stdout.splitlines() if word != "-m"]
    return [word if "[" in word else word.partition(",")[0] for word in words]


def composed(words):
    with initialize_config_module("wavspa.conf", version_base="1.3"):
        config = compose("train", words, return_hydra_config=True)
    validate(strip_hydra_node(config))
    return config


@pytest.mark.parametrize(
    ("name", "variables", "shape"),
    [
        ("sweep", {}, Shape(1, 1, 1)),
        ("several_gpus", {}, Shape(1, 4, 4)),
        ("several_gpus", {"NODES": "2"}, Shape(2, 4, 4)),
    ],
)
def test_a_sweep_composes(tmp_path, name, variables, shape):
    config = composed(words_of(RECIPES / f"{name}.sh", tmp_path, **variables))
    launcher = dict(config.hydra.launcher)
    assert launcher.pop("_target_") == "hydra_plugins.wavspa.slurm.SlurmLauncher"
    options_from(launcher)
    assert shape_of(config.trainer) == shape


def test_many_nodes_are_those_of_the_trainer(tmp_path):
    path = RECIPES / "multi_node.sbatch"
    asked = dict(re.findall(r"^#SBATCH --([\w-]+)=(\d+)$", path.read_text(), re.MULTILINE))
    config = composed(words_of(path, tmp_path))
    names = ("nodes", "ntasks-per-node", "gpus-per-node")
    assert shape_of(config.trainer) == Shape(*(int(asked[name]) for name in names))


@pytest.mark.parametrize("path", sorted(RECIPES.iterdir()), ids=lambda path: path.name)
def test_bash_reads_it(path):
    subprocess.run(["bash", "-n", path], check=True)
