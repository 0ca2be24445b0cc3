"""Takes the pictures of a report's page for docs/guide/reports.md.

    python scripts/page_pictures.py runs/digits/report/report.html docs/pictures

Writes page.png (on a desktop), page_dark.png, page_phone.png and page_print.png. Needs the dev extra and
Chromium.
"""

import argparse
import io
import sys
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.chromium import NONE, chromium, installed, open_page

DESKTOP = {"viewport": {"width": 1280, "height": 2040}}
PHONE = {"viewport": {"width": 390, "height": 1500}, "has_touch": True, "is_mobile": True}
PAPER = {"viewport": {"width": 700, "height": 1000}}
PICTURES = {
    "page": DESKTOP,
    "page_dark": {**DESKTOP, "color_scheme": "dark"},
    "page_phone": PHONE,
    "page_print": PAPER,
}
# The pages have few colours; a palette halves the file size.
COLOURS = 256


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    if installed() is None:
        sys.exit(f"error: {NONE}")
    with chromium() as browser:
        for name, options in PICTURES.items():
            tab = browser.new_page(**options)
            open_page(tab, arguments.page)
            if name == "page_print":
                tab.emulate_media(media="print")
            tab.wait_for_timeout(500)
            picture = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
            picture.quantize(COLOURS, dither=Image.Dither.NONE).save(
                arguments.folder / f"{name}.png", optimize=True
            )


if __name__ == "__main__":
    main()
