import json
from pathlib import Path

import pytest

from wavspa.errors import UserError
from wavspa.run_folder.layout import STATUS
from wavspa.run_folder.status import read_status, update_status
from wavspa.training.callbacks.status import StatusFile


def test_changes_are_merged(tmp_path):
    assert read_status(tmp_path) == {}
    update_status(tmp_path, state="running", step=3)
    update_status(tmp_path, state="failed", reason="it rains")
    assert json.loads((tmp_path / STATUS).read_text()) == {
        "state": "failed",
        "step": 3,
        "reason": "it rains",
    }


@pytest.mark.parametrize("text", ["{", "[]", '{"step": 3}'])
def test_damage_is_named(tmp_path, text):
    (tmp_path / STATUS).write_text(text)
    with pytest.raises(UserError, match=STATUS):
        read_status(tmp_path)


def test_what_cannot_be_read_is_named():
    with pytest.raises(UserError, match=r"status.json cannot be read \(File name too long\)$"):
        read_status(Path("x" * 300))


def test_the_best_value_goes_with_the_checkpoint(tmp_path):
    first = StatusFile(tmp_path, "val/loss", "min", lambda name: None)
    first.best = {"metric": "val/loss", "value": 0.5, "step": 10}
    second = StatusFile(tmp_path, "val/loss", "min", lambda name: None)
    second.load_state_dict(first.state_dict())
    assert second.best == first.best
