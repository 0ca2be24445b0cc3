"""The tables of Pathfinder's generator: its parameters, and stamps and weights for every direction.

Points are (y, x); directions are angles from the x axis towards growing y.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

ANTIALIAS = 2
CONTOUR_LENGTHS = {"easy": 6, "intermediate": 9, "hard": 14}


@dataclass(frozen=True)
class PathfinderRule:
    """The benchmark's parameters for one size of picture and one length of contour.

    Lengths are in pixels but for ``contour_length``, the segments of each target.
    """

    pixels: int
    contour_length: int
    padding: int
    paddle_length: int
    thickness: float
    margins: tuple[int, ...]
    """one of them is drawn for each picture"""
    seed_distance: int
    marker_radius: float
    continuity: float
    distractor_paddles: int
    """segments of all distractors together, if none were left out"""
    target_contrast: float
    distractor_contrast: float
    faithful: bool = True
    """with the authors' defect: no first segment in most directions, so few distractors (`Tables`)"""

    @property
    def distractor_length(self) -> float:
        """A third of a contour; the number of a distractor's segments, rounded down."""
        return self.contour_length / 3

    @property
    def distractors(self) -> int:
        """How many distractors are tried."""
        return ceil(self.distractor_paddles / self.distractor_length)


# By pixels: padding, paddle length, thickness, margins, seed distance, marker radius, continuity,
# paddles of distractors, contrast of targets, contrast of distractors.
_SIZES: dict[int, tuple[int, int, float, tuple[int, ...], int, float, float, int, float, float]] = {
    32: (1, 2, 0.5, (1,), 7, 1.5, 1.0, 20, 1.5, 2.0),
    64: (1, 5, 1.0, (1,), 12, 2.5, 1.8, 22, 0.8, 0.8),
    128: (1, 5, 1.5, (2, 3), 20, 3.0, 1.8, 35, 0.9, 0.9),
    256: (22, 5, 2.0, (3,), 27, 5.0, 1.8, 30, 1.0, 1.0),
}
SIZES = tuple(_SIZES)


def benchmark_rule(pixels: int, difficulty: str, faithful: bool = True) -> PathfinderRule:
    """The Long Range Arena's parameters for one of `SIZES` and a key of `CONTOUR_LENGTHS`."""
    return PathfinderRule(pixels, CONTOUR_LENGTHS[difficulty], *_SIZES[pixels], faithful=faithful)


class Stamps(NamedTuple):
    """Small pictures: number s is made of the ``pixels`` from ``start[s]`` to ``start[s + 1]``.

    ``pixels`` [n, 3] int64 are y and x, relative to where it is stamped, and a value of 1..255, high
    values first.
    """

    start: np.ndarray
    pixels: np.ndarray


class Tables(NamedTuple):
    """What pictures with one margin are drawn by.

    S orientations: 360 of seeds (first segments), degree by degree from -180, then those of the C
    candidates for what follows. The authors' code finds the pixels that are free for a seed by a dilation
    with its footprint, takes a pixel whose footprint is entirely outside the picture for an error,
    and then abandons the direction; a faithful table has those directions in ``refused``.
    """

    pixels: int
    padding: int
    half: int
    """no segment's stamp reaches farther"""
    lines: Stamps
    """[S] a segment: a seed from its tail on, another from its head back"""
    masks: Stamps
    """[S] the zone that it occupies"""
    footprints: Stamps
    """[360] what has to be free for a seed, from its tail"""
    refused: np.ndarray
    """[360] bool, directions in which there are no seeds"""
    first_seeds: np.ndarray
    """[n, 5] int64 direction of the first snake's seed, and where its tail may be: y and x, each from
    and to (exclusive)"""
    seed_head: np.ndarray
    """[360, 2] from a seed's tail to its head"""
    seed_pivot: np.ndarray
    """[360, 2] from its head to its pivot"""
    second_tail: np.ndarray
    """[360, 2] from the first snake's tail to the second's"""
    step: np.ndarray
    """[S, 2] from a pivot to the next one"""
    candidates: np.ndarray
    """[C, 2] int64 from a pivot to possible heads"""
    weights: np.ndarray
    """[S, C] how readily each follows an orientation"""
    disc: np.ndarray
    """[discs, 2] int64 the pixels within the margin"""
    marker: Stamps
    """[1] the disc at an end of a path"""


def make_tables(rule: PathfinderRule, margin: int) -> Tables:
    """The tables of a rule for one of its margins."""
    reach = rule.paddle_length + margin
    degrees = np.arange(-180, 180) * np.pi / 180
    candidates = _circle(reach)
    bends = np.arctan2(candidates[:, 0], candidates[:, 1])
    orientations = np.concatenate([degrees, bends])
    # Only seeds are drawn forwards.
    segments = [_segment(rule, margin, angle) for angle in [*degrees, *_reversed(bends)]]
    footprints = [_footprint(mask, reach) for _, mask in segments[:360]]
    refused = np.array([rule.faithful and _misses_a_corner(pixels) for pixels in footprints])
    turns = np.abs(bends - orientations[:, None])
    turns = np.minimum(np.minimum(turns, 2 * np.pi - turns) * rule.continuity, np.pi / 2)
    return Tables(
        pixels=rule.pixels,
        padding=rule.padding,
        half=_half(rule, margin),
        lines=_stamps(line for line, _ in segments),
        masks=_stamps(mask for _, mask in segments),
        footprints=_packed([np.insert(pixels, 2, 255, axis=1) for pixels in footprints]),
        refused=refused,
        first_seeds=_first_seeds(rule, footprints, refused),
        seed_head=_ahead(degrees, rule.paddle_length),
        seed_pivot=_ahead(_reversed(degrees), reach),
        second_tail=_ahead(np.arange(360) * np.pi / 180, rule.seed_distance),
        step=_ahead(orientations, reach + margin),
        candidates=candidates,
        weights=np.where(turns < np.pi / 2, np.cos(turns) ** 2, 0),
        disc=_disc(margin),
        marker=_stamps([_marker(rule.marker_radius)]),
    )


