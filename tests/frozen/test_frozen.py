"""What commit 178e1d1 wrote is still read, and what was typed for it still means the same."""

import csv
import json
import math
import os
import re
import runpy
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import hydra.utils
import numpy as np
import pytest
import torch
import yaml

import wavspa
from support.tiny_runs import compose_run, with_sizes_of_any_data
from wavspa.launching.run.naming import config_hash

pytestmark = pytest.mark.slow

FROZEN = Path(__file__).parent / "178e1d1"
CONFIGS = sorted((FROZEN / "configs").rglob("*.yaml"))
# One machine repeats itself to the last bit; the vector instructions of another round differently.
CLOSE = 1e-5


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A copy of the fixture that lies here, which is also the working folder."""
    root = tmp_path / "frozen"
    shutil.copytree(FROZEN, root)
    for path in [*root.glob("runs/*/*/config.yaml"), *root.glob("runs/sweep/sweep-*")]:
        text = path.read_text().replace("__ROOT__", str(root)).replace("__PYTHON__", "python")
        path.write_text(text)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def call(monkeypatch, capsys):
    """Calls a command as if its words were typed, and returns what it printed."""

    def command(name, *words):
        monkeypatch.setattr("sys.argv", [f"wavspa-{name}", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "120")
        capsys.readouterr()
        import_module(f"wavspa.commands.{name}").main()
        return capsys.readouterr().out

    return command


def only(folder):
    (found,) = folder.iterdir()
    return found


def read_json(path):
    return json.loads(path.read_text())


LEFT_OUT = ("seconds", "train/gradient_norm")


def rows(path):
    """The rows of a csv without the clock's column, what is empty, and what is logged only since."""
    with path.open() as file:
        return [
            {name: value for name, value in row.items() if value and name not in LEFT_OUT}
            for row in csv.DictReader(file)
        ]


def expected(name):
    return FROZEN / "expected" / name


def lines(text, place):
    """Printed lines as the fixture keeps them."""
    return [line.rstrip() for line in text.replace(str(place), "__ROOT__").splitlines()]


def typed(folder):
    """The words that a run was composed from."""
    return yaml.safe_load((folder / "config.yaml").read_text())["frozen"]["overrides"]


def same_rows(found, wanted):
    assert len(found) == len(wanted)
    for row, other in zip(found, wanted, strict=True):
        assert row.keys() == other.keys()
        for name, value in other.items():
            assert same(row[name], value), (name, row, other)


def same(text, other):
    try:
        return math.isclose(float(text), float(other), rel_tol=CLOSE)
    except ValueError:
        return text == other


def test_an_interrupted_run_goes_on_to_the_end_of_the_undisturbed_one(place, call):
    folder = only(place / "runs/resumed")
    assert read_json(folder / "status.json")["state"] == "interrupted"
    printed = call("run", folder)
    assert f"resuming from step 17: {folder}" in printed
    status, undisturbed = (
        read_json(folder / "status.json"),
        read_json(expected("resumed_status.json")),
    )
    assert (status["state"], status["step"]) == ("finished", 40)
    assert status["test"] == pytest.approx(undisturbed["test"], rel=CLOSE)
    assert status["best"]["step"] == undisturbed["best"]["step"]
    same_rows(rows(folder / "metrics.csv"), rows(expected("resumed_metrics.csv")))


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_finished_run_is_evaluated(place, call, split):
    folder = only(place / "runs/finished")
    printed = call("evaluate", f"run={folder}", f"split={split}")
    if split == "val":
        assert f"val/accuracy {read_json(folder / 'status.json')['best']['value']:.4f}" in printed
    else:
        for name, value in read_json(folder / "status.json")["test"].items():
            assert f"{name} {value:.4f}" in printed


def test_a_finished_run_predicts_what_it_did(place, call):
    folder = only(place / "runs/finished")
    call("predict", f"run={folder}", "input=train.csv", "id=body", "output=again.csv")
    same_rows(rows(place / "again.csv"), rows(expected("predictions.csv")))


def test_figures_of_a_finished_run(place, call):
    folder = only(place / "runs/finished")
    call("figures", f"run={folder}", "what=curves,filters,energy,confusion", "formats=svg")
    names = {path.stem for path in (folder / "figures").glob("*.svg")}
    assert names == {"curves", "filters", "energy", "confusion"}


def test_a_finished_run_is_exported_as_it_was(place, call):
    folder = only(place / "runs/finished")
    call("export", f"run={folder}", "output=again")
    for name in ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"):
        assert (place / "again" / name).read_bytes() == (FROZEN / "export" / name).read_bytes()


