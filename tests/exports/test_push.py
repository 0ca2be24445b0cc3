"""Pushing to a stand-in of the hub and loading from it; no real hub is reachable where this runs."""

import socket

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save

import wavspa
from support.hub_stand_in import TOKEN, Hub
from support.tiny_runs import finished_run, tiny_run
from wavspa.commands.export import export
from wavspa.errors import UserError
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("run"))


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        yield hub


def logits(name, **options):
    tokens, lengths = torch.arange(1, 13).view(2, 6), torch.tensor([6, 3])
    return wavspa.load_model(name, **options)(tokens, lengths)


def test_a_pushed_model_comes_back_by_its_name(folder, hub, tmp_path, capsys):
    words = {"run": str(folder), "output": str(tmp_path / "out"), "push": "me/digits"}
    export({**words, "private": "true"})
    assert f"pushed: {hub.address}/me/digits" in capsys.readouterr().out
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert {name: hub.files("me/digits")[name] for name in written} == written
    assert hub.private["me/digits"]
    assert 'wavspa.load_model("me/digits")' in written["README.md"].decode()
    assert torch.equal(logits("me/digits"), logits(folder))
    assert not [line for line in hub.asked if line.startswith("GET") and "README" in line]


def test_with_xet_where_no_file_is_large(folder, hub, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    hub.takes_large_files = False
    export({"run": str(folder), "output": str(tmp_path / "out"), "push": "me/digits"})
    assert torch.equal(logits("me/digits"), logits(folder))
    assert not hub.large


def test_revisions(folder, hub, tmp_path):
    words = {"run": str(folder), "output": str(tmp_path / "out"), "push": "me/digits"}
    export(words)
    first = hub.files("me/digits")
    changed = wavspa.load_model(tmp_path / "out").state_dict()
    changed["head.0.bias"] += 1
    hub.repositories["me/digits"].append({**first, layout.EXPORT_WEIGHTS: save(changed)})
    number = "356a192b7913b04c54574d18c28d46e6395428ab"  # of the first commit
    assert torch.equal(logits(f"me/digits@{number}"), logits(folder))
    assert torch.equal(logits("me/digits", revision=number), logits(folder))
    assert not torch.equal(logits("me/digits"), logits(folder))
    with pytest.raises(UserError, match=r"me/digits .*: http.* has no such revision"):
        wavspa.load_model("me/digits@elsewhere")
    with pytest.raises(UserError, match=r"me/digits@v1 and revision='v2' cannot be combined"):
        wavspa.load_model("me/digits@v1", revision="v2")


def test_a_folder_wins_over_a_name(folder, hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "me").mkdir()
    export({"run": str(folder), "output": "me/digits"})
    assert torch.equal(logits("me/digits"), logits(folder))
    assert not hub.asked


def test_no_model_of_this_name(hub):
    with pytest.raises(
        UserError, match=r"me/nothing .no folder here, so .*: http.* has none of this name"
    ):
        wavspa.load_model("me/nothing")


def test_no_token(folder, hub, monkeypatch, tmp_path):
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(UserError, match=r"push=me/digits: not logged in to http.*: set HF_TOKEN"):
        export({"run": str(folder), "push": "me/digits"})
    assert not (folder / layout.EXPORT).exists()


@pytest.mark.parametrize(("token", "name"), [("hf_wrong", "me/digits"), (TOKEN, "you/digits")])
def test_no_right(folder, hub, monkeypatch, tmp_path, token, name):
    monkeypatch.setenv("HF_TOKEN", token)
    words = {"run": str(folder), "output": str(tmp_path / "out"), "push": name}
    with pytest.raises(
        UserError, match=rf"{name}: http.* refuses: 40[13], .* is not allowed"
    ) as raised:
        export(words)
    assert "\n" not in str(raised.value)
    assert (tmp_path / "out" / "README.md").exists()


def test_no_network(folder, hub, monkeypatch, tmp_path):
    with socket.socket() as silent:
        # Held, so that no other process gets the port, and not listened to.
        silent.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        for call in (
            lambda: wavspa.load_model("me/digits"),
            lambda: export(
                {"run": str(folder), "output": str(tmp_path / "out"), "push": "me/digits"}
            ),
        ):
            with pytest.raises(UserError, match=r"me/digits.*: http://127.* cannot be reached"):
                call()


def test_a_name_that_can_be_none(folder):
    with pytest.raises(UserError, match="push=digits: the name of a model on the hub is USER/NAME"):
        export({"run": str(folder), "push": "digits"})


@pytest.mark.slow
def test_a_run_starts_from_a_model_on_the_hub(folder, hub, tmp_path):
    words = {"run": str(folder), "output": str(tmp_path / "out"), "push": "me/digits"}
    export(words)
    child = tiny_run(tmp_path, "init.from='me/digits:blocks'")
    parent = read_config(child).init.parent
    name, _, commit = parent.folder.partition("@")
    assert (name, parent.commit, parent.part) == ("me/digits", commit, "blocks")
    assert len(commit) == 40
    run(child)
    assert read_status(child)["state"] == "finished"
    with pytest.raises(UserError, match=r"init=me/nothing: me/nothing .*none of this name"):
        tiny_run(tmp_path, "init.from=me/nothing")
