"""The recipes for containers: what they copy is there, and a SLURM script starts its run inside."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from support.slurm_stand_in import DEFAULTS
from support.tiny_runs import tiny_run
from wavspa.launching.slurm.script import arrays_of, options_from, script
from wavspa.launching.subprocesses import ENVIRONMENT

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "scripts/containers"


def copied(recipe):
    """What a recipe takes from the checkout."""
    text = (RECIPES / recipe).read_text()
    if recipe == "Dockerfile":
        lines = re.findall("^COPY (.*)$", text, re.MULTILINE)
        return {name for line in lines for name in line.split()[:-1]}
    return {
        line.split()[0] for line in text.partition("%files\n")[2].partition("\n\n")[0].split("\n")
    }


@pytest.mark.parametrize("recipe", ["Dockerfile", "wavspa.def"])
def test_what_a_recipe_copies_is_what_the_package_is_built_from(recipe):
    names = copied(recipe)
    assert names == {"pyproject.toml", "constraints.txt", "README.md", "LICENSE", "conf", "wavspa"}
    assert all((ROOT / name).exists() for name in names)
    text = (RECIPES / recipe).read_text()
    assert all(f"{name}={value}" in text for name, value in ENVIRONMENT.items())


def test_a_slurm_script_starts_its_run_in_the_container(tmp_path):
    (array,) = arrays_of([tiny_run(tmp_path)])
    array.folders_file.write_text(f"{array.folders[0]}\n")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("srun", "apptainer"):
        (programs / name).write_text('#!/bin/bash\nprintf "%s\\n" "$@" >"$SAID"\n')
        (programs / name).chmod(0o755)
    source = f"source {shlex.quote(str(RECIPES / 'in_apptainer.sh'))} /shared/a.sif"
    text = script(array, [1], options_from({**DEFAULTS, "setup": [source]}))
    said = tmp_path / "said"
    variables = {"PATH": f"{programs}:/usr/bin:/bin", "SAID": str(said), "SLURM_ARRAY_TASK_ID": "1"}
    subprocess.run(["bash"], input=text, text=True, check=True, env=variables)
    options = ["--export=ALL", "--kill-on-bad-exit=1", "--wait=0", "--cpus-per-task=1"]
    inside = ["apptainer", "exec", "--nv", "/shared/a.sif", "python", "-m", "wavspa.commands.run"]
    assert said.read_text().splitlines() == [*options, *inside, str(array.folders[0])]
