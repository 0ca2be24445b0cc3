"""Draw the diagrams of the docs as SVG, light and dark.

    python scripts/diagrams.py docs/pictures

Writes layer, data, run and slurm, each as NAME.svg and NAME_dark.svg.
"""

import argparse
from collections.abc import Callable
from html import escape
from pathlib import Path

# Narrow enough to be read on a phone.
WIDTH, PAD, LINE = 600, 10, 19
PALETTES = {
    "": {
        "text": "#1f2328",
        "soft": "#57606a",
        "line": "#6e7781",
        "grey": ("#f6f8fa", "#8c959f"),
        "blue": ("#ddf0ff", "#0969da"),
        "orange": ("#fff0e0", "#bc6a00"),
        "green": ("#ddf8e3", "#1a7f37"),
        "red": ("#ffe9e7", "#cf222e"),
    },
    "_dark": {
        "text": "#e6edf3",
        "soft": "#a9b3bd",
        "line": "#8b949e",
        "grey": ("#22272e", "#768390"),
        "blue": ("#12304f", "#4493f8"),
        "orange": ("#43290c", "#e0a050"),
        "green": ("#123a20", "#4cc368"),
        "red": ("#48191b", "#f47067"),
    },
}


class Canvas:
    """Boxes, arrows and text in the colours of one palette."""

    def __init__(self, title: str, height: int, palette: dict) -> None:
        self.title, self.height, self.palette = title, height, palette
        self.parts: list[str] = []

    def box(
        self, x: float, y: float, width: float, lines: list[str], colour: str = "grey"
    ) -> float:
        """Draw a box with the first line bold and the others soft; return its lower edge."""
        height = LINE * len(lines) + 16
        fill, stroke = self.palette[colour]
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" '
            f'fill="{fill}" stroke="{stroke}"/>'
        )
        for number, line in enumerate(lines):
            look = "b" if number == 0 else "s"
            self.text(x + width / 2, y + 23 + LINE * number, line, look, "middle")
        return y + height

    def text(self, x: float, y: float, text: str, look: str = "s", anchor: str = "start") -> None:
        """Write one line; ``look`` is b (bold) or s (soft)."""
        self.parts.append(
            f'<text x="{x}" y="{y}" class="{look}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def arrow(self, *points: tuple[float, float], head: bool = True, dashed: bool = False) -> None:
        """Draw a line through the points, with a head at its end."""
        corners = " ".join(f"{x},{y}" for x, y in points)
        marker = ' marker-end="url(#head)"' if head else ""
        dashes = ' stroke-dasharray="4 4"' if dashed else ""
        self.parts.append(f'<polyline points="{corners}" class="l"{dashes}{marker}/>')

    def svg(self) -> str:
        """The complete file."""
        colours = self.palette
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
                f'width="{WIDTH}" height="{self.height}" role="img">',
                f"<title>{escape(self.title)}</title>",
                "<style>text{font:14px 'DejaVu Sans',Verdana,sans-serif}"
                f".b{{font-weight:bold;fill:{colours['text']}}}.s{{fill:{colours['soft']};font-size:13px}}"
                f".l{{fill:none;stroke:{colours['line']};stroke-width:1.5}}</style>",
                '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
                f'markerHeight="8" orient="auto"><path d="M0,0L8,4L0,8z" fill="{colours["line"]}"/>'
                "</marker></defs>",
                *self.parts,
                "</svg>\n",
            ]
        )


