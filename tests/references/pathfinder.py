"""Pathfinder's rule on whole pictures, one step after the other, with nothing looked up."""

from math import ceil

import numpy as np
from PIL import Image, ImageDraw

from wavspa.data.lra.pathfinder.stamps import PathfinderRule

Point = np.ndarray
OUTSIDE = -1.0


def picture(rule: PathfinderRule, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """A picture [W, W] uint8 and its label."""
    return Picture(rule, rng).draw()


class _DeadEnd(Exception):
    pass


class _Snake:
    """Tip, pivot, direction and the newest mask of a snake, and the picture of its lines."""

    def __init__(self, tail: Point, head: Point, pivot: Point, angle: float) -> None:
        self.tail, self.head, self.pivot, self.angle = tail, head, pivot, angle
        self.newest = self.lines = np.zeros(())


class Picture:
    """One picture in the making; ``margin`` has been drawn."""

    def __init__(self, rule: PathfinderRule, rng: np.random.Generator) -> None:
        self.rule, self.rng, self.side = rule, rng, rule.pixels
        self.margin = int(rng.choice(rule.margins))
        self.length, self.reach = rule.paddle_length, rule.paddle_length + self.margin

    def draw(self) -> tuple[np.ndarray, int]:
        rule, rng = self.rule, self.rng
        while True:
            try:
                mask = _framed(np.zeros((self.side, self.side)), rule.padding)
                first = self.free_seed(_framed(mask, 2 * rule.seed_distance))
                away = rule.seed_distance * _direction(rng.integers(360) * np.pi / 180)
                second = self.seed(np.round(first.tail + away).astype(int), self.random_angle())
                mask = self.grow([first, second], mask, rule.contour_length, rule.target_contrast)
                break
            except _DeadEnd:
                continue
        image = np.maximum(first.lines, second.lines)
        for _ in range(rule.distractors):
            for _ in range(5):
                try:
                    snake = self.free_seed(_framed(mask, 1))
                    segments = int(rule.distractor_length)
                    mask = self.grow([snake], mask, segments, rule.distractor_contrast)
                    image = np.maximum(image, snake.lines)
                    break
                except _DeadEnd:
                    continue
        label, origin = rng.integers(2), rng.integers(2)
        snakes = [first, second]
        for point in (snakes[origin].tail, snakes[origin if label else 1 - origin].head):
            image = np.maximum(image, self.disc(point))
        return (image * (255 / image.max()) + 0.5).astype(np.uint8), int(label)

    def random_angle(self) -> float:
        return float(self.rng.integers(-180, 180) * np.pi / 180)

    def seed(self, tail: Point, angle: float) -> _Snake:
        head = _ceil(tail + self.length * _direction(angle))
        snake = _Snake(tail, head, _ceil(head - self.reach * _direction(angle)), angle)
        if not (_inside(snake.head, self.side) and _inside(snake.pivot, self.side)):
            raise _DeadEnd
        return snake

    def free_seed(self, occupied: np.ndarray) -> _Snake:
        for _ in range(3):
            angle = self.random_angle()
            window = np.zeros((2 * self.reach + 1, 2 * self.reach + 1))
            centre = np.array([self.reach + 1, self.reach + 1])
            footprint = np.argwhere(self.stamp(window.shape, centre, angle)[1] == 1) - self.reach
            around = _highest(occupied, footprint)
            tails = np.argwhere((around <= 0.3) & (around > OUTSIDE))
            if not len(tails) or (self.rule.faithful and (around == OUTSIDE).any()):
                raise _DeadEnd
            try:
                return self.seed(self.rng.choice(tails), angle)
            except _DeadEnd:
                continue
        raise _DeadEnd

    def grow(
        self, snakes: list[_Snake], mask: np.ndarray, segments: int, contrast: float
    ) -> np.ndarray:
        for snake in snakes:
            line, snake.newest = self.stamp(mask.shape, snake.tail, snake.angle)
            snake.lines = contrast * line
        for _ in range(segments - 1):
            for snake in snakes:
                line, newest = self.extend(snake, mask)
                snake.lines = np.maximum(snake.lines, contrast * line)
                mask = np.maximum(mask, snake.newest)
                snake.newest = newest
        return np.maximum(mask, snakes[-1].newest)

    def extend(self, snake: _Snake, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        snake.pivot = _ceil(snake.pivot + (self.reach + self.margin) * _direction(snake.angle))
        circle = np.arange(0, 2 * np.pi, 1 / self.reach)
        heads = {
            tuple(np.floor(snake.pivot + self.reach * _direction(a)).astype(int)) for a in circle
        }
        points = np.array([head for head in sorted(heads) if _inside(np.array(head), self.side)])
        if not len(points):
            raise _DeadEnd
        angles = np.arctan2(*(points - snake.pivot).T)
        turns = np.abs(angles - snake.angle)
        turns = np.minimum(np.minimum(turns, 2 * np.pi - turns) * self.rule.continuity, np.pi / 2)
        around = _highest(mask, _disc(self.margin))
        weights = np.cos(turns) ** 2 * (1 - around[tuple(points.T)])
        if weights.sum() < 1e-4:
            raise _DeadEnd
        for _ in range(3):
            chosen = self.rng.choice(len(points), p=weights / weights.sum())
            back = angles[chosen] + (np.pi if angles[chosen] < 0 else -np.pi)
            line, newest = self.stamp(mask.shape, points[chosen], back)
            if (mask + newest).max() < 1.8:
                snake.head, snake.angle = points[chosen], angles[chosen]
                return line, newest
        raise _DeadEnd

    def stamp(
        self, shape: tuple[int, ...], start: Point, angle: float
    ) -> tuple[np.ndarray, np.ndarray]:
        half = self.length + ceil(self.rule.thickness) + self.margin
        centre = 2 * half
        head = _ceil(centre + 2 * self.length * _direction(angle))
        canvas = Image.new("L", (4 * half + 1, 4 * half + 1))
        ImageDraw.Draw(canvas).line(
            [(centre, centre), (int(head[1]), int(head[0]))],
            fill=255,
            width=int(2 * self.rule.thickness),
        )
        line = np.array(canvas)
        mask = np.maximum(_highest(line, _disc(2 * self.margin)), 0).astype(np.uint8)
        return tuple(_paste(_shrink(p, 2 * half + 1), start, shape) for p in (line, mask))  # type: ignore

    def disc(self, point: Point) -> np.ndarray:
        canvas = np.zeros((2 * self.side, 2 * self.side), np.uint8)
        y, x = np.indices(canvas.shape) - 2 * point[:, None, None]
        canvas[y**2 + x**2 <= (2 * self.rule.marker_radius) ** 2] = 255
        return _shrink(canvas, self.side)


def _direction(angle: float) -> np.ndarray:
    return np.array([np.sin(angle), np.cos(angle)])


def _ceil(point: np.ndarray) -> Point:
    return np.ceil(point).astype(int)


def _inside(point: Point, side: int) -> bool:
    return bool((point >= 0).all() and (point < side).all())


def _framed(mask: np.ndarray, width: int) -> np.ndarray:
    framed = np.ones_like(mask)
    framed[width:-width, width:-width] = mask[width:-width, width:-width]
    return framed


def _disc(radius: int) -> np.ndarray:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.argwhere(y**2 + x**2 <= radius**2) - radius


def _highest(mask: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The highest value at ``offsets`` from each pixel, OUTSIDE where all of them lie outside."""
    wide = np.pad(mask.astype(float), len(mask), constant_values=OUTSIDE)
    shifted = [np.roll(wide, tuple(-offset), (0, 1)) for offset in offsets]
    size = len(mask)
    return np.max(shifted, axis=0)[size : 2 * size, size : 2 * size]


def _shrink(canvas: np.ndarray, side: int) -> np.ndarray:
    return np.array(Image.fromarray(canvas).resize((side, side), Image.Resampling.LANCZOS)) / 255


def _paste(stamp: np.ndarray, start: Point, shape: tuple[int, ...]) -> np.ndarray:
    half = len(stamp) // 2
    wide = np.zeros((shape[0] + 4 * half, shape[1] + 4 * half))
    top, left = start + half
    wide[top : top + len(stamp), left : left + len(stamp)] = stamp
    return wide[2 * half : 2 * half + shape[0], 2 * half : 2 * half + shape[1]]
