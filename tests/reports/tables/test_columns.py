import io

from rich.console import Console

from support.reported_runs import finish, frozen_run
from wavspa.reports.formats.terminal import print_report
from wavspa.reports.formats.write import FORMS
from wavspa.reports.report import build_report
from wavspa.reports.runs.collect import collect
from wavspa.reports.tables import columns
from wavspa.reports.tables.columns import Column, text_table
from wavspa.reports.tables.comparison import Layout


def test_one_entry_adds_a_column_to_every_format(tmp_path, monkeypatch):
    finish(frozen_run(tmp_path), 0.5)
    added = Column("weather", lambda cell: len(cell.runs), "{} rainy".format, csv="weather_days")
    monkeypatch.setattr(columns, "_of_metric", lambda metric: [added])
    runs = collect([tmp_path])
    out = Console(file=io.StringIO(), width=160)
    print_report(runs, out)
    report = build_report(runs, Layout())
    texts = {name: form(report) for name, form in FORMS.items()}
    csv = texts.pop("table.csv").splitlines()
    assert "weather_days" in csv[0]
    assert dict(zip(csv[0].split(","), csv[1].split(","), strict=False))["weather_days"] == "1"
    for text in (out.file.getvalue(), *texts.values()):
        assert "weather" in text
        assert "1 rainy" in text


def test_columns_that_are_empty_or_for_csv_alone_are_left_out():
    shown = text_table(
        [
            Column("word", lambda row: row, side="left"),
            Column("empty", lambda row: ""),
            Column(None, len, csv="length"),
            Column("length", len, "{}!".format),
        ],
        ["a", "bc"],
    )
    assert shown.names == ["word", "length"]
    assert shown.sides == ["left", "right"]
    assert shown.rows == [["a", "1!"], ["bc", "2!"]]
