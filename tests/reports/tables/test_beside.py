"""The runs beside what is published, and the paper's claim computed from its own numbers."""

from statistics import fmean

import pytest

from support.reported_runs import finish, frozen_run
from wavspa.reports import published
from wavspa.reports.formats.html import page
from wavspa.reports.formats.latex import latex
from wavspa.reports.formats.markdown import markdown
from wavspa.reports.report import build_report
from wavspa.reports.runs.collect import collect
from wavspa.reports.tables.beside import mean_gain
from wavspa.reports.tables.comparison import Layout

PAPER = {(row.attention, row.wavelet): row.accuracies for row in published.rows() if row.attention}


@pytest.fixture
def report(tmp_path):
    """Two seeds of a base and of a mode on ListOps, the mode alone on Text, other data besides."""
    for wavelet, dataset, accuracies in (
        ("none", "listops", (0.36, 0.38)),
        ("ada", "listops", (0.50, 0.54)),
        ("ada", "text", (0.80,)),
        ("ada", "digits", (0.99,)),
    ):
        for seed, accuracy in enumerate(accuracies, start=1):
            run = frozen_run(tmp_path, seed, dataset__name=dataset, model__wavelet=wavelet)
            finish(run, accuracy)
    frozen_run(tmp_path, dataset__name="image", model__wavelet="ada")
    return build_report(collect([tmp_path]), Layout(), with_published=True)


def rows(part):
    return [dict(zip(part.table.names, row, strict=True)) for row in part.table.rows]


def test_runs_stand_above_the_published_rows_each_with_its_source(report):
    table, _ = report.beside
    ours = [row for row in rows(table) if row["source"] == "ours"]
    assert [(row["model"], row["listops"], row["text"], row["mean of 5"]) for row in ours] == [
        ("softmax, none", "37.00", "-", "-"),
        ("softmax, ada", "52.00", "80.00", "-"),
    ]
    theirs = {row["model"]: row for row in rows(table) if row["source"] != "ours"}
    assert len(theirs) == 20 + 11 + 10
    megalodon = theirs["Megalodon"]
    assert [megalodon[name] for name in published.DATASETS] == (
        ["63.79", "90.48", "91.76", "89.42", "98.13", "98.17"]
    )
    assert megalodon["mean of 6"] == "88.63"
    assert any(
        line.startswith(f"{megalodon['source']} Megalodon (Ma et al. 2024)") for line in table.notes
    )
    assert theirs["AdaWavSpA Longformer"]["mean of 5"] == "63.58"  # the source prints 63.66
    assert theirs["S4 + self-pre-training"]["source"].endswith("‡")
    assert "‡ from memory: only its mean was checked" in table.notes


def test_other_data_of_one_name_have_their_own_row(tmp_path):
    for limit, accuracy in ((100, 0.4), (200, 0.6)):
        run = frozen_run(tmp_path, dataset__name="listops", dataset__limit=limit)
        finish(run, accuracy)
    report = build_report(collect([tmp_path]), Layout(), with_published=True)
    found = {
        row["model"]: row["listops"] for row in rows(report.beside[0]) if row["source"] == "ours"
    }
    assert found == {
        "softmax, ada, listops (limit=100)": "40.00",
        "softmax, ada, listops (limit=200)": "60.00",
    }


def test_the_claim_is_the_mean_gain_on_the_base(report):
    _, gains = report.beside
    found = {(row["attention"], row["wavelet"]): row for row in rows(gains)}
    assert len(found) == 15 + 3
    by_hand = [55.40 - 36.37, 81.60 - 64.27, 79.27 - 57.46, 55.58 - 42.44, 81.12 - 71.40]
    softmax = found["softmax", "ada"]
    assert softmax["published"] == f"+{fmean(by_hand):.2f}" == "+16.21"
    # Text has no base here, and does not count.
    assert (softmax["ours"], softmax["data sets of ours"]) == ("+15.00", "1")
    assert (found["linear", "ada"]["ours"], found["linear", "ada"]["data sets of ours"]) == (
        "-",
        "0",
    )
    every = [
        mean_gain(PAPER[base, "none"], PAPER[base, "ada"])[0]
        for base, mode in PAPER
        if mode == "ada"
    ]
    assert found["all bases", "ada"]["published"] == f"+{fmean(every):.2f}" == "+11.08"


def test_every_form_has_them(report):
    for form in (markdown, latex, page):
        text = form(report)
        assert "Megalodon" in text
        assert "Gain on the base" in text
        assert "+16.21" in text or "+16.21" in text.replace("&#43;", "+")


def test_without_being_asked_there_are_none(tmp_path):
    finish(frozen_run(tmp_path, dataset__name="listops"), 0.5)
    assert build_report(collect([tmp_path]), Layout()).beside == []


def test_printed_averages_are_those_of_the_numbers_but_where_a_source_misprints():
    wrong = []
    for row in published.rows():
        if "average" in row.printed:
            numbers = list(row.accuracies.values())
            if abs(fmean(numbers) - row.printed["average"]) > 0.011:
                wrong.append(row.model)
    assert wrong == [
        "AdaWavSpA Longformer",
        "OrthoWavSpA Longformer",
        "OrthoWavSpA Linear Att.",
    ]


def test_the_remark_on_quoted_numbers_keeps_its_mark_in_markdown(report):
    assert "\n- \\* as others quote it\n" in markdown(report)