def test_an_export_gives_the_same_model_and_logits():
    stored = read_json(expected("logits.json"))
    tokens, lengths = torch.tensor(stored["tokens"]), torch.tensor(stored["lengths"])
    model = wavspa.load_model(FROZEN / "export")
    trained = wavspa.load_model(only(FROZEN / "runs/finished"))
    weights = trained.state_dict()
    assert model.state_dict().keys() == weights.keys()
    assert all(torch.equal(tensor, weights[key]) for key, tensor in model.state_dict().items())
    with torch.no_grad():
        single, double = model(tokens, lengths), model.double()(tokens, lengths)
    assert single.flatten().tolist() == pytest.approx(np.ravel(stored["float32"]), rel=CLOSE)
    # Computed in double precision the logits are the same on every machine, to the last bit of float32.
    assert double.float().tolist() == stored["float64_rounded"]


def test_a_sweep_is_reported_as_it_was(place, call, monkeypatch):
    monkeypatch.chdir(place / "runs")
    printed = lines(call("report", "sweep"), place)
    assert printed == expected("report.txt").read_text().splitlines()
    for name in ("table.md", "table.csv"):
        assert (place / "runs/sweep/report" / name).read_text() == expected(name).read_text()


def test_a_sweep_has_the_states_that_it_had(place, call):
    printed = lines(call("status", "runs/sweep"), place)
    assert printed == expected("status.txt").read_text().splitlines()


def test_the_same_sweep_finds_its_runs_finished(place, call):
    folders = sorted(place.glob("runs/sweep/*/"))
    assert len(folders) == 4
    swept = {"model/attention": "softmax,linformer", "seed": "1,2"}
    words = [word for word in typed(folders[0]) if word.partition("=")[0] not in swept]
    words += [f"{key}={values}" for key, values in swept.items()]
    # This launcher starts no process for a run that has finished.
    printed = call("train", "-m", *words, "hydra/launcher=slurm")
    assert "4 runs: 0 to start, 4 finished" in printed
    assert sorted(place.glob("runs/sweep/*/")) == folders


@pytest.mark.parametrize("experiment", ["finished", "sweep"])
def test_the_same_words_find_their_run_finished(place, call, experiment):
    folder = min(place.glob(f"runs/{experiment}/*/"))
    assert call("train", *typed(folder)).startswith(f"finished: runs/{experiment}/{folder.name} ")


def test_a_script_of_slurm_still_starts_its_run_and_tries_again(
    place, tmp_path, monkeypatch, capsys
):
    stand_ins = {
        "python": f'echo "$*" >>{tmp_path}/started; exit 9',
        "srun": 'while [[ $1 == --* ]]; do shift; done; exec "$@"',
        "scontrol": '[ "$1" = requeue ] || echo JobState=RUNNING',
    }
    for name, body in stand_ins.items():
        write_program(tmp_path / "bin" / name, body)
    job = {"SLURM_JOB_ID": "13", "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "1"}
    for name, value in {**job, "PATH": f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}"}.items():
        monkeypatch.setenv(name, value)
    (script,) = place.glob("runs/sweep/*.sbatch")
    assert subprocess.run(["bash", script]).returncode == 9
    run, retry = (tmp_path / "started").read_text().splitlines()
    folder = script.with_suffix(".txt").read_text().splitlines()[0]
    assert start(run, monkeypatch, capsys).startswith(f"finished: {folder} ")
    assert start(retry, monkeypatch, capsys).startswith("exit code 9, retry 1 of 2; requeued: ")


def write_program(path, body):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/bash\n{body}\n")
    path.chmod(0o755)


def start(words, monkeypatch, capsys):
    """What ``python`` prints with these words, of which the first is ``-m``."""
    option, module, *arguments = words.split()
    assert option == "-m"
    monkeypatch.setattr("sys.argv", [module, *arguments])
    monkeypatch.delitem(sys.modules, module, raising=False)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    "path", CONFIGS, ids=lambda path: str(path.relative_to(FROZEN / "configs").with_suffix(""))
)
def test_a_choice_has_the_hash_that_it_had(path):
    frozen = yaml.safe_load(path.read_text())["frozen"]
    config = with_sizes_of_any_data(compose_run(*frozen["overrides"]))
    assert config_hash(config) == frozen["hash"]
    assert config_hash(config, without=["seed"]) == frozen["cell"]


# GPT-2's own vocabulary is not here.
@pytest.mark.parametrize(
    "path", [path for path in CONFIGS if path.stem != "gpt2"], ids=lambda path: path.stem
)
def test_the_data_set_of_a_frozen_configuration_is_built(path):
    options = yaml.safe_load(path.read_text())["dataset"]
    data = hydra.utils.instantiate(options, _convert_="all")
    assert (data.name, data.batch_size) == (options["name"], options["batch_size"])


def test_every_frozen_target_exists():
    texts = [path.read_text() for path in [*CONFIGS, *FROZEN.glob("runs/*/*/config.yaml")]]
    targets = {target for text in texts for target in re.findall(r"_target_: (\S+)", text)}
    assert len(targets) > 30
    for target in sorted(targets):
        assert callable(hydra.utils.get_object(target)), target
