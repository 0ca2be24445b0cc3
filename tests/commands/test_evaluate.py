"""``wavspa-evaluate`` on splits, on other files, and on data that are not those of the run."""

import csv
import json
import shutil

import pytest

from support.tiny_runs import tiny_run
from wavspa.commands.evaluate import print_metrics
from wavspa.commands.predict import predict
from wavspa.data.labels import class_names
from wavspa.errors import UserError
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout

WORDS = {"spam": "buy cheap pills now", "ham": "see you at lunch", "news": "the vote was held"}
ROWS = [
    {"body": f"{WORDS[label]} {i % 5} {'xy' * (i % 3)} {i}", "y": label}
    for i in range(30)
    for label in WORDS
]
OPTIONS = ["dataset.text=body", "dataset.label=y", "dataset.batch_size=8", "dataset.limit=null"]


def write(path, rows, encoding="utf-8"):
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def place_of(folder):
    return folder.parents[2]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished run with a vocabulary that was learned and a test of its own."""
    place = tmp_path_factory.mktemp("evaluate")
    paths = [
        f"dataset.train={write(place / 'train.csv', ROWS)}",
        f"dataset.test={write(place / 'test.csv', ROWS[60:])}",
    ]
    words = [*paths, *OPTIONS, "tokenizer=bpe", "dataset.tokenizer.vocab_size=300"]
    folder = tiny_run(place, "dataset=files", *words, "task.class_weights=balanced")
    run(folder)
    return folder


def metrics(folder, *overrides, **words):
    return print_metrics({"run": str(folder), **words}, list(overrides))


def test_a_new_file_is_scored_as_the_test(trained):
    tested = json.loads((trained / layout.STATUS).read_text())["test"]
    place = place_of(trained)
    assert metrics(trained, input=str(place / "test.csv")) == pytest.approx(tested, abs=1e-6)
    renamed = [{"text": row["body"], "class": row["y"]} for row in ROWS[60:]]
    write(place / "new.tsv", renamed)
    words = {"input": str(place / "new.tsv"), "kind": "csv", "column": "text", "label": "class"}
    assert metrics(trained, **words) == pytest.approx(tested, abs=1e-6)
    # The classes of a file do not decide their numbers: there are two of three, the last ones.
    some = [row for row in ROWS[60:] if row["y"] != "ham"]
    found = metrics(trained, input=str(write(place / "some.csv", some)))
    whole = metrics(trained, input=str(place / "train.csv"))
    assert 0 <= found["test/accuracy"] <= 1
    assert whole["test/accuracy"] == pytest.approx(trained_accuracy(trained), abs=1e-6)


def trained_accuracy(folder):
    """The accuracy over all rows of the file that was divided into train and val."""
    splits = [metrics(folder, split=split)[f"{split}/accuracy"] for split in ("train", "val")]
    card = json.loads((folder / layout.CARD).read_text())
    sizes = [card["splits"][split]["examples"] for split in ("train", "val")]
    return sum(s * n for s, n in zip(splits, sizes, strict=True)) / sum(sizes)


def test_a_new_file_needs_no_data(trained, tmp_path):
    config = read_config(trained)
    wanted = metrics(trained, input=str(place_of(trained) / "test.csv"))
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    text = (copy / layout.CONFIG).read_text().replace(str(config.dataset.train), "/gone.csv")
    (copy / layout.CONFIG).write_text(text)
    words = {"input": str(place_of(trained) / "test.csv")}
    assert metrics(copy, f"dataset.data_root={tmp_path / 'none'}", **words) == wanted
    assert not (tmp_path / "none").exists()


def test_what_was_prepared_of_other_rows_is_refused(trained):
    place = place_of(trained)
    write(place / "other.csv", ROWS[:30])
    with pytest.raises(UserError, match=r"the rows of test have changed.* input=FILE"):
        metrics(trained, f"dataset.test={place / 'other.csv'}", "dataset.checksum=auto")
    write(place / "fewer.csv", ROWS[:45])
    with pytest.raises(UserError, match=r"the vocabulary has changed.* input=FILE"):
        metrics(trained, f"dataset.train={place / 'fewer.csv'}", "dataset.checksum=auto")
    with pytest.raises(UserError, match=r"the tokenizer is .*256.* and was .*300"):
        metrics(trained, "dataset.tokenizer.vocab_size=256")


def test_other_numbers_of_the_labels_are_refused(trained, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    card = json.loads((copy / layout.CARD).read_text())
    card["label_names"] = card["label_names"][::-1]
    (copy / layout.CARD).write_text(json.dumps(card))
    with pytest.raises(UserError, match=r"the labels are \['ham', 'news', 'spam'\] and were \['sp"):
        metrics(copy)
    (copy / layout.CONFIG).write_text((trained / layout.CONFIG).read_text())
    (copy / layout.STATUS).unlink()
    with pytest.raises(UserError, match="the labels are"):
        run(copy)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"split": "dev"}, r"split='dev' is unknown; choose one of train, val, test"),
        ({"split": "val", "input": "a.csv"}, r"split= and input= cannot be combined"),
        ({"column": "body"}, r"column= is for input=FILE"),
        (
            {"input": "bad.csv"},
            r"bad\.csv, line 3: the label 'Spam' is not one of the run's 3: ham, n",
        ),
        ({"input": "bad.csv", "label": "z"}, r"has no column 'z'"),
        ({"input": "a.txt"}, r"a\.txt holds no labels: use a csv"),
        (
            {"input": "wrong.jsonl", "column": "t"},
            r"line 1: the column 't' holds 7, which is not text",
        ),
    ],
)
def test_mistakes_are_named(trained, words, message):
    place = place_of(trained)
    write(place / "bad.csv", [ROWS[0], {**ROWS[1], "y": "Spam"}])
    (place / "a.txt").write_text("a text\n")
    (place / "wrong.jsonl").write_text('{"t": 7, "y": "ham"}\n')
    if "input" in words:
        words = {**words, "input": str(place / words["input"])}
    with pytest.raises(UserError, match=message) as error:
        metrics(trained, **words)
    assert "\n" not in str(error.value)


def test_a_changed_trainer_is_checked(trained):
    with pytest.raises(UserError, match=r"trainer\.accelerator='foo' is unknown; choose one of"):
        metrics(trained, "trainer.accelerator=foo")


def test_weights_are_those_of_the_rows_that_the_limit_leaves(trained):
    place = place_of(trained)
    write(place / "uneven.csv", [row for row in ROWS if row["y"] != "ham" or hash_of(row) < 2])
    words = [f"dataset.train={place / 'uneven.csv'}", *OPTIONS[:-1], "dataset.limit=24"]
    folder = tiny_run(place, "dataset=files", *words, "task.class_weights=balanced")
    run(folder)
    card = json.loads((folder / layout.CARD).read_text())
    assert sum(card["train_labels"].values()) == 24
    assert sum(card["splits"]["train"]["labels"].values()) > 24


def hash_of(row):
    return len(row["body"]) % 5


def test_more_classes_than_labels(tmp_path):
    train = write(tmp_path / "train.csv", ROWS)
    words = [f"dataset.train={train}", *OPTIONS, "dataset.classes=5"]
    folder = tiny_run(tmp_path, "dataset=files", *words)
    run(folder)
    predict({"run": str(folder), "input": str(train), "output": str(tmp_path / "out.csv")})
    header = (tmp_path / "out.csv").read_text().splitlines()[0]
    card = json.loads((folder / layout.CARD).read_text())
    assert class_names(card, 5) == ["ham", "news", "spam", "3", "4"]
    assert [name.strip('"') for name in header.split(",")] == [
        "class",
        *(f"probability_{name}" for name in ("ham", "news", "spam", "3", "4")),
    ]


def test_a_run_warns_of_what_val_and_test_share_with_train(tmp_path, capsys):
    train = write(tmp_path / "train.csv", ROWS)
    words = [f"dataset.train={train}", f"dataset.test={train}", *OPTIONS]
    run(tiny_run(tmp_path, "dataset=files", *words))
    assert "warning: " in (err := capsys.readouterr().err)
    assert f"of the {len(ROWS)} rows of test are rows of train as well" in err
