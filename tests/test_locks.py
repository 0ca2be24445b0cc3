"""One process at a time: what another one meets, and who may not write."""

import pytest

from wavspa.errors import UserError
from wavspa.locks import Locked, is_locked, lock


def test_a_lock_keeps_others_out_until_its_block_ends(tmp_path):
    path = tmp_path / ".lock"
    assert not is_locked(path)
    waited = []
    with lock(path, tmp_path):
        assert is_locked(path)
        with (
            pytest.raises(Locked),
            lock(path, tmp_path, seconds=0, on_wait=lambda: waited.append(1)),
        ):
            pass
    assert waited == [1]
    assert not is_locked(path)


def test_a_lock_is_freed_when_its_block_fails(tmp_path):
    path = tmp_path / ".lock"
    with pytest.raises(RuntimeError), lock(path, tmp_path):
        raise RuntimeError
    assert not is_locked(path)


def test_what_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    guarded = tmp_path / "file" / "data"
    with pytest.raises(UserError, match="file/data cannot be written"), lock(guarded, guarded):
        pass
