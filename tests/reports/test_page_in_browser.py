"""The page in a headless Chromium."""

import numpy as np
import pytest

from support.chromium import NONE, chromium, installed, open_page
from support.reported_runs import finish, frozen_run
from wavspa.reports.figures.filters import Filters
from wavspa.reports.formats.html import page
from wavspa.reports.report import build_report
from wavspa.reports.runs.collect import collect
from wavspa.reports.tables.comparison import Layout
from wavspa.run_folder import layout
from wavspa.run_folder.status import update_status

pytestmark = pytest.mark.slow

pytest.importorskip("playwright", reason="there is no playwright (the dev extra)")
if installed() is None:
    pytest.skip(NONE, allow_module_level=True)

ACCURACIES = {("softmax", "none"): 0.4, ("softmax", "ada"): 0.8, ("linear", "none"): 0.3}


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    for (attention, wavelet), accuracy in ACCURACIES.items():
        for seed in (1, 2):
            values = {"model__attention": attention, "model__wavelet": wavelet}
            finish(frozen_run(root, seed, **values), accuracy + seed / 100)
    update_status(frozen_run(root, 1, model__wavelet="lift"), state="failed", reason="it rains")
    torn = frozen_run(root, 1, model__wavelet="ortho")
    (torn / layout.STATUS).write_text("{")
    path = root / "report.html"
    runs = collect([root])
    layers = [Filters("layer 1, low pass", np.eye(4)[:, :2], np.eye(4)[:, 1:3])]
    filters = {run.folder: layers for run in runs if "waveletada" in run.folder.name}
    path.write_text(page(build_report(runs, Layout(), filters)))
    return path


@pytest.fixture(scope="module")
def opened(browser, path):
    """Opens the page; whatever it complains of or asks for is held against it."""
    complaints = []

    def open_tab(**options):
        tab = browser.new_page(**options)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on(
            "request",
            lambda asked: (
                asked.url.startswith(("file:", "data:", "blob:")) or complaints.append(asked.url)
            ),
        )
        open_page(tab, path)
        return tab

    yield open_tab
    assert complaints == []


@pytest.fixture(scope="module")
def tab(opened):
    return opened(viewport={"width": 1280, "height": 900})


def column(tab, kind, number):
    cells = tab.locator(f"table[data-rows={kind}] tbody tr:visible td:nth-child({number})")
    return cells.all_text_contents()


def test_every_run_and_cell_has_a_row(tab):
    assert len(column(tab, "runs", 1)) == 8
    assert len(column(tab, "cells", 1)) == 4
    assert tab.locator("#shown").text_content() == "8 of 8 runs, 4 of 4 cells"
    assert "it rains" in tab.locator("#unfinished").text_content()


def test_tables_sort_by_value_with_the_keyboard(tab):
    head = tab.locator("table[data-rows=cells] th button", has_text="accuracy")
    head.press("Enter")
    assert column(tab, "cells", 4) == ["31.50 ± 0.71", "41.50 ± 0.71", "81.50 ± 0.71", "-"]
    head.press("Enter")
    assert column(tab, "cells", 4) == ["81.50 ± 0.71", "41.50 ± 0.71", "31.50 ± 0.71", "-"]
    assert head.locator("..").get_attribute("aria-sort") == "descending"


def test_the_filter_chooses_rows_and_lines(tab):
    lines = tab.locator("#curves .scatterlayer .js-line")
    tab.select_option("select[name=attention]", "=linear")
    tab.wait_for_function("document.querySelectorAll('#curves .legend button').length === 1")
    assert column(tab, "cells", 2) == ["linear"]
    assert lines.count() == 2  # the mean and the band of the seeds
    tab.fill("input[name=words]", "no such word")
    tab.wait_for_function("document.querySelector('#curves .plots').children.length === 0")
    assert column(tab, "runs", 1) == []
    tab.click("button[type=reset]")
    tab.wait_for_function("document.querySelectorAll('#curves .legend button').length === 3")
    assert len(column(tab, "runs", 1)) == 8


def test_a_damaged_run_is_found_by_its_state(tab):
    tab.select_option("select[name=state]", "=damaged")
    assert column(tab, "runs", 2) == ["damaged"]
    tab.click("button[type=reset]")
    tab.wait_for_function("document.querySelectorAll('#curves .legend button').length === 3")


def test_curves_tell_their_values_to_the_pointer_and_the_keyboard(tab):
    plot = tab.locator("#curves .js-plotly-plot")
    plot.scroll_into_view_if_needed()
    data = plot.evaluate(
        "figure => figure.data.find(({ name }) => name?.startsWith('softmax, ada'))"
    )
    assert data["x"] == [1, 2, 3, 4, 5, 6]
    assert data["y"][-1] == pytest.approx(81.5, rel=1e-5)
    box = plot.locator(".nsewdrag").bounding_box()
    tab.mouse.move(box["x"] + box["width"] - 3, box["y"] + 14)
    hover = plot.locator(".hovertext")
    hover.wait_for()
    assert "softmax, ada (n = 2)step 6: 81.5" in hover.text_content()
    plot.press("ArrowRight")
    plot.press("ArrowRight")
    assert "optimizer steps 2" in tab.locator("#curves .said").text_content()


def test_costs_are_drawn_with_their_units(tab):
    titles = tab.locator("#costs .xtitle, #costs .ytitle").all_text_contents()
    assert titles == [
        *("time per step (ms)", "test accuracy (%)"),
        *("peak memory (MiB)", "test accuracy (%)"),
    ]
    assert tab.locator("#costs .scatterlayer .point").count() == 6


def test_filters_are_drawn_when_they_are_opened(tab):
    titles = tab.locator("#filters summary")
    assert titles.all_text_contents() == [f"digits: softmax, ada, seed {seed}" for seed in (1, 2)]
    tab.locator("#filters svg").first.wait_for()
    assert tab.locator("#filters svg").count() == 1
    titles.nth(1).press("Enter")
    tab.locator("#filters svg").nth(1).wait_for()
    tab.select_option("select[name=wavelet]", "=none")
    tab.wait_for_function("document.querySelector('#filters details').hidden")
    tab.click("button[type=reset]")
    tab.wait_for_function("!document.querySelector('#filters details').hidden")


def test_a_run_opens_with_what_makes_it_anew(tab):
    tab.locator("button.open", has_text="softmax-ada").first.press("Enter")
    dialog = tab.locator("dialog")
    assert dialog.is_visible()
    command = tab.locator("#run-command").text_content()
    assert command == "wavspa-train model.attention=softmax model.wavelet=ada seed=1"
    assert "wavelet: ada" in tab.locator("#run-config").text_content()
    dialog.locator("button.copy").first.click()
    tab.wait_for_function("/copied|marked/.test(document.querySelector('.copy').textContent)")
    tab.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_dark_paper_has_light_lines(tab, opened):
    dark = opened(color_scheme="dark")

    def colours(page):
        return page.evaluate(
            "[getComputedStyle(document.body).backgroundColor,"
            " document.querySelector('#curves .js-plotly-plot').data[1].line.color]"
        )

    assert colours(dark) != colours(tab)
    dark.click("#theme")
    assert colours(dark) == colours(tab)


def test_nothing_sticks_out_on_a_phone(opened):
    phone = opened(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
