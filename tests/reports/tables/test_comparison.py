import math

import pytest
import yaml

from support.reported_runs import finish, frozen_run
from wavspa.errors import UserError
from wavspa.reports import published
from wavspa.reports.formats.write import FORMS
from wavspa.reports.report import build_report
from wavspa.reports.runs.collect import collect
from wavspa.reports.tables.comparison import Layout
from wavspa.reports.tables.significance import _all_rejected, best_of
from wavspa.run_folder.status import update_status

LRA = ("listops", "text", "retrieval", "image", "pathfinder32-hard")


def seeds(root, accuracies, card=None, **values):
    """A cell: one finished run for each accuracy."""
    for seed, accuracy in enumerate(accuracies, start=1):
        finish(frozen_run(root, seed, **values), accuracy, **(card or {}))


def tables(root, **layout):
    return build_report(collect([root]), Layout(**layout)).comparison.tables


def texts(table):
    """What each row of a table says, published numbers among it."""
    return {
        " ".join(labels): [
            text
            for column, entry in entries.items()
            for text in (
                (entry.ours, entry.theirs) if table.has_published(column) else (entry.ours,)
            )
        ]
        for labels, entries in table.rows.items()
    }


@pytest.mark.parametrize(
    ("groups", "best"),
    [
        ([[50, 51, 52], [70, 71, 72], [60, 61, 62]], 1),
        ([[50, 51, 52], [70, 71, 72], [69, 71, 74]], None),
        ([[50, 51, 52], [70]], None),
        ([[50, 51, 52], [], [70, 71, 72]], 2),
        ([[50, 51, 52]], None),
        ([[50, 50], [60, 60]], 1),
        ([[50, 50], [50, 50]], None),
        ([[50, 51, 52], [70, 71, 72], [60, 61, math.inf]], 1),
    ],
)
def test_the_best_must_be_told_from_each_other(groups, best):
    assert best_of(groups) == best


def test_several_tests_share_the_level():
    assert _all_rejected([0.04])
    assert _all_rejected([0.04, 0.02])
    assert not _all_rejected([0.04, 0.03])


def test_three_published_rows_print_other_averages_than_their_numbers_have():
    wrong = {
        (attention, wavelet, average): published.published_average(attention, wavelet, average)
        for attention in ("softmax", "longformer", "linformer", "linear", "performer")
        for wavelet in ("none", "ada", "ortho", "lift")
        for average in published.averages()
        if published.misprint(attention, wavelet, average) is not None
    }
    assert wrong == {
        ("longformer", "ada", "average"): 63.58,
        ("longformer", "ada", "average without retrieval"): 64.84,
        ("longformer", "ortho", "average"): 65.44,
        ("longformer", "ortho", "average without retrieval"): 61.82,
        ("linear", "ortho", "average"): 63.33,
        ("linear", "ortho", "average without retrieval"): 61.76,
    }


def test_rows_and_columns_are_keys(tmp_path):
    seeds(tmp_path, [0.5, 0.6], model__attention="linear", model__wavelet="none")
    seeds(tmp_path, [0.9, 0.91], model__attention="linear", model__wavelet="ada")
    seeds(tmp_path, [0.7], model__attention="softmax", model__wavelet="ada")
    (table,) = tables(tmp_path, rows=["model.attention"], columns=["model.wavelet"])
    assert (table.title, table.row_names, table.columns) == (
        "digits",
        ["attention"],
        ["none", "ada"],
    )
    assert texts(table) == {
        "softmax": ["-", "70.00 (1)"],
        "linear": ["55.00 ± 7.07 (2)", "90.50 ± 0.71 (2)"],
    }


def test_values_that_are_numbers_are_ordered_as_such(tmp_path):
    for taps in (16, 4, 8):
        seeds(tmp_path, [0.5], model__taps=taps)
    (table,) = tables(tmp_path, rows=["model.wavelet"], columns=["model.taps"])
    assert table.columns == ["4", "8", "16"]
    seeds(tmp_path, [0.5], model__taps=None)
    (table,) = tables(tmp_path, rows=["model.wavelet"], columns=["model.taps"])
    assert table.columns == ["4", "8", "16", "null"]


