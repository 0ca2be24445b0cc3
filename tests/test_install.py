"""The wheel alone, in a fresh environment with the five packages that the bare library needs."""

import importlib
import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_bytes
from importlib.metadata import distribution, packages_distributions, version
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from safetensors.torch import save_file

import wavspa
from support.waiting import LIMIT
from wavspa import Encoder, commands
from wavspa.run_folder import layout

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
BARE = {"torch", "numpy", "pywavelets", "safetensors", "typing-extensions"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    # A copy: setuptools leaves what it built in the source tree.
    source = folder / "source"
    for part in ("wavspa", "conf"):
        shutil.copytree(ROOT / part, source / part)
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / part, source)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source)
    (path,) = folder.glob("wavspa-*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The Python of an environment that holds the wheel, the five packages and what they need."""
    home = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin/python"
    pip("--python", python, "install", "--no-deps", wheel)
    (packages,) = home.glob("lib/python*/site-packages")
    for name in needed_by(BARE):
        link(name, packages)
    return python


def pip(*arguments):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    subprocess.run(command, check=True)


def needed_by(names):
    """The named distributions and, of those installed here, all that they require."""
    found, left = set(), set(names)
    while left:
        name = left.pop()
        found.add(name)
        for line in distribution(name).requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                left |= {canonicalize_name(requirement.name)} - found
    return found


def link(name, packages):
    """Put the files of an installed distribution into another environment, as links."""
    files = distribution(name).files or ()
    for top in {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")}:
        target = packages / top
        if not target.exists():
            target.symlink_to(distribution(name).locate_file(top))


def run(python, program, cwd):
    return subprocess.run(
        [python, "-I", "-c", program], cwd=cwd, capture_output=True, text=True, timeout=LIMIT
    )


def test_the_wheel_asks_for_five_packages(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(archive.read(name))
    requirements = [Requirement(line) for line in metadata.get_all("Requires-Dist")]
    bare = {canonicalize_name(r.name) for r in requirements if r.marker is None}
    assert bare == BARE
    assert {"train", "all"} <= set(metadata.get_all("Provides-Extra"))


def test_layer_and_transforms_work_with_the_wheel_alone(python, tmp_path):
    program = """
import torch
from wavspa import WavSpAttention, __version__, wavedec, waverec, lattice_filters
layer = WavSpAttention(dim=8, heads=2, attention="performer", wavelet="ortho", taps=4, level=2)
x, lengths = torch.randn(2, 30, 8), torch.tensor([30, 11])
y = layer(x, lengths=lengths)
filters = lattice_filters(torch.rand(2, 8))
x2 = waverec(wavedec(x, filters, level=2), filters, length=30)
print(list(y.shape), torch.allclose(x, x2, atol=1e-5), __version__)
"""
    done = run(python, program, tmp_path)
    assert done.stderr == ""
    assert done.stdout.split(maxsplit=4)[:4] == ["[2,", "30,", "8]", "True"]


def test_an_export_loads_with_the_wheel_alone(python, tmp_path):
    options = {"vocab_size": 10, "classes": 3, "max_len": 16, "dim": 8, "depth": 1, "heads": 2}
    model = Encoder(**options).eval()
    tokens = torch.arange(10)[None]
    folder = tmp_path / "export"
    folder.mkdir()
    save_file(model.state_dict(), folder / layout.EXPORT_WEIGHTS)
    content = {"_target_": "wavspa.Encoder", **options}
    config = {"model_type": "wavspa", "wavspa_format": 1, "model": content}
    (folder / layout.EXPORT_CONFIG).write_text(json.dumps(config))
    program = f"""
import torch
from wavspa import load_model
print(load_model({str(folder)!r})(torch.arange(10)[None]).tolist())
"""
    done = run(python, program, tmp_path)
    assert done.stderr == ""
    assert done.stdout.strip() == str(model(tokens).tolist())


def test_the_commands_name_what_they_lack(python, tmp_path):
    done = subprocess.run(
        [python.with_name("wavspa-train"), "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr == (
        "error: the commands need the framework, of which pytorch_lightning is missing: "
        "pip install 'wavspa[train]'\n"
    )
    done = run(python, "import wavspa; wavspa.load_model('me/digits')", tmp_path)
    assert "needs huggingface_hub: pip install 'wavspa[train]'" in done.stderr


@pytest.mark.parametrize("name", ["hydra", "numba", "wandb"])
def test_any_missing_part_of_the_framework_is_named(name, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SystemExit) as ended:
        importlib.reload(commands)
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        f"error: the commands need the framework, of which {name} is missing: "
        "pip install 'wavspa[train]'\n"
    )


def test_the_commands_look_for_all_that_train_installs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    train = project["optional-dependencies"]["train"]
    owners = packages_distributions()
    found = {canonicalize_name(owner) for name in commands.FRAMEWORK for owner in owners[name]}
    assert found == {canonicalize_name(Requirement(line).name) for line in train}


def test_all_public_names_can_be_imported_by_a_star():
    names = {}
    exec("from wavspa import *", names)
    assert set(wavspa.__all__) <= names.keys()
    assert names["__version__"] == version("wavspa")