def _ahead(angles: np.ndarray, distance: int) -> np.ndarray:
    """[angles, 2] steps of a length in some directions."""
    return distance * np.stack([np.sin(angles), np.cos(angles)], axis=1)


def _reversed(angles: np.ndarray) -> np.ndarray:
    return np.where(angles < 0, angles + np.pi, angles - np.pi)


def _circle(radius: int) -> np.ndarray:
    """[C, 2] the pixels that a circle around (0, 0) goes through, sampled once a pixel."""
    angles = np.arange(0, 360, 360 / (2 * np.pi * radius)) * np.pi / 180
    return np.unique(np.floor(_ahead(angles, radius)).astype(np.int64), axis=0)


def _disc(radius: float) -> np.ndarray:
    """[n, 2] the pixels within a radius of (0, 0)."""
    side = np.arange(-int(radius), int(radius) + 1)
    y, x = np.meshgrid(side, side, indexing="ij")
    return np.argwhere(y**2 + x**2 <= radius**2) - int(radius)


def _half(rule: PathfinderRule, margin: int) -> int:
    return rule.paddle_length + ceil(rule.thickness) + margin


def _segment(rule: PathfinderRule, margin: int, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Line and mask of a segment that begins in the centre, each [2 half + 1, 2 half + 1] uint8."""
    half = _half(rule, margin)
    centre = half * ANTIALIAS
    head = np.ceil(centre + _ahead(np.array([angle]), rule.paddle_length * ANTIALIAS))[0]
    canvas = Image.new("L", (2 * centre + 1, 2 * centre + 1))
    ends = [(centre, centre), (int(head[1]), int(head[0]))]
    ImageDraw.Draw(canvas).line(ends, fill=255, width=round(rule.thickness * ANTIALIAS))
    line = np.array(canvas)
    # Nothing comes near the border, so rolling is shifting.
    shifts = _disc(margin * ANTIALIAS)
    mask = np.max([np.roll(line, shift, axis=(0, 1)) for shift in shifts], axis=0)
    return _shrunk(line, 2 * half + 1), _shrunk(mask, 2 * half + 1)


def _marker(radius: float) -> np.ndarray:
    """[2 half + 1, 2 half + 1] uint8. A border near by would change a few grey levels; it is ignored."""
    half = ceil(radius) + 3
    side = 2 * half + 1
    canvas = np.zeros((side * ANTIALIAS, side * ANTIALIAS), np.uint8)
    canvas[tuple((_disc(radius * ANTIALIAS) + half * ANTIALIAS).T)] = 255
    return _shrunk(canvas, side)


def _shrunk(picture: np.ndarray, side: int) -> np.ndarray:
    shrunk = Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS)
    return np.array(shrunk)


def _footprint(mask: np.ndarray, reach: int) -> np.ndarray:
    """[n, 2] the pixels that a seed has to find free: where its mask is solid, from its tail.

    The authors' code looks one pixel away from the seed in both directions, in a window that it may leave.
    """
    pixels = np.argwhere(mask == 255) - len(mask) // 2 + 1
    return pixels[(np.abs(pixels) <= reach).all(axis=1)]


def _misses_a_corner(footprint: np.ndarray) -> bool:
    """Whether a footprint at a corner of the picture is entirely outside it."""
    y, x = footprint.T
    return any(((dy * y > 0) | (dx * x > 0)).all() for dy in (-1, 1) for dx in (-1, 1))


def _first_seeds(
    rule: PathfinderRule, footprints: Sequence[np.ndarray], refused: np.ndarray
) -> np.ndarray:
    """[n, 5] as in `Tables`: the footprint is in the picture's middle."""
    low, high = 2 * rule.seed_distance, rule.pixels - 2 * rule.seed_distance
    rows = []
    for direction, pixels in enumerate(footprints):
        first, last = low - pixels.min(axis=0), high - pixels.max(axis=0)
        if not refused[direction] and (first < last).all():
            rows.append((direction, first[0], last[0], first[1], last[1]))
    return np.array(rows, dtype=np.int64)


def _stamps(pictures: Iterable[np.ndarray]) -> Stamps:
    """Stamps of square pictures [side, side] uint8 around their centres."""
    stamps = []
    for picture in pictures:
        points = np.argwhere(picture)
        values = picture[tuple(points.T)].astype(np.int64)
        order = np.argsort(-values, kind="stable")
        stamps.append(np.column_stack([points - len(picture) // 2, values])[order])
    return _packed(stamps)


def _packed(stamps: Sequence[np.ndarray]) -> Stamps:
    return Stamps(np.cumsum([0, *map(len, stamps)]), np.concatenate(stamps))