def test_further_options_are_part_of_a_row(tmp_path):
    for taps in (4, 8):
        seeds(tmp_path, [0.5], model__taps=taps, model__wavelet="ortho")
    (table,) = tables(tmp_path)
    assert table.row_names == ["attention", "wavelet", "options"]
    assert list(table.rows) == [("softmax", "ortho", "taps=4"), ("softmax", "ortho", "taps=8")]


def test_what_the_keys_leave_in_one_place_is_told_apart(tmp_path):
    for wavelet in ("none", "ada"):
        seeds(tmp_path, [0.5], model__wavelet=wavelet)
    (table,) = tables(tmp_path, rows=["model.dim"])
    assert list(table.rows) == [("16", "wavelet=ada"), ("16", "wavelet=none")]


def test_cells_of_two_versions_stand_side_by_side(tmp_path):
    """The same words, and another configuration behind them."""
    seeds(tmp_path, [0.5])
    finish(frozen_run(tmp_path, 2, callbacks={"stop": {"_target_": "other.Stop"}}), 0.6)
    for path in tmp_path.rglob("config.yaml"):
        config = yaml.safe_load(path.read_text())
        config["frozen"]["overrides"] = ["seed=1"]
        path.write_text(yaml.safe_dump(config))
    report = build_report(collect([tmp_path]), Layout())
    assert [cell.options for cell in report.cells] == [
        "stop=Stop",
        "stop=-",
    ]
    assert len(report.comparison.tables[0].rows) == 2


def test_cells_that_nothing_but_their_hash_tells_apart_are_kept(tmp_path):
    seeds(tmp_path / "here", [0.5])
    seeds(tmp_path / "there", [0.6])
    path = next((tmp_path / "there").rglob("config.yaml"))
    config = yaml.safe_load(path.read_text())
    config["frozen"]["cell"] = "another"
    path.write_text(yaml.safe_dump(config))
    (table,) = tables(tmp_path)
    assert {row[-1] for row in table.rows} == {"cell=digits-softmax-ada", "cell=another"}


def test_only_the_best_is_marked(tmp_path):
    seeds(tmp_path, [0.5, 0.51, 0.52], model__wavelet="none")
    seeds(tmp_path, [0.8, 0.81, 0.82], model__wavelet="ada")
    (table,) = tables(tmp_path)
    assert {row[1]: entry["digits"].best for row, entry in table.rows.items()} == {
        "none": False,
        "ada": True,
    }


def test_published_numbers_and_averages_stand_beside_ours(tmp_path):
    for place, dataset in enumerate(LRA):
        accuracy = 0.5 + place / 10
        seeds(
            tmp_path,
            [accuracy],
            dataset__name=dataset,
            model__attention="linear",
            model__wavelet="ortho",
        )
    report = build_report(collect([tmp_path]), Layout())
    (table,) = report.comparison.tables
    assert table.columns == [*LRA, "average", "average without retrieval"]
    (row,) = texts(table).values()
    assert row[:4] == ["50.00 (1)", "39.55", "60.00 (1)", "79.45"]
    assert row[-4:] == ["70.00", "63.33†", "70.00", "61.76†"]
    said = [note for note in report.notes if "prints 55.86" in note]
    assert len(said) == 2
    assert any(note.startswith("published: WavSpA") for note in report.notes)


def test_other_metrics_have_no_published_numbers(tmp_path):
    folder = finish(frozen_run(tmp_path, dataset__name="listops"), 0.5)
    update_status(folder, test={"test/accuracy": 0.5, "test/f1": 0.4})
    (table,) = tables(tmp_path, metric="f1")
    assert texts(table) == {"softmax ada": ["40.00 (1)"]}


def test_what_did_not_finish_is_shown(tmp_path):
    seeds(tmp_path, [0.5], model__wavelet="none")
    update_status(frozen_run(tmp_path, 2, model__wavelet="none"), state="failed", reason="it rains")
    frozen_run(tmp_path, 1, model__wavelet="ada")
    (table,) = tables(tmp_path)
    assert texts(table) == {
        "softmax none": ["50.00 (1, 1 failed)"],
        "softmax ada": ["- (1 not started)"],
    }


