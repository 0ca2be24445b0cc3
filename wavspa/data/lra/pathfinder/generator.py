# A compiled function's types are Numba's.
# mypy: disable-error-code="no-untyped-def"
"""The generator of Pathfinder's pictures after Linsley et al. (2018), a thousand times faster.

Two snakes of segments begin near the middle and grow in turns; a dead end restarts both. Then shorter
snakes fill the rest as distractors. A disc marks one end of a snake, another the other end of the same
(label 1) or of the other snake (label 0).

The compiled functions draw from ``rng`` alone and look everything up in `Tables`. ``mask`` and ``free``
are [W, W] uint8 pictures of what is occupied, 255 being full. ``snakes`` [snakes, segments, 3] holds the
point (y, x) and the stamp of each segment, ``pivots`` [snakes, 2] where each snake continues.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from math import ceil
from typing import NamedTuple

import numpy as np
from numba import njit

from wavspa.data.lra.pathfinder.stamps import PathfinderRule, make_tables

# Pixels in a chunk: memory is a few of these.
CHUNK = 2**22
TRIES = 3
DISTRACTOR_TRIES = 5
LEAST_WEIGHT = 1e-4
# Of 255: 1.8 of the sum of two masks blocks a segment, 0.3 of a mask a seed.
COLLISION = 459
OCCUPIED = 77
GUESSES = 64


class Drawn(NamedTuple):
    """Some pictures: [n, W, W] uint8 grey levels, [n] int64 labels and [n] int64 margins."""

    pixels: np.ndarray
    labels: np.ndarray
    margins: np.ndarray


class Pathfinder:
    """Pictures by their number, each a function of (rule, seed, number), not of the number of threads."""

    def __init__(self, rule: PathfinderRule, seed: int, threads: int = 1) -> None:
        self.rule = rule
        self._seed = seed
        self._threads = threads
        self._tables = [make_tables(rule, margin) for margin in rule.margins]

    def chunks(self, first: int, examples: int) -> Iterator[Drawn]:
        """The pictures from number ``first`` on, in their order, some at a time."""
        size = max(1, CHUNK // self.rule.pixels**2)
        end = first + examples
        pending: deque[Future[Drawn]] = deque()
        with ThreadPoolExecutor(self._threads) as pool:
            for start in range(first, end, size):
                pending.append(pool.submit(self.draw, start, min(size, end - start)))
                if len(pending) > self._threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()

    def draw(self, first: int, examples: int) -> Drawn:
        """The same, all at once."""
        rule = self.rule
        side, inside = rule.pixels, slice(rule.padding, rule.pixels - rule.padding)
        frame = np.full((side, side), 255, np.uint8)
        frame[inside, inside] = 0
        contrasts = (rule.target_contrast, rule.distractor_contrast)
        pixels = np.empty((examples, side, side), np.uint8)
        labels = np.empty(examples, np.int64)
        margins = np.empty(examples, np.int64)
        for i in range(examples):
            stream = np.random.SeedSequence((self._seed, first + i))
            rng = np.random.Generator(np.random.PCG64(stream))
            which = rng.integers(len(rule.margins))
            margins[i] = rule.margins[which]
            tables, picture = self._tables[which], np.zeros((side, side), np.float32)
            labels[i] = _draw(
                rng,
                tables,
                rule.contour_length,
                contrasts,
                rule.distractors,
                frame.copy(),
                frame.copy(),
                picture,
            )
            pixels[i] = picture * (255 / picture.max()) + 0.5
        return Drawn(pixels, labels, margins)


@njit(nogil=True)
def _draw(rng, t, length, contrasts, distractors, free, mask, picture):
    """Draw into ``picture`` [W, W] float32; return the label. ``free`` and ``mask`` are used up."""
    targets = np.empty((2, length, 3), np.int64)
    pivots = np.empty((2, 2), np.int64)
    while True:
        _seed_two(rng, t, targets, pivots)
        if _grow(rng, t, free, mask, targets, pivots):
            break
    _add_lines(t, targets, contrasts[0], picture)

    distractor = np.empty((1, length // 3, 3), np.int64)
    for _ in range(distractors):
        if _is_crowded(mask):
            break
        for _ in range(DISTRACTOR_TRIES):
            if _seed_one(rng, t, mask, distractor, pivots) and _grow(
                rng, t, free, mask, distractor, pivots
            ):
                _add_lines(t, distractor, contrasts[1], picture)
                break

    label = _below(rng, 2)
    origin = _below(rng, 2)
    terminal = origin if label == 1 else 1 - origin
    _add_picture(t.marker, 0, targets[origin, 0], 1.0, picture)
    _add_picture(t.marker, 0, targets[terminal, length - 1], 1.0, picture)
    return label


@njit(nogil=True)
def _is_crowded(mask):
    """Whether less than a hundredth of the picture is left."""
    left = 0
    for row in mask:
        for value in row:
            left += value < OCCUPIED
    return left * 100 < mask.size


@njit(nogil=True)
def _seed_two(rng, t, snakes, pivots):
    """The first segments of the two targets: one in the middle, the other near it.

    Both are always inside the picture.
    """
    seed = t.first_seeds[_below(rng, len(t.first_seeds))]
    y = seed[1] + _below(rng, seed[2] - seed[1])
    x = seed[3] + _below(rng, seed[4] - seed[3])
    _place_seed(t, seed[0], y, x, snakes[0], pivots[0])
    away = t.second_tail[_below(rng, 360)]
    y, x = round(y + away[0]), round(x + away[1])
    _place_seed(t, _below(rng, 360), y, x, snakes[1], pivots[1])


@njit(nogil=True)
def _seed_one(rng, t, mask, snakes, pivots):
    """The first segment of a distractor; return whether there is room for it."""
    for _ in range(TRIES):
        direction = _below(rng, 360)
        if t.refused[direction]:
            return False
        y, x = _free_tail(rng, t, mask, direction)
        if y < 0:
            return False
        if _place_seed(t, direction, y, x, snakes[0], pivots[0]):
            return True
    return False


@njit(nogil=True)
def _place_seed(t, direction, y, x, snake, pivot):
    """Begin a snake with its tail at (y, x); return whether head and pivot are in the picture."""
    snake[0, 0], snake[0, 1], snake[0, 2] = y, x, direction
    head_y = ceil(y + t.seed_head[direction, 0])
    head_x = ceil(x + t.seed_head[direction, 1])
    pivot[0] = ceil(head_y + t.seed_pivot[direction, 0])
    pivot[1] = ceil(head_x + t.seed_pivot[direction, 1])
    return (
        min(head_y, head_x, pivot[0], pivot[1]) >= 0
        and max(head_y, head_x, pivot[0], pivot[1]) < t.pixels
    )


@njit(nogil=True)
def _free_tail(rng, t, mask, direction):
    """A pixel drawn from those where a seed finds its footprint free; (-1, -1) if there are none."""
    for _ in range(GUESSES):
        y, x = _below(rng, t.pixels), _below(rng, t.pixels)
        if _is_free(t, mask, direction, y, x):
            return y, x
    found = 0
    chosen = (-1, -1)
    for y in range(t.pixels):
        for x in range(t.pixels):
            if _is_free(t, mask, direction, y, x):
                found += 1
                if _below(rng, found) == 0:
                    chosen = (y, x)
    return chosen


@njit(nogil=True)
def _is_free(t, mask, direction, y, x):
    last = t.pixels - 1
    start, pixels = t.footprints
    for k in range(start[direction], start[direction + 1]):
        at_y, at_x = y + pixels[k, 0], x + pixels[k, 1]
        # The outermost pixels count as occupied.
        if not (0 < at_y < last and 0 < at_x < last) or mask[at_y, at_x] >= OCCUPIED:
            return False
    return True


@njit(nogil=True)
def _grow(rng, t, free, mask, snakes, pivots):
    """Grow seeded snakes in turns; return whether they are complete, else nothing is left of them.

    ``free`` is the mask without them, and is equal to ``mask`` before and after. A snake never collides
    with its own newest segment, which is added to the mask when the next one is placed.
    """
    number, length, _ = snakes.shape
    for i in range(1, length):
        for s in range(number):
            if not _extend(rng, t, mask, snakes[s], pivots[s], i):
                _copy_around(mask, free, snakes[:, :i], t.half)
                return False
            _add_mask(t.masks, snakes[s, i - 1], mask)
    # Of the newest segments only that of the last snake ever is.
    _add_mask(t.masks, snakes[number - 1, length - 1], mask)
    _copy_around(free, mask, snakes, t.half)
    return True


@njit(nogil=True)
def _extend(rng, t, mask, snake, pivot, i):
    """Place segment ``i`` and move the pivot; return whether there is a way on."""
    orientation = snake[i - 1, 2]
    pivot[0] = ceil(pivot[0] + t.step[orientation, 0])
    pivot[1] = ceil(pivot[1] + t.step[orientation, 1])
    sums = np.empty(len(t.candidates))
    total = 0.0
    for c in range(len(t.candidates)):
        weight = t.weights[orientation, c]
        if weight > 0:
            y, x = pivot[0] + t.candidates[c, 0], pivot[1] + t.candidates[c, 1]
            if min(y, x) >= 0 and max(y, x) < t.pixels:
                total += weight * (1 - _highest(mask, t.disc, y, x) / 255)
        sums[c] = total
    if total < LEAST_WEIGHT:
        return False
    for _ in range(TRIES):
        c = np.searchsorted(sums, rng.random() * total, side="right")
        snake[i, 0] = pivot[0] + t.candidates[c, 0]
        snake[i, 1] = pivot[1] + t.candidates[c, 1]
        snake[i, 2] = 360 + c
        if not _collides(t.masks, snake[i], mask):
            return True
    return False


@njit(nogil=True)
def _highest(mask, offsets, y, x):
    """The highest value of ``mask`` at some offsets from (y, x), those outside left out."""
    highest = 0
    for k in range(len(offsets)):
        at_y, at_x = y + offsets[k, 0], x + offsets[k, 1]
        if min(at_y, at_x) >= 0 and max(at_y, at_x) < len(mask):
            highest = max(highest, mask[at_y, at_x])
    return highest


@njit(nogil=True)
def _collides(stamps, segment, mask):
    start, pixels = stamps
    for k in range(start[segment[2]], start[segment[2] + 1]):
        value = pixels[k, 2]
        # High values come first, and the mask adds 255 at most.
        if value + 255 < COLLISION:
            return False
        y, x = segment[0] + pixels[k, 0], segment[1] + pixels[k, 1]
        if min(y, x) >= 0 and max(y, x) < len(mask) and value + mask[y, x] >= COLLISION:
            return True
    return False


@njit(nogil=True)
def _add_mask(stamps, segment, mask):
    start, pixels = stamps
    for k in range(start[segment[2]], start[segment[2] + 1]):
        y, x = segment[0] + pixels[k, 0], segment[1] + pixels[k, 1]
        if min(y, x) >= 0 and max(y, x) < len(mask):
            mask[y, x] = max(mask[y, x], pixels[k, 2])


@njit(nogil=True)
def _copy_around(target, source, snakes, half):
    """Make ``target`` equal to ``source`` wherever stamps of ``snakes`` reach."""
    for s in range(len(snakes)):
        for segment in snakes[s]:
            for y in range(max(0, segment[0] - half), min(len(target), segment[0] + half + 1)):
                for x in range(max(0, segment[1] - half), min(len(target), segment[1] + half + 1)):
                    target[y, x] = source[y, x]


@njit(nogil=True)
def _add_lines(t, snakes, contrast, picture):
    for s in range(len(snakes)):
        for segment in snakes[s]:
            _add_picture(t.lines, segment[2], segment, contrast, picture)


@njit(nogil=True)
def _add_picture(stamps, number, point, contrast, picture):
    start, pixels = stamps
    for k in range(start[number], start[number + 1]):
        y, x = point[0] + pixels[k, 0], point[1] + pixels[k, 1]
        if min(y, x) >= 0 and max(y, x) < len(picture):
            value = np.float32(contrast * (pixels[k, 2] / 255))
            picture[y, x] = max(picture[y, x], value)


@njit(nogil=True)
def _below(rng, n):
    return int(rng.random() * n)
