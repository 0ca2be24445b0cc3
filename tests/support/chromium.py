"""A headless Chromium of this machine, for the page of reports."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from support.waiting import LIMIT

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = LIMIT * 1000  # milliseconds; Playwright's own are 30 s, which a busy machine may take
NONE = f"there is none of {', '.join(NAMES)} (Debian: chromium-headless-shell)"


def installed() -> str | None:
    """The program, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser's ``new_page``, as Playwright has it, whose pages wait as long as it takes."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=installed(), args=["--no-sandbox"], timeout=PATIENCE
        )

        def new_page(**options: Any) -> Any:
            page = browser.new_page(**options)
            page.set_default_timeout(PATIENCE)
            return page

        yield SimpleNamespace(new_page=new_page)
        browser.close()


def open_page(tab: Any, page: Path) -> None:
    """Load a report's page and wait until its charts are drawn."""
    tab.goto(page.resolve().as_uri())
    tab.wait_for_selector("html[data-ready]")