def test_a_copy_of_a_run_is_no_further_seed(tmp_path):
    seeds(tmp_path / "here", [0.5, 0.6])
    seeds(tmp_path / "there", [0.5])
    report = build_report(collect([tmp_path]), Layout())
    assert texts(report.comparison.tables[0]) == {"softmax ada": ["55.00 ± 7.07 (2)"]}
    assert sum("there" in note and "repeats seed 1" in note for note in report.notes) == 1


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ({"trainer__max_steps": 6}, {"trainer__max_steps": 9}, "runs of 6 and of 9 steps"),
        (
            {"model__taps": 4, "card": {"protocol": "default", "validation": ""}},
            {"model__taps": 8, "card": {"protocol": "upstream", "validation": ""}},
            "the protocols default and upstream",
        ),
    ],
)
def test_a_mixed_column_is_refused_unless_asked_for(tmp_path, first, second, told):
    seeds(tmp_path, [0.5], **first)
    seeds(tmp_path, [0.6], **second)
    with pytest.raises(UserError, match=f"digits mixes {told}.*--mixed"):
        tables(tmp_path)
    report = build_report(collect([tmp_path]), Layout(mixed=True))
    assert any("which do not compare" in note for note in report.notes)


def test_numbers_of_steps_may_be_columns(tmp_path):
    for steps in (6, 9):
        seeds(tmp_path, [0.5, 0.6], trainer__max_steps=steps)
    (table,) = tables(tmp_path, columns=["trainer.max_steps"])
    assert table.columns == ["6", "9"]


@pytest.mark.parametrize(
    ("layout", "told"),
    [
        (
            {"rows": ["model.tap"]},
            "no run has the configuration key 'model.tap'; did you mean model.taps",
        ),
        ({"metric": "f2"}, "metric='f2' is unknown; choose one of accuracy, loss$"),
    ],
)
def test_what_cannot_be_shown_is_refused(tmp_path, layout, told):
    seeds(tmp_path, [0.5], model__wavelet="none")
    seeds(tmp_path, [0.5], model__wavelet="ada")
    with pytest.raises(UserError, match=told):
        tables(tmp_path, **layout)


def test_where_the_numbers_come_from_is_told(tmp_path):
    seeds(tmp_path, [0.5])
    update_status(frozen_run(tmp_path, 2), state="running", device="a GPU")
    notes = build_report(collect([tmp_path]), Layout()).notes
    assert "Seconds and memory were measured on a GPU and x86_64 CPU, 1 thread." in notes


def of_loss(root, losses, accuracy, **values):
    """A cell that was trained for a low loss."""
    for seed, loss in enumerate(losses, start=1):
        folder = frozen_run(root, seed, task__monitor="val/loss", **values)
        finish(folder, accuracy)
        test = {"test/loss": loss, "test/accuracy": accuracy}
        best = {"metric": "val/loss", "value": loss, "step": 6}
        update_status(folder, test=test, best=best)


def test_the_best_loss_is_the_lowest_and_stands_as_it_is(tmp_path):
    of_loss(tmp_path, [0.9, 0.91, 0.92], 0.7, model__wavelet="none")
    of_loss(tmp_path, [0.1, 0.11, 0.12], 1.0, model__wavelet="ada")
    report = build_report(collect([tmp_path]), Layout())
    (table,) = report.comparison.tables
    assert texts(table) == {
        "softmax none": ["0.9100 ± 0.0100 (3)"],
        "softmax ada": ["0.1100 ± 0.0100 (3)"],
    }
    assert [entry["digits"].best for entry in table.rows.values()] == [False, True]
    assert report.notes[0].startswith("Test loss (lower is better), of the checkpoint")
    written = {name: form(report) for name, form in FORMS.items()}
    assert "## Every metric in %, loss as it is, and the cost" in written["table.md"]
    assert "loss,loss_sd,accuracy_percent" in written["table.csv"]
    assert "0.1100 ± 0.0100" in written["report.html"]
    assert "as they are" in written["report.html"]


def test_a_metric_whose_direction_nothing_tells_has_no_best(tmp_path):
    for wavelet, base in {"none": 0.1, "ada": 0.8}.items():
        for seed in (1, 2, 3):
            folder = frozen_run(tmp_path, seed, model__wavelet=wavelet)
            finish(folder, 0.5)
            update_status(folder, test={"test/mine": base + seed / 100, "test/accuracy": 0.5})
    (table,) = tables(tmp_path, metric="mine")
    assert texts(table)["softmax ada"] == ["0.8200 ± 0.0100 (3)"]
    assert not any(entry["digits"].best for entry in table.rows.values())


