"""Plugins: modules of the user's own that are imported, trusted, frozen, and missed by name."""

import hashlib
import sys

import pytest
import torch
import yaml
from omegaconf import OmegaConf
from torch import nn

from support.registered_parts import forgotten_parts
from support.tiny_runs import compose_run, tiny_run
from wavspa import Encoder, WavSpAttention, plugins, register_attention, register_wavelet
from wavspa.attention import BASES, Softmax
from wavspa.errors import UserError
from wavspa.launching.options.plugins import check_plugins, offer_plugins
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.naming import config_hash
from wavspa.training.checkpoints.rebuild import build_model
from wavspa.training.locate import locate
from wavspa.wavelets.modes import Ada

SOURCE = """\
from torch import nn
from wavspa import register_attention
from os import system

@register_attention("copied")
class Copied(nn.Module):
    def __init__(self, dim, heads, options):
        super().__init__()

    def forward(self, x, lengths=None):
        return x
"""


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """What a test registers and imports is forgotten."""
    monkeypatch.setattr(plugins, "_imported", {})
    with forgotten_parts():
        yield


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A package of the user's, which the path reaches."""
    place = tmp_path / "lab"
    (place / "mylab").mkdir(parents=True)
    (place / "mylab/__init__.py").write_text("")
    (place / "mylab/parts.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(place))
    yield "mylab.parts"
    for name in ("mylab", "mylab.parts"):
        sys.modules.pop(name, None)


class Negated(nn.Module):
    def __init__(self, dim, heads, options):
        super().__init__()

    def forward(self, x, lengths=None):
        return -x


def test_a_class_or_a_function_is_a_base():
    x = torch.randn(2, 9, 8)
    layer = WavSpAttention(8, 2, attention=Negated, wavelet="none")
    torch.testing.assert_close(layer(x), -x)
    of_each = WavSpAttention(8, 2, [lambda *_: nn.Identity(), "softmax"], wavelet="ada", taps=4)
    assert isinstance(of_each.attentions[1], Softmax)
    with pytest.raises(TypeError, match=r"must make a torch\.nn\.Module, got None"):
        WavSpAttention(8, 2, attention=lambda *_: None)
    for built in (Softmax(8, 2), [Softmax(8, 2), "softmax"]):
        with pytest.raises(
            TypeError, match=r"attention must be a name, class .* got a built Softmax"
        ):
            WavSpAttention(8, 2, attention=built)


def test_registered_names_are_choices():
    register_attention("negated")(Negated)
    register_wavelet("mine")(type("Mine", (Ada,), {}))
    x = torch.randint(1, 5, (2, 9))
    encoder = Encoder(5, 2, max_len=9, dim=8, heads=2, attention="negated", wavelet="mine", taps=4)
    assert encoder(x).shape == (2, 2)
    assert isinstance(encoder.blocks[0].attention.wavelet, Ada)
    with pytest.raises(TypeError, match=r"must make a wavspa\.wavelets\.WaveletMode, got Negated"):
        WavSpAttention(8, 2, wavelet=lambda dim, options: Negated(dim, 2, options))
    with pytest.raises(TypeError, match=r"wavelet must be a name, class .* got a built Ada"):
        WavSpAttention(8, 2, wavelet=Ada(8))


def test_names_that_cannot_be_are_refused():
    register_attention("negated")(Negated)
    register_attention("negated")(Negated)  # a notebook's cell, run again
    with pytest.raises(ValueError, match=r"'softmax' is taken by wavspa\.attention\.softmax\.Soft"):
        register_attention("softmax")(Negated)
    with pytest.raises(ValueError, match="letters, digits and underscores, got 'a=b'"):
        register_wavelet("a=b")


def test_a_plugin_is_trusted_once_it_was_named(module):
    with pytest.raises(UserError, match=r"named by plugins=\[mylab\.parts\]"):
        locate("mylab.parts.Copied")
    plugins.import_plugins([module])
    assert locate("mylab.parts.Copied") is sys.modules[module].Copied
    with pytest.raises(UserError, match="outside the packages"):
        locate("mylab.parts.system")
    with pytest.raises(UserError, match="not in one of the packages"):
        locate("mylab.Other")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nothing.here", None, r"nothing\.here cannot be imported .*put its folder on PYTHONPATH"),
        ("os.path", None, r"must be your modules, got 'os\.path'"),
        ("torch.optim", None, r"got 'torch\.optim': torch may be named without a plugin"),
        ("leaving_parts", "raise SystemExit(3)", "leaving_parts cannot be imported .3.*DEBUG"),
        ("broken_parts", "1 / 0", "broken_parts cannot be imported .division by zero.*DEBUG"),
    ],
)
def test_what_cannot_be_imported_is_named(tmp_path, monkeypatch, name, content, message):
    monkeypatch.syspath_prepend(str(tmp_path))
    if content:
        (tmp_path / f"{name}.py").write_text(content)
    with pytest.raises(UserError, match=f"^plugins.*{message}"):
        plugins.import_plugins([name])


