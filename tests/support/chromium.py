"""A headless Chromium of this machine, for the page of reports."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
NONE = f"there is none of {', '.join(NAMES)} (Debian: chromium-headless-shell)"


def installed() -> str | None:
    """The program, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser, as Playwright drives it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(), args=["--no-sandbox"])
        yield browser
        browser.close()


def open_page(tab: Any, page: Path) -> None:
    """Load a report's page and wait until its charts are drawn."""
    tab.goto(page.resolve().as_uri())
    tab.wait_for_selector("html[data-ready]", timeout=120_000)
