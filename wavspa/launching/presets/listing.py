"""Lists of the presets for help and documentation: the source of each, and remarks on it."""

import textwrap
from collections.abc import Sequence

from wavspa.launching.presets.released import ROOT, Released, released
from wavspa.launching.presets.remarks import remarks
from wavspa.launching.presets.table import HEADS, TABLE

_WIDTH = 100


def help_text() -> str:
    """A paragraph for each task: the source of its presets, and what upstream does with them."""
    lines = [
        f"experiment={ROOT}/… are the paper's released configurations, without upstream's mistakes;",
        f"experiment={ROOT}/as_published/… keep them. In a sweep a folder means all presets in it:",
        f"-m experiment={TABLE} is the published table. What upstream ignores or gets wrong:",
        "",
    ]
    for task, rows in _by_task().items():
        source = rows[0].source.rpartition("/")[0]
        told = [_counted(remark, rows) for remark in _distinct(rows)]
        text = f"{ROOT}/{task}: {source}; {'; '.join(told) or 'nothing'}."
        lines += textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(lines)


def listing() -> str:
    """Markdown tables of all presets, one row each."""
    parts = []
    for task, rows in _by_task().items():
        head = [
            "preset",
            "batch",
            "steps",
            "length",
            "layers x width",
            "attention, wavelet",
            "remarks",
        ]
        lines = [head, ["---"] * len(head), *map(_row, rows)]
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        parts.append(
            f"### {ROOT}/{task}\n\nFiles of `{rows[0].source.rpartition('/')[0]}`.\n\n{table}"
        )
    return "\n\n".join(parts)


def _row(row: Released) -> list[str]:
    wavelet = f"{row.wavelet} {row.taps or '?'} x {row.level}" if row.wavelet else "none"
    follows = " **the table's**" if HEADS.get(row.task) == row.name else ""
    length = "" if row.max_length is None else f"{row.max_length:,}"
    cells = [f"`{row.option}`{follows}", f"{row.batch_size}", f"{row.steps:,}", length]
    cells += [f"{row.depth} x {row.dim}", f"{row.attention}, {wavelet}"]
    return [*cells, "; ".join(remarks(row))]


def _by_task() -> dict[str, list[Released]]:
    tasks: dict[str, list[Released]] = {}
    for row in released():
        tasks.setdefault(row.task, []).append(row)
    return tasks


def _distinct(rows: Sequence[Released]) -> list[str]:
    return list(dict.fromkeys(remark for row in rows for remark in remarks(row)))


def _counted(remark: str, rows: Sequence[Released]) -> str:
    number = sum(remark in remarks(row) for row in rows)
    return remark if number == len(rows) else f"{remark} ({number} of {len(rows)})"
