"""Reading exported folders that are whole, damaged, foreign or newer."""

import json

import pytest
import torch
from safetensors.torch import save_file

import wavspa
from wavspa.errors import UserError
from wavspa.run_folder import layout

OPTIONS = {"vocab_size": 11, "classes": 3, "max_len": 20, "dim": 8, "depth": 1, "mlp_dim": 8}
CONFIG = {
    "model_type": "wavspa",
    "wavspa_format": 1,
    "wavspa_version": "0.1.0",
    "model": {"_target_": "wavspa.Encoder", **OPTIONS},
}


@pytest.fixture
def folder(tmp_path):
    save_file(wavspa.Encoder(**OPTIONS).state_dict(), tmp_path / layout.EXPORT_WEIGHTS)
    write(tmp_path, CONFIG)
    return tmp_path


def write(folder, content):
    (folder / layout.EXPORT_CONFIG).write_text(json.dumps(content))


def test_a_model_comes_back(folder):
    model = wavspa.load_model(folder)
    assert isinstance(model, wavspa.Encoder)
    assert not model.training
    assert torch.equal(
        model(torch.ones(1, 5, dtype=torch.int64)),
        wavspa.load_model(str(folder))(torch.ones(1, 5, dtype=torch.int64)),
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "bert"}, r"config\.json is not that of a model of wavspa"),
        ({"wavspa_format": None}, r"config\.json is damaged: it lacks"),
        ({"model": [1]}, r"config\.json is damaged: it lacks"),
        (
            {"wavspa_format": 2, "wavspa_version": "9.0"},
            r"config\.json was written by a newer wavspa, 9\.0, .* pip install --upgrade wavspa",
        ),
        ({"model": {"_target_": "os.system", "command": "true"}}, "'os.system' is not in one of"),
        (
            {"model": {"_target_": "torch.nn.Linear", "in_features": 1, "out_features": 1}},
            "asks for 'torch.nn.Linear', which is not a model of wavspa",
        ),
        ({"model": {**CONFIG["model"], "flux": 1}}, r"config\.json: wavspa\.Encoder .*'flux'"),
        ({"model": {**CONFIG["model"], "pool": "max"}}, r"config\.json: .* pool='max' is unknown"),
        ({"model": {**CONFIG["model"], "dim": 16}}, r"model\.safetensors does not fit this model"),
    ],
)
def test_other_configurations_are_refused(folder, changes, message):
    write(folder, {**CONFIG, **changes})
    with pytest.raises(UserError, match=message):
        wavspa.load_model(folder)


@pytest.mark.parametrize("content", ["{", "[]", '"wavspa"', "\udcff"])
def test_damaged_configurations_are_named(folder, content):
    (folder / layout.EXPORT_CONFIG).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=r"config\.json is (damaged|not that)"):
        wavspa.load_model(folder)


def test_damaged_weights_are_named(folder):
    path = folder / layout.EXPORT_WEIGHTS
    whole = path.read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(UserError, match=r"model\.safetensors is damaged"):
            wavspa.load_model(folder)
    path.unlink()
    with pytest.raises(UserError, match=r"not a complete export: it has no model\.safetensors"):
        wavspa.load_model(folder)


def test_a_pickle_in_the_place_of_weights_is_not_run(folder):
    torch.save({"a": torch.ones(1)}, folder / layout.EXPORT_WEIGHTS)
    with pytest.raises(UserError, match=r"model\.safetensors is damaged"):
        wavspa.load_model(folder)
