"""Hooks for MkDocs: links that leave docs/, and figures that follow the theme's light and dark switch."""

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(\]\()((?!\w+:|#|/)[^)#\s]+)")
# A figure for light and dark as GitHub takes it. Material has its own form, which follows its switch.
PICTURE = re.compile(
    r"<picture>\s*<source media=[^>]* srcset=\"(?P<dark>[^\"]+)\">\s*"
    r"<img alt=\"(?P<alt>[^\"]*)\" src=\"(?P<light>[^\"]+)\">\s*</picture>"
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files of the repository that pages link to: they become pages or are copied unchanged."""
    waiting = [file.src_uri for file in files.documentation_pages()]
    while waiting:
        source = _in_repository(waiting.pop())
        for _, target in LINK.findall((ROOT / source).read_text()):
            place = _in_site(normpath(str(source.parent / target)))
            path = ROOT / _in_repository(place)
            if files.get_file_from_path(place) is None and path.is_file():
                files.append(File.generated(config, place, abs_src_path=str(path)))
                if path.suffix == ".md":
                    waiting.append(place)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Redirect links that leave docs/ to their paths in the site, and adapt pictures to the theme."""
    here = _in_repository(page.file.src_uri).parent

    def moved(link: re.Match[str]) -> str:
        place = _in_site(normpath(str(here / link[2])))
        if files.get_file_from_path(place) is None:
            return link[0]
        return link[1] + relpath(place, str(PurePosixPath(page.file.src_uri).parent))

    both = r"![\g<alt>](\g<light>#only-light)![\g<alt>](\g<dark>#only-dark)"
    return LINK.sub(moved, PICTURE.sub(both, markdown))


def _in_repository(place: str) -> PurePosixPath:
    """The path in the repository of a file in the site."""
    inside = PurePosixPath("docs") / place
    return inside if (ROOT / inside).exists() else PurePosixPath(place)


def _in_site(path: str) -> str:
    """The path in the site of a file in the repository."""
    return path.removeprefix("docs/")