def layer(palette: dict) -> Canvas:
    """The layer and the block around it, top to bottom; longer bands are wider."""
    canvas = Canvas("A block with wavelet space attention, three levels", 610, palette)
    left, right = PAD, WIDTH - PAD - 40
    middle = (left + right) / 2
    bands = [("cA3", "N/8", 84), ("cD3", "N/8", 84), ("cD2", "N/4", 116), ("cD1", "N/2", 232)]
    canvas.text(middle, 20, "x [B, N, D]", "b", "middle")
    canvas.arrow((middle, 28), (middle, 52))
    y = canvas.box(middle - 90, 54, 180, ["LayerNorm"])
    canvas.arrow((middle, y), (middle, y + 22))
    top = y + 24
    y = canvas.box(
        left, top, right - left, ["analysis", "a learned filter for each channel"], "blue"
    )
    x = left
    for name, length, width in bands:
        centre = x + width / 2
        canvas.arrow((centre, y), (centre, y + 22))
        low = canvas.box(x, y + 24, width, [name, length], "blue")
        canvas.arrow((centre, low), (centre, low + 18))
        low = canvas.box(x, low + 20, width, ["attention"], "orange")
        canvas.arrow((centre, low), (centre, low + 22))
        x += width + 8
    y = canvas.box(left, low + 24, right - left, ["synthesis"], "blue")
    canvas.arrow((middle, y), (middle, y + 24))
    _plus(canvas, middle, y + 34)
    canvas.arrow((middle + 6, 40), (WIDTH - 22, 40), (WIDTH - 22, y + 34), (middle + 14, y + 34))
    canvas.arrow((middle, y + 44), (middle, y + 68))
    second = y + 56
    y = canvas.box(middle - 90, y + 70, 180, ["LayerNorm, MLP"])
    canvas.arrow((middle, y), (middle, y + 24))
    _plus(canvas, middle, y + 34)
    canvas.arrow(
        (middle + 6, second), (WIDTH - 22, second), (WIDTH - 22, y + 34), (middle + 14, y + 34)
    )
    canvas.arrow((middle, y + 44), (middle, y + 64))
    canvas.text(middle, y + 82, "[B, N, D]", "b", "middle")
    canvas.height = int(y + 94)
    return canvas


def _plus(canvas: Canvas, x: float, y: float) -> None:
    fill, stroke = canvas.palette["grey"]
    canvas.parts.append(f'<circle cx="{x}" cy="{y}" r="10" fill="{fill}" stroke="{stroke}"/>')
    canvas.text(x, y + 5, "+", "b", "middle")


def data(palette: dict) -> Canvas:
    """The path from a file to a table: steps on the left, the output of each on the right."""
    canvas = Canvas("The path of the data, from a file to a report", 700, palette)
    steps = [
        (["your file or a benchmark's", "csv, parquet, archive, images"], "grey", []),
        (["reader"], "blue", ["rows: a text and a label"]),
        (
            ["tokenizer and splits", "once for each choice"],
            "blue",
            ["data/prepared/NAME-HASH/", "Arrow files and card.json"],
        ),
        (["batches of similar length"], "blue", ["tokens [B, N], lengths [B],", "labels [B]"]),
        (["encoder", "embedding and blocks"], "orange", ["states [B, N, D]"]),
        (["pool and head"], "orange", ["logits [B, C]"]),
        (["loss and metrics"], "green", ["metrics.csv, status.json,", "checkpoints/"]),
        (["wavspa-report"], "green", ["table.md, table.tex,", "report.html"]),
    ]
    y, width, x = 10.0, 270, PAD
    for number, (lines, colour, leaves) in enumerate(steps):
        if number:
            canvas.arrow((x + width / 2, y - 22), (x + width / 2, y - 2))
        low = canvas.box(x, y, width, lines, colour)
        for line, text in enumerate(leaves):
            canvas.text(
                x + width + 52, (y + low) / 2 + 5 + (line - (len(leaves) - 1) / 2) * LINE, text
            )
        if leaves:
            canvas.arrow((x + width, (y + low) / 2), (x + width + 42, (y + low) / 2), dashed=True)
        y = low + 24
    canvas.height = int(y - 12)
    return canvas


