"""Tasks whose batches the data do not have, and models of others: refused before a folder is made."""

import pytest

from support.tiny_files import write_rows
from support.tiny_runs import compose_run, tiny_words
from wavspa.errors import UserError
from wavspa.launching.run.prepare import checked

TEXTS = [f"{'cat' if i % 2 else 'dog'} {i}" for i in range(40)]
LEGO = ["variables=4", "train_examples=8", "val_examples=4", "test_examples=4"]
SHARED = ["dataset.limit=null", "dataset.batch_size=4"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The words that choose each kind of data."""
    place = tmp_path_factory.mktemp("data")
    rows = [{"text": t, "text2": t[::-1], "label": t[:3], "n": i} for i, t in enumerate(TEXTS)]
    write_rows(place / "t.jsonl", rows)
    files = ["dataset=files", f"dataset.train={place / 't.jsonl'}"]
    pairs = ["dataset=file_pairs", *files[1:]]
    return {
        "files": files,
        "numbers": [*files, "dataset.label=n"],
        "pairs": pairs,
        "lego": ["dataset=lego", *(f"dataset.{word}" for word in LEGO)],
    }


def words_of(place, data, kind, task, encoder):
    words = [*data[kind], *SHARED, f"task={task}", f"model/encoder={encoder}"]
    return tiny_words(place, *words, "dataset.max_length=22")


@pytest.mark.parametrize(
    ("kind", "task", "encoder", "message"),
    [
        (
            "files",
            "matching",
            "dual",
            "task=matching takes pairs of sequences, but files holds single",
        ),
        ("pairs", "classification", "classifier", "holds pairs of sequences: choose task=matching"),
        (
            "files",
            "embedding",
            "embedding",
            "task=embedding takes sequences with others of the same label",
        ),
        ("pairs", "matching", "classifier", "needs model/encoder=dual$"),
        ("files", "classification", "dual", "needs model/encoder=classifier"),
        ("files", "classification", "token", "needs model.pool=mean, .* got token$"),
        ("numbers", "regression", "embedding", "needs model/encoder=classifier"),
        ("lego", "classification", "classifier", "holds chains of variables: choose task=lego"),
    ],
)
def test_the_message_names_the_way_out(tmp_path, data, kind, task, encoder, message):
    words = words_of(tmp_path, data, kind, task, encoder)
    with pytest.raises(UserError, match=message):
        checked(compose_run(*words), words)
    assert not (tmp_path / "runs").exists()
