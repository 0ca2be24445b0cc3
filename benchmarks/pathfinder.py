"""Speed, statistics and sheets of Pathfinder's pictures: `python -m benchmarks.pathfinder [FOLDER]`.

With FOLDER it also writes `pathfinder<size>_<difficulty>.png` there: 16 pictures, those with label 1 (both
discs on one path) in the upper two rows.
"""

import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from wavspa.data.lra.pathfinder.generator import Pathfinder
from wavspa.data.lra.pathfinder.stamps import CONTOUR_LENGTHS, SIZES, benchmark_rule

# The number of pictures, so that each kind takes a few seconds.
PICTURES = {32: 10_000, 64: 500, 128: 1_000, 256: 1_000}
ROWS, COLUMNS = 4, 4
SHEET = 1024


def report(pixels: int, difficulty: str, faithful: bool) -> None:
    """Print a row: milliseconds per picture on one core, and statistics."""
    generator = Pathfinder(benchmark_rule(pixels, difficulty, faithful), seed=0)
    generator.draw(0, 1)
    start = time.process_time()
    pictures, labels, _ = generator.draw(0, PICTURES[pixels])
    milliseconds = (time.process_time() - start) / len(labels) * 1e3
    print(
        f"| {pixels} | {difficulty} | {'yes' if faithful else 'no'} | {milliseconds:.2f} "
        f"| {pictures.mean():.2f} | {(pictures > 0).mean():.4f} | {labels.mean():.3f} |"
    )


def sheet(pixels: int, difficulty: str, path: Path) -> None:
    """Write 16 pictures side by side."""
    generator = Pathfinder(benchmark_rule(pixels, difficulty), seed=0)
    pictures, labels, _ = generator.draw(0, 100)
    half = ROWS // 2 * COLUMNS
    chosen = np.concatenate([pictures[labels == label][:half] for label in (1, 0)])
    framed = np.pad(chosen, ((0, 0), (1, 1), (1, 1)), constant_values=128)
    grid = framed.reshape(ROWS, COLUMNS, pixels + 2, pixels + 2).swapaxes(1, 2)
    picture = Image.fromarray(grid.reshape(ROWS * (pixels + 2), COLUMNS * (pixels + 2)))
    scale = max(1, SHEET // picture.width)
    picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST).save(
        path
    )


def main() -> None:
    """Print a row per kind, and write the sheets if a folder is named."""
    print("| pixels | difficulty | faithful | ms | mean grey | non-zero | label 1 |")
    print("| ---: | --- | --- | ---: | ---: | ---: | ---: |")
    for pixels in SIZES:
        for difficulty in CONTOUR_LENGTHS:
            for faithful in (True, False):
                report(pixels, difficulty, faithful)
            if len(sys.argv) == 2:
                path = Path(sys.argv[1], f"pathfinder{pixels}_{difficulty}.png")
                sheet(pixels, difficulty, path)


if __name__ == "__main__":
    main()
