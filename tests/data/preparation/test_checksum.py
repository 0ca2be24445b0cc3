"""The user's own files, which must not change while they are read."""

import pytest

from support.tiny_files import write_rows
from wavspa.data import Files, Series
from wavspa.data.tokenizers import Bytes
from wavspa.errors import UserError

COMMON = {"name": "x", "classes": 2, "max_length": 8, "batch_size": 4}
KINDS = [(Files, {"tokenizer": Bytes(), "vocab_size": 257}), (Series, {})]
LATE = "99,1,5,late,x\n"


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path, kind, options):
    class Grown(kind):
        """A file that another program adds a row to each time it has been read."""

        def _read(self, split):
            yield from super()._read(split)
            with self.paths[split].open("a") as file:
                file.write(LATE)

    path = tmp_path / "train.csv"
    rows = [{"id": i, "time": 1, "a": i, "text": f"t {i}", "label": "xy"[i % 2]} for i in range(20)]
    write_rows(path, rows)
    words = {**COMMON, **options, "data_root": tmp_path / "data", "train": path}
    with pytest.raises(UserError, match=r"train\.csv: the content has changed while it was read"):
        Grown(**words).prepare_data()
    assert not list((tmp_path / "data/prepared").glob("x-*"))
    data = kind(**words)
    data.prepare_data()
    assert sum(split["examples"] for split in data.card["splits"].values()) > 20
