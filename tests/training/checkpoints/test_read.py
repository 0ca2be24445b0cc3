import pickle

import pytest
import torch

import wavspa
from support.tiny_runs import finished_run, tiny_run
from wavspa.errors import UserError
from wavspa.run_folder import layout
from wavspa.training.checkpoints.read import (
    CONFIG_KEY,
    load_checkpoint_weights,
    load_model,
    read_checkpoint,
)
from wavspa.training.checkpoints.write import AtomicCheckpointIO


class Escape:
    """Runs code where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("run"))


def altered(folder, tmp_path, **model):
    """A copy of the best checkpoint whose model has other options."""
    content = read_checkpoint(layout.best_checkpoint(folder))
    content[CONFIG_KEY] = {
        **content[CONFIG_KEY],
        "model": {**content[CONFIG_KEY]["model"], **model},
    }
    path = tmp_path / "altered.ckpt"
    torch.save(content, path)
    return path


def test_a_model_comes_back_from_its_folder_and_from_its_file(folder):
    tokens, lengths = torch.randint(1, 18, (2, 64)), torch.tensor([64, 10])
    from_folder = wavspa.load_model(folder)
    from_file = load_model(str(layout.best_checkpoint(folder)))
    assert isinstance(from_folder, wavspa.Encoder)
    assert not from_folder.training
    torch.testing.assert_close(from_folder(tokens, lengths), from_file(tokens, lengths))
    weights = read_checkpoint(layout.best_checkpoint(folder))["state_dict"]
    for name, tensor in from_folder.state_dict().items():
        assert torch.equal(tensor, weights[f"model.{name}"])


def test_a_revision_of_what_is_not_on_the_hub_is_refused(folder):
    for path in (folder, layout.best_checkpoint(folder), "nowhere"):
        with pytest.raises(UserError, match=r"^revision='v1' only applies to a model on the hub"):
            load_model(path, revision="v1")


def test_checkpoints_hold_plain_data(folder):
    for path in (layout.best_checkpoint(folder), layout.last_checkpoint(folder)):
        torch.load(path, weights_only=True)


def test_a_truncated_checkpoint_is_named(folder, tmp_path):
    path = tmp_path / "short.ckpt"
    whole = layout.best_checkpoint(folder).read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(UserError, match=r"short\.ckpt is damaged"):
            load_model(path)


# torch, of pickles that it did not write itself: this one is the test's.
@pytest.mark.filterwarnings("ignore:Detected pickle protocol:UserWarning")
def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path):
    path, trace = tmp_path / "bad.ckpt", tmp_path / "trace"
    torch.save({CONFIG_KEY: {}, "state_dict": Escape(trace)}, path)
    with pytest.raises(UserError, match=r"bad\.ckpt"):
        load_model(path)
    path.write_bytes(pickle.dumps(Escape(trace)))
    with pytest.raises(UserError, match=r"bad\.ckpt"):
        load_model(path)
    assert not trace.exists()


def test_a_foreign_checkpoint_is_refused(tmp_path):
    path = tmp_path / "foreign.ckpt"
    torch.save({"state_dict": {}}, path)
    with pytest.raises(UserError, match="not a checkpoint of wavspa"):
        load_model(path)


@pytest.mark.parametrize(
    "target", ["os.system", "torch.nn.Linear", "wavspa.training.optimizers.adamw", "wavspa.wavedec"]
)
def test_a_checkpoint_may_only_ask_for_a_model(folder, tmp_path, target):
    with pytest.raises(UserError, match=target):
        load_model(altered(folder, tmp_path, _target_=target))


def test_weights_of_another_shape_are_refused(folder, tmp_path):
    with pytest.raises(UserError, match="does not fit this model"):
        load_model(altered(folder, tmp_path, dim=32))


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"best\.ckpt.*wavspa-run"):
        load_model(tiny_run(tmp_path))
    with pytest.raises(UserError, match="no run folder"):
        load_model(tmp_path / "nowhere")


def test_a_failed_save_keeps_the_checkpoint_before(tmp_path):
    path = tmp_path / "checkpoints" / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"step": 1}, path)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        AtomicCheckpointIO().save_checkpoint({"step": lambda: 2}, path)
    assert torch.load(path, weights_only=True) == {"step": 1}
    assert list(path.parent.iterdir()) == [path]


def test_the_model_alone_takes_the_weights(folder):
    path = layout.best_checkpoint(folder)
    model = wavspa.load_model(folder)
    with torch.no_grad():
        next(model.parameters()).zero_()
    load_checkpoint_weights(model, read_checkpoint(path), path)
    assert next(model.parameters()).abs().sum() > 0


def test_nobody_is_told_to_remove_what_is_no_checkpoint(folder, tmp_path):
    (tmp_path / "data.csv").write_text("text,label")
    with pytest.raises(
        UserError, match=r"data\.csv is damaged, is not a checkpoint, or"
    ) as refused:
        read_checkpoint(tmp_path / "data.csv")
    assert "remove it" not in str(refused.value)
