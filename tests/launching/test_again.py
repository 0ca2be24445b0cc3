"""A second training of a run: the same weights, or the first difference."""

import json

import pytest
import torch

from support.tiny_runs import finished_run, tiny_run
from wavspa.commands import run as command
from wavspa.errors import RunFailed, UserError
from wavspa.launching import again
from wavspa.launching.again import compare, first_difference, train_again
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout


@pytest.fixture
def here(monkeypatch):
    """The second training runs in this process, which is quicker."""
    monkeypatch.setattr(again, "run_subprocess", lambda folder: run(folder) and 0)


def type_in(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["wavspa-run", *map(str, words)])
    command.main.__wrapped__()


def test_a_run_ends_in_the_same_weights(tmp_path, here, monkeypatch, capsys):
    folder = finished_run(tmp_path)
    type_in(monkeypatch, folder, "--again")
    second = folder.with_name(f"{folder.name}-again")
    assert capsys.readouterr().out.endswith(f"bit-equal: {second}\n")
    assert (second / layout.BEST).exists() or layout.best_checkpoint(second).exists()
    # A third one is beside the second one, which stays.
    assert train_again(folder).name == f"{folder.name}-again2"
    # The difference of a training is found, and the exit code is that of a failure.
    path = layout.last_checkpoint(second)
    content = torch.load(path, weights_only=True)
    name = next(name for name in content["state_dict"] if name.endswith("weight"))
    content["state_dict"][name].view(-1)[0] += 0.5
    content["global_step"] += 1
    torch.save(content, path)
    lines = compare(folder, second)
    assert lines[0] == "last.ckpt is from step 3, the second one from step 4"
    assert name.removeprefix("model.") in lines[1]
    assert "by up to 0.5 (1 of " in lines[1]
    monkeypatch.setattr("wavspa.launching.again.train_again", lambda *_: second)
    with pytest.raises(RunFailed, match=r"is not bit-equal; last\.ckpt is from step 3"):
        type_in(monkeypatch, folder, "--again")


def test_it_is_held_to_the_same_data(tmp_path, here):
    folder = finished_run(tmp_path)
    card = json.loads((folder / layout.CARD).read_text())
    card["splits"]["train"]["content"] = "other"
    (folder / layout.CARD).write_text(json.dumps(card))
    with pytest.raises(UserError, match="the rows of train have changed"):
        train_again(folder)


def test_only_a_finished_run_has_an_again(tmp_path, here, monkeypatch):
    folder = tiny_run(tmp_path)
    with pytest.raises(UserError, match=r"--again: .* has not finished: finish it with wavspa-run"):
        type_in(monkeypatch, folder, "--again")
    assert not folder.with_name(f"{folder.name}-again").exists()
    monkeypatch.setattr(again, "run_subprocess", lambda _: 1)
    run(folder)
    with pytest.raises(RunFailed, match=r"did not finish .exit code 1.; the same command resumes"):
        train_again(folder)
    for path in (folder / layout.CHECKPOINTS).iterdir():
        path.unlink()
    with pytest.raises(UserError, match="has no checkpoint left"):
        train_again(folder)


def test_differences_are_of_bits():
    one = {"a": torch.tensor([1.0, float("nan")]), "b": torch.tensor(0.0)}
    assert first_difference(one, {name: tensor.clone() for name, tensor in one.items()}) is None
    assert first_difference(one, {**one, "b": torch.tensor(-0.0)})[:2] == ("b", 0.0)
    other = {**one, "b": torch.tensor(0.25)}
    assert first_difference(one, other) == ("b", 0.25, 1, 2)
    assert first_difference(one, {"a": one["a"]}) == ("b", None, 1, 2)
    assert first_difference(one, {**one, "a": torch.zeros(3)})[:2] == ("a", None)


@pytest.mark.slow
def test_a_second_training_is_a_process_of_its_own(tmp_path):
    folder = finished_run(tmp_path)
    assert compare(folder, train_again(folder)) == []


def test_a_data_root_that_was_mistyped_is_given_anew(tmp_path, monkeypatch):
    folder = finished_run(tmp_path)
    monkeypatch.setattr(again, "run_subprocess", lambda _: 1)
    for place in (tmp_path / "nowhere", tmp_path / "data", None):
        with pytest.raises(RunFailed, match="the same command resumes"):
            train_again(folder, place)
        second = read_config(folder.with_name(f"{folder.name}-again"))
        wanted = read_config(folder).dataset.data_root if place is None else str(place)
        assert second.dataset.data_root == wanted