def test_data_of_one_name_are_told_apart(tmp_path):
    """Two files are two data sets, whatever they are called; a copy of a file is the same."""
    easy, hard = {"choices": {"checksum": "1" * 16}}, {"choices": {"checksum": "2" * 16}}
    own = {"dataset__name": "files", "dataset__checksum": "1" * 16}
    other = {"dataset__name": "files", "dataset__checksum": "2" * 16}
    seeds(tmp_path, [0.9, 0.91, 0.92], easy, dataset__train="/a/easy.csv", **own)
    seeds(tmp_path, [0.8, 0.81], easy, dataset__train="/b/copy.csv", model__wavelet="none", **own)
    seeds(tmp_path, [0.5, 0.51, 0.52], hard, dataset__train="/a/hard.csv", **other)
    report = build_report(collect([tmp_path]), Layout())
    (table,) = report.comparison.tables
    assert table.columns == ["files (train=easy.csv)", "files (train=hard.csv)"]
    best = [cell.data for cell in report.cells if report.comparison.entries[cell.hash].best]
    assert best == ["files (train=easy.csv)"]
    assert sum("test examples, guessing" in note for note in report.notes) == 2


def test_another_part_of_the_data_is_another_column(tmp_path):
    for limit in (50, 100):
        seeds(tmp_path, [0.5, 0.6], dataset__limit=limit)
    (table,) = tables(tmp_path)
    assert sorted(table.columns) == ["digits (limit=100)", "digits (limit=50)"]


def test_undefined_is_a_dash_and_never_the_best(tmp_path):
    for wavelet, value in {"none": math.nan, "ada": 0.8, "ortho": 0.5}.items():
        for seed in (1, 2, 3):
            folder = finish(frozen_run(tmp_path, seed, model__wavelet=wavelet), 0.5)
            update_status(folder, test={"test/auroc": value and value + seed / 100})
    report = build_report(collect([tmp_path]), Layout(metric="auroc"))
    (table,) = report.comparison.tables
    assert {
        row[1]: (entry["digits"].ours, entry["digits"].best) for row, entry in table.rows.items()
    } == {
        "none": ("\N{EN DASH} (3)", False),
        "ada": ("82.00 ± 1.00 (3)", True),
        "ortho": ("52.00 ± 1.00 (3)", False),
    }
    for name, form in FORMS.items():
        assert "nan" not in form(report).replace("nano", "") or name == "report.html"


def test_guessing_counts_classes_that_do_not_occur_in_test(tmp_path):
    splits = {
        "train": {"examples": 4, "labels": {"0": 2, "1": 2}},
        "test": {"examples": 3, "labels": {"1": 3}},
    }
    seeds(tmp_path, [0.5], {"splits": splits})
    notes = build_report(collect([tmp_path]), Layout()).notes
    told = "digits: 3 test examples, guessing 50.0 %, always the most frequent class 100.0 %"
    assert told in notes


def test_seeds_that_agree_raise_no_warning(recwarn):
    assert best_of([[0.5, 0.5, 0.5], [70.1, 70.1, 70.1 + 1e-13]]) == 1
    assert best_of([[0.5, 0.6, 0.7], [0.1, 0.2, 0.1]], "min") == 1
    assert list(recwarn) == []


@pytest.mark.parametrize("place", ["rows", "columns"])
@pytest.mark.parametrize("key", ["seed", "frozen.hash"])
def test_a_mean_has_no_place_by_what_differs_among_its_runs(tmp_path, place, key):
    seeds(tmp_path, [0.5, 0.6])
    with pytest.raises(UserError, match=f"{place}={key}: the runs of a cell differ in it"):
        tables(tmp_path, **{place: ["model.wavelet", key]})


def test_a_key_that_differs_only_between_cells_has_places(tmp_path):
    for number, wavelet in enumerate(("none", "ada"), start=1):
        finish(frozen_run(tmp_path, number, model__wavelet=wavelet), 0.5)
    (table,) = tables(tmp_path, rows=["seed"])
    assert list(table.rows) == [("1",), ("2",)]
