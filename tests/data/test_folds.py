"""K-fold cross-validation of the user's own files: how train is divided, and a sweep over the folds."""

from pathlib import Path

import numpy as np
import pytest

from support.tiny_files import write_rows
from support.tiny_runs import compose_run, tiny_words
from wavspa.commands.overrides import with_folds
from wavspa.data import Files
from wavspa.data.preparation.holdout import folds_of
from wavspa.data.tokenizers import Bytes
from wavspa.errors import UserError
from wavspa.launching.run.naming import config_hash
from wavspa.launching.run.prepare import prepare
from wavspa.launching.run.worker import run
from wavspa.reports.runs.collect import collect
from wavspa.reports.tables.cell import summarise


def write(place: Path, count: int = 60) -> Path:
    """Texts of which one in three is of the rarer class, and two in ten are there twice."""
    path = place / "train.csv"
    texts = [f"text {i - i % 2 if i % 10 < 2 else i}" for i in range(count)]
    write_rows(
        path, [{"text": t, "label": "ham" if i % 3 else "spam"} for i, t in enumerate(texts)]
    )
    return path


def splits_of(path: Path, root: Path, fold: int, **options: object) -> dict[str, list[bytes]]:
    data = Files(
        name="files",
        data_root=root,
        tokenizer=Bytes(),
        vocab_size=257,
        classes="auto",
        max_length=30,
        batch_size=4,
        train=path,
        folds=5,
        fold=fold,
        **options,
    )
    data.prepare_data()
    data.setup()
    return {
        split: [bytes(token - 1 for token in rows[i][0]) for i in range(len(rows))]
        for split, rows in data._rows.items()
    }


def test_labels_are_equally_many_in_each_fold():
    labels = np.array([0] * 50 + [1] * 23)
    folds = folds_of(labels, 5, 0, range(73))
    counts = [np.bincount(folds[labels == label], minlength=5) for label in (0, 1)]
    assert counts[0].tolist() == [10] * 5
    assert sorted(counts[1]) == [4, 4, 5, 5, 5]
    # What is more of one label goes where there are fewest examples.
    assert np.ptp(np.bincount(folds)) <= 1


def test_folds_are_the_same_again_and_others_of_another_seed():
    labels = np.arange(40) % 2
    folds = folds_of(labels, 4, 7, range(40))
    assert (folds == folds_of(labels, 4, 7, range(40))).all()
    assert (folds != folds_of(labels, 4, 8, range(40))).any()


def test_groups_stay_in_one_fold():
    rng = np.random.default_rng(0)
    labels, groups = rng.integers(0, 3, 200), rng.integers(0, 80, 200)
    folds = folds_of(labels, 5, 0, groups.tolist())
    assert all(len(set(folds[groups == group])) == 1 for group in set(groups))
    assert np.ptp(np.bincount(folds, minlength=5)) <= 6


@pytest.mark.parametrize(
    ("labels", "groups", "message"),
    [
        ([0, 1, 0, 1], [0, 1, 0, 1], "only 2 of the examples differ: too few for 3 folds"),
        ([0, 0, 0, 0, 0, 1], [0, 1, 2, 3, 4, 5], "hold all examples of a label"),
    ],
)
def test_impossible_folds_are_refused(labels, groups, message):
    with pytest.raises(UserError, match=message):
        folds_of(labels, 3, 0, groups)


def test_each_row_is_in_the_test_of_one_fold_and_never_in_its_train(tmp_path):
    path = write(tmp_path)
    tested = []
    for fold in range(1, 6):
        splits = splits_of(path, tmp_path / "data", fold)
        assert sum(map(len, splits.values())) == 60
        assert not set(splits["train"]) & set(splits["test"])
        assert not set(splits["val"]) & set(splits["test"])
        assert splits["val"]
        tested += splits["test"]
    assert len(tested) == 60
    assert len(set(tested)) == 54


