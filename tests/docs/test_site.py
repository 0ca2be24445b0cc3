"""The site is built without a warning, and works in a browser without a network."""

import functools
import os
import re
import subprocess
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import TimeoutError

from support.chromium import NONE, chromium, installed

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WIDTHS = {"desktop": 1280, "phone": 360}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built as ``make docs`` does."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def address(site):
    """Where a server of files has it."""

    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Silent, directory=str(site))
    ) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    if installed() is None:
        pytest.skip(NONE)
    with chromium() as opened:
        yield opened


def pages_of(site):
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))


def fits(tab):
    """Whether a page is as wide as its window, once it has moved into place."""
    try:
        fitting = "document.documentElement.scrollWidth <= window.innerWidth"
        return tab.wait_for_function(fitting)
    except TimeoutError:
        return False


def test_every_page_of_docs_is_there(site):
    sources = (path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md"))
    pages = pages_of(site)
    assert {source.with_suffix(".html").as_posix() for source in sources} <= set(pages)
    assert {"CONTRIBUTING.html", "benchmarks/index.html", "data/index.html"} <= set(pages)


def test_links_to_the_rest_of_the_repository_lead_to_its_files(site):
    for page in pages_of(site):
        for link in re.findall(r'(?:href|src)="([^"#?]+)', (site / page).read_text()):
            # 404.html is served at any address, so its links begin with a slash.
            if not re.match(r"\w+:|/", link):
                assert (site / page).parent.joinpath(link).exists(), f"{page}: {link}"


def test_pages_open_without_errors_or_a_network(site, address, browser):
    troubles = []
    tab = browser.new_page()
    tab.on("console", lambda m: m.type in ("error", "warning") and troubles.append(m.text))
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    tab.on("request", lambda r: r.url.startswith("http") and asked.add(r.url))
    asked = set()
    for page in pages_of(site):
        tab.goto(address + page)
        for name, width in WIDTHS.items():
            tab.set_viewport_size({"width": width, "height": 900})
            assert fits(tab), f"{page} on a {name}"
    assert troubles == []
    assert [url for url in asked if not url.startswith(address)] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colours_follow_the_system(address, browser, scheme):
    tab = browser.new_page(color_scheme=scheme)
    tab.goto(address)
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", background)[:3]))
    assert brightness > 600 if scheme == "light" else brightness < 200


def test_search_finds_an_option(address, browser):
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.goto(address)
    tab.locator("input[name=query]").click()
    tab.keyboard.type("filter_lr")
    found = tab.locator(".md-search-result__item a")
    found.first.wait_for()
    assert any("options.html" in link.get_attribute("href") for link in found.all())
