"""What the page says, without a browser."""

import base64
import gzip
import json
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from support.reported_runs import finish, frozen_run
from wavspa.reports.formats import html_data
from wavspa.reports.formats.html import page
from wavspa.reports.report import build_report
from wavspa.reports.runs.collect import collect
from wavspa.reports.tables.comparison import Layout
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics
from wavspa.run_folder.status import update_status

VOID = {"meta", "link", "input", "br"}


class Parsed(HTMLParser):
    """The rows of each table by its kind, the text of each id, addresses; and whether tags balance."""

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses, self.texts, self.tables = [], [], {}, {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.addresses += [known[name] for name in ("src", "href", "action") if name in known]
        if tag not in VOID:
            self.open.append((tag, known.get("id")))
        if tag == "table":
            self.rows = self.tables.setdefault(known.get("data-rows", "comparison"), [])
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        name = self.open[-1][1] if self.open else None
        self.texts[name] = self.texts.get(name, "") + data
        if any(above in ("td", "th") for above, _ in self.open):
            self.rows[-1][-1] += data

    def unpacked(self, name):
        return gzip.decompress(base64.b64decode(self.texts[name])).decode()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    ada = [
        finish(frozen_run(root, seed, model__wavelet="ada"), 0.5 + seed / 100) for seed in (1, 2)
    ]
    torn = finish(frozen_run(root, 1, model__wavelet="<b>"), 0.5)
    (torn / layout.STATUS).write_text("{")
    failed = frozen_run(root, 3, model__wavelet="ada")
    update_status(failed, state="failed", reason="it <rains>")
    return root, ada, failed, torn


@pytest.fixture(scope="module")
def parsed(folders):
    return Parsed(page(build_report(collect([folders[0]]), Layout())))


def test_tables_hold_every_cell_and_run(parsed, folders):
    _, ada, failed, torn = folders
    comparison = parsed.tables["comparison"]
    assert comparison[1] == ["softmax", "ada", "51.50 ±\u00a00.71 (2, 1 failed)"]
    assert parsed.tables["cells"][1][:4] == ["digits", "softmax", "ada", "51.50 ± 0.71"]
    runs = {row[0]: row[1:] for row in parsed.tables["runs"][1:]}
    assert runs[ada[0].name] == [
        *(
            "finished",
            "digits",
            "softmax",
            "ada",
            "1",
            "51.00",
            "51.00",
            "1,234",
            "50.0",
            "500",
            "6",
        ),
    ]
    assert runs[failed.name][0] == "failed"
    assert runs[torn.name][0] == "damaged"


def test_curves_are_those_of_metrics_csv(parsed, folders):
    _, (run, _), _, _ = folders
    data = json.loads(parsed.unpacked("data"))
    (found,) = [known for known in data["runs"] if known["name"] == run.name]
    rows = read_metrics(run / layout.METRICS)
    (curve,) = found["curves"]
    assert curve["steps"] == [row["step"] for row in rows]
    assert curve["metrics"]["val/accuracy"] == pytest.approx(
        [r["val/accuracy"] for r in rows], rel=1e-5
    )
    assert data["cells"][found["cell"]]["values"] == [51, 52]


def test_each_run_has_its_command_and_configuration(parsed, folders):
    _, (run, _), _, _ = folders
    known = {k["name"]: k for k in json.loads(parsed.unpacked("data"))["runs"]}[run.name]
    assert known["command"] == "wavspa-train model.wavelet=ada seed=1"
    assert known["config"] == (run / layout.CONFIG).read_text()


def test_nothing_comes_from_elsewhere(parsed):
    assert all(address.startswith(("#", "data:")) for address in parsed.addresses)
    assert "plotly.js v" in parsed.unpacked("plotly")[:200]


def test_words_of_runs_are_no_markup(parsed):
    assert any("it <rains>" in text for text in parsed.texts.values())


def test_long_curves_are_thinned_evenly(tmp_path, monkeypatch):
    monkeypatch.setattr(html_data, "MOST_NUMBERS", 1)
    finish(frozen_run(tmp_path), 0.5, steps=1000)
    data = html_data.page_data(build_report(collect([tmp_path]), Layout()))
    assert data["thinned"]
    steps = data["runs"][0]["curves"][0]["steps"]
    assert (len(steps), steps[0], steps[-1]) == (html_data.FEWEST_POINTS, 1, 1000)
    assert max(b - a for a, b in pairwise(steps)) <= 54


def test_what_is_no_number_is_null(tmp_path):
    folder = finish(frozen_run(tmp_path), 0.5)
    with (folder / layout.METRICS).open("a") as file:
        file.write("7,0,,nan\n")
    data = html_data.page_data(build_report(collect([tmp_path]), Layout()))
    assert data["runs"][0]["curves"][0]["metrics"]["val/accuracy"][-1] is None
    assert html_data.packed_json(data)