def test_folds_that_divide_by_other_texts_are_other_data_next_to_a_file_of_val(tmp_path):
    path, val = tmp_path / "train.csv", tmp_path / "val.csv"
    texts = [text for i in range(30) for text in (f"text {i}", f"TEXT {i}")]
    write_rows(path, [{"text": t, "label": "ab"[i // 2 % 2]} for i, t in enumerate(texts)])
    write_rows(val, [{"text": f"other {i}", "label": "ab"[i % 2]} for i in range(4)])
    leaks = []
    for together in ("equal", "similar"):
        splits = splits_of(path, tmp_path / "data", 1, val=val, together=together)
        train, test = ({text.lower() for text in splits[name]} for name in ("train", "test"))
        leaks.append(bool(train & test))
    assert leaks == [True, False]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["dataset.folds=1", "dataset.fold=1"],
            r"^dataset\.folds must be a whole number of at least 2",
        ),
        (
            ["dataset.folds=5", "dataset.fold=6"],
            r"^dataset\.fold must be a whole number from 1 to 5",
        ),
        (["dataset.folds=5"], r"^dataset\.fold must be a whole number from 1 to 5, got None"),
        (["dataset.fold=2"], r"^dataset\.fold=2 needs dataset\.folds"),
        (
            ["dataset.folds=5", "dataset.fold=1", "dataset.test=train.csv"],
            r"^dataset\.test cannot be combined",
        ),
        (
            ["dataset.folds=5", "dataset.fold=1", "dataset.label=null", "task=masked"],
            r"^dataset\.folds=5 divides rows by their labels",
        ),
        (
            ["dataset.folds=2", "dataset.fold=1", "dataset.val_share=0.5"],
            r"^dataset\.val_share=0\.5 and the test of dataset\.folds=2 leave nothing of train",
        ),
        (["dataset.folds=40", "dataset.fold=1"], r"^dataset\.folds=40: .*train\.csv: "),
    ],
)
def test_impossible_values_are_refused_before_there_is_a_folder(tmp_path, words, message):
    typed = tiny_words(tmp_path, "dataset=files", f"dataset.train={write(tmp_path, 30)}", *words)
    with pytest.raises(UserError, match=message):
        prepare(compose_run(*typed), typed)
    assert not (tmp_path / "runs").exists()


def test_the_short_word_is_spelled_out_for_sweeps_alone():
    assert with_folds(["seed=1", "folds=3"], sweeps=True) == [
        "seed=1",
        "dataset.folds=3",
        "dataset.fold=1,2,3",
    ]
    for words, sweeps, message in (
        (["folds=3"], False, "^folds=3 is for sweeps: add -m"),
        (["folds=1"], True, "^folds must be a whole number of at least 2, got '1'"),
        (["folds=many"], True, "^folds must be a whole number"),
        (
            ["folds=3", "hydra/sweeper=optuna"],
            True,
            "^folds=3 cannot be combined with hydra/sweeper=optuna",
        ),
    ):
        with pytest.raises(UserError, match=message):
            with_folds(words, sweeps)


def test_folds_of_a_configuration_are_one_cell():
    base = ["dataset=files", "dataset.train=a.csv"]
    one, other = (compose_run(*base, "dataset.folds=5", f"dataset.fold={fold}") for fold in (1, 2))
    assert config_hash(one) != config_hash(other)
    assert config_hash(one, without=["seed"]) == config_hash(other, without=["seed"])
    assert config_hash(one, without=["seed"]) != config_hash(compose_run(*base), without=["seed"])


@pytest.mark.slow
def test_a_report_aggregates_the_folds(tmp_path):
    path = write(tmp_path)
    base = ["dataset=files", f"dataset.train={path}", "trainer.max_steps=2", "trainer.val_every=2"]
    folders = []
    for fold in (1, 2, 3):
        typed = tiny_words(tmp_path, *base, "dataset.folds=3", f"dataset.fold={fold}")
        folders.append(prepare(compose_run(*typed), typed))
        run(folders[-1])
    (cell,) = summarise(collect(folders))
    assert len(cell.finished) == 3
    assert not cell.repeated
    assert len(cell.tested("test/accuracy")) == 3
    assert "fold=" not in cell.label.replace("folds=", "")
    (copied,) = summarise(collect([*folders, folders[0]]))
    assert len(copied.finished) == 3


def test_a_number_that_no_label_has_divides_nothing():
    # Of several labels of a row the rarest counts, so that others may never do.
    labels = np.array([0, 2] * 10)
    folds = folds_of(labels, 4, 0, range(20))
    assert np.bincount(folds).tolist() == [5] * 4