@pytest.mark.parametrize("value", ["mylab.parts", 1, None, [1], ["a b"], ["../x"], [""]])
def test_the_option_is_a_list_of_modules(value):
    with pytest.raises(UserError, match=r"^plugins must be a list of modules"):
        check_plugins(value)


def test_installed_plugins_are_imported(module, monkeypatch):
    point = type("Point", (), {"name": "mylab", "module": module})
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point] if group else [])
    plugins.import_plugins([])
    assert "copied" in BASES
    assert list(plugins.describe_plugins()) == [module]


def test_a_registered_base_is_an_option_of_its_group(module):
    offer_plugins([f"plugins=[{module}]"])
    config = compose_run(f"plugins=[{module}]", "model/attention=copied")
    assert config.model.attention == "copied"


def test_runs_without_plugins_keep_their_hash():
    config = compose_run()
    without = OmegaConf.create({key: config[key] for key in config if key != "plugins"})
    assert config_hash(config) == config_hash(without)
    assert config_hash(config) != config_hash(compose_run("plugins=[mylab.parts]"))


def test_a_run_freezes_its_plugins_and_misses_them_by_name(module, tmp_path, monkeypatch):
    folder = tiny_run(tmp_path, f"plugins=[{module}]", "model.attention=copied")
    (frozen,) = yaml.safe_load((folder / "config.yaml").read_text())["frozen"]["plugins"].items()
    path = str(tmp_path / "lab/mylab/parts.py")
    checksum = hashlib.sha256(b"parts.py\0" + SOURCE.encode()).hexdigest()
    facts = {"version": None, "path": path, "commit": None, "checksum": checksum}
    assert frozen == (module, facts)
    assert "plugins" not in folder.name
    monkeypatch.setattr(plugins, "_imported", {})
    for name in ("mylab", module):
        sys.modules.pop(name)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if "lab" not in place[-4:]])
    with pytest.raises(
        UserError, match=rf"^plugins: {module} cannot .*; the run was made with {path}: "
    ):
        read_config(folder)
    options = {"_target_": "wavspa.models.Encoder", "vocab_size": 3, "max_len": 4}
    with pytest.raises(UserError, match="write import absent_parts before the model is loaded"):
        build_model({**options, "attention": "absent"}, folder, ["absent_parts"])


def test_other_code_of_a_plugin_is_told_whoever_reads_the_run(module, tmp_path, capsys):
    folder = tiny_run(tmp_path, f"plugins=[{module}]", "model.attention=copied")
    capsys.readouterr()
    read_config(folder)
    assert capsys.readouterr().err == ""
    path = tmp_path / "lab/mylab/parts.py"
    path.write_text(SOURCE.replace("return x", "return 2 * x"))
    read_config(folder)
    assert f"was started with other code in {module} (SHA-256 " in capsys.readouterr().err