def run(palette: dict) -> Canvas:
    """The states of a run and the transitions between them."""
    canvas = Canvas("The life of a run", 560, palette)
    middle = WIDTH / 2
    y = canvas.box(
        middle - 140, 10, 280, ["wavspa-train …", "composes and checks everything"], "blue"
    )
    canvas.arrow((middle + 140, 37), (middle + 172, 37))
    canvas.box(middle + 174, 10, 116, ["a mistake", "one line, code 2"], "red")
    canvas.arrow((middle, y), (middle, y + 28))
    y = canvas.box(
        middle - 140, y + 30, 280, ["runs/EXPERIMENT/NAME/", "config.yaml is frozen"], "grey"
    )
    canvas.arrow((middle, y), (middle, y + 28))
    top = y + 30
    y = canvas.box(
        middle - 140, top, 280, ["running", "wavspa-run: checkpoints as it trains"], "orange"
    )
    low = y + 64
    width, gap = 180, 20
    states = [
        (["interrupted", "Ctrl-C, a signal,", "the time limit"], "grey"),
        (["finished", "best checkpoint tested"], "green"),
        (["failed", "an error, a loss", "that is not finite"], "red"),
    ]
    ends = []
    for number, (lines, colour) in enumerate(states):
        x = PAD + number * (width + gap)
        ends.append((x + width / 2, canvas.box(x, low, width, lines, colour)))
        canvas.arrow((middle + (number - 1) * 100, y), (x + width / 2, low - 2))
    for x, edge, start in ((12, ends[0], "left"), (WIDTH - 12, ends[2], "right")):
        below = edge[1] + 26
        side = middle - 140 if start == "left" else middle + 140
        turn = x - 6 if start == "left" else x + 6
        canvas.arrow(
            (edge[0], edge[1]), (edge[0], below), (turn, below), (turn, top + 27), (side, top + 27)
        )
    bottom = ends[0][1] + 46
    canvas.text(ends[0][0], bottom, "the same command", "s", "middle")
    canvas.text(ends[0][0], bottom + LINE, "resumes it", "s", "middle")
    canvas.text(ends[2][0], bottom, "the same command", "s", "middle")
    canvas.text(ends[2][0], bottom + LINE, "retries it", "s", "middle")
    canvas.text(ends[1][0], bottom, "the same command", "s", "middle")
    canvas.text(ends[1][0], bottom + LINE, "has nothing to do", "s", "middle")
    canvas.height = int(bottom + LINE + 12)
    return canvas


def slurm(palette: dict) -> Canvas:
    """A sweep on SLURM: what the login node writes, what the nodes run, and the way back into the queue."""
    canvas = Canvas("A sweep on SLURM", 600, palette)
    x, full = PAD, WIDTH - 2 * PAD - 40
    half, third = (full - 16) / 2, (full - 32) / 3
    command = [
        "wavspa-train -m hydra/launcher=slurm …",
        "login node: checks every job, trains nothing",
    ]
    y = canvas.box(x, 10, full, command, "blue")
    for place, lines in (
        (x, ["sweep-HASH.sbatch", "one readable array script"]),
        (x + half + 16, ["sweep-HASH.txt", "one run folder per line"]),
    ):
        canvas.arrow((place + half / 2, y), (place + half / 2, y + 22))
        low = canvas.box(place, y + 24, half, lines)
    canvas.arrow((x + half / 2, low), (x + half / 2, low + 30))
    canvas.text(x + half / 2 + 12, low + 20, "sbatch")
    queue = low + 32
    y = canvas.box(x, queue, full, ["SLURM's queue"])
    for number, task in enumerate(("task 1", "task 2", "task n")):
        place = x + number * (third + 16)
        centre = place + third / 2
        canvas.arrow((centre, y), (centre, y + 22))
        low = canvas.box(place, y + 24, third, [task, "srun wavspa-run", "FOLDER"], "orange")
        canvas.arrow((centre, low), (centre, low + 16), head=False)
    canvas.text(x + full - third - 8, y + 60, "…", "b", "middle")
    bus = low + 16
    canvas.arrow((x + third / 2, bus), (x + full - third / 2, bus), head=False)
    for place in (x, x + half + 16):
        canvas.arrow((place + half / 2, bus), (place + half / 2, bus + 22))
    y = canvas.box(x, bus + 24, half, ["finished", "the best checkpoint", "is tested"], "green")
    stopped = [
        "time limit, pre-emption,",
        "a lost node, a crash: requeued,",
        "resumes where it stopped",
    ]
    canvas.box(x + half + 16, bus + 24, half, stopped, "red")
    side, level = WIDTH - 14, (bus + 24 + y) / 2
    canvas.arrow((x + full, level), (side, level), (side, queue + 17), (x + full + 2, queue + 17))
    canvas.arrow((x + half / 2, y), (x + half / 2, y + 22))
    reading = ["wavspa-status, wavspa-report", "read the run folders"]
    y = canvas.box(x, y + 24, half, reading, "blue")
    canvas.height = int(y + 12)
    return canvas


DIAGRAMS: dict[str, Callable[[dict], Canvas]] = {
    "layer": layer,
    "data": data,
    "run": run,
    "slurm": slurm,
}


def main() -> None:
    """Write every diagram in both palettes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for name, draw in DIAGRAMS.items():
        for suffix, palette in PALETTES.items():
            (folder / f"{name}{suffix}.svg").write_text(draw(palette).svg())


if __name__ == "__main__":
    main()
