"""The transforms by their definitions, one sample after the other, on one row [N, D].

The convolutions are written as PyWavelets' documentation has them (``dec_lo``, ``dec_hi`` and
convolution), not as our code does (correlation). ``upstream`` is the original's reflect-and-wrap.
"""

import math

import torch
import torch.nn.functional as F


def high_pass(h):
    """``dec_hi`` of an orthogonal ``dec_lo`` [L, D]."""
    taps = len(h)
    return torch.stack([(-1) ** (j + 1) * h[taps - 1 - j] for j in range(taps)])


def walk(position, length):
    """The sample that a walk to ``position`` ends on, turning back at both ends of the signal."""
    place, step = 0, 1 if position > 0 else -1
    for _ in range(abs(position)):
        if not 0 <= place + step < length:
            step = -step
        place += step if length > 1 else 0
    return place


def sample(x, position, boundary):
    """The continued signal at ``position``, which may lie outside ``x [N, D]``."""
    length = len(x)
    if boundary == "zero":
        return x[position] if 0 <= position < length else torch.zeros_like(x[0])
    if boundary == "periodic":
        return x[min(position % (length + length % 2), length - 1)]
    return x[walk(position, length)]


def dec_step(x, h, boundary):
    if boundary == "upstream":
        return upstream_step(x, h)
    taps, periodic = len(h), boundary == "periodic"
    count = math.ceil(len(x) / 2) if periodic else (len(x) + taps - 1) // 2
    offset = taps // 2 if periodic else 1

    def convolve(f):
        rows = []
        for m in range(count):
            window = [f[j] * sample(x, 2 * m + offset - j, boundary) for j in range(taps)]
            rows.append(sum(window))
        return torch.stack(rows)

    return convolve(h), convolve(high_pass(h))


def upstream_step(x, h):
    taps, length = len(h), len(x)
    last = length + taps - 2 + length % 2
    padded = [sample(x, p, "reflect") for p in range(-(taps - 2), last)]
    low, high = upstream_kernels(h)

    def correlate(f):
        rows = []
        for m in range(len(padded) // 2):
            rows.append(sum(padded[(2 * m + k) % len(padded)] * f[k] for k in range(taps)))
        return torch.stack(rows)

    return correlate(low), correlate(high)


def upstream_kernels(h):
    taps = len(h)
    low = [h[taps - 1 - k] for k in range(taps)]
    high = [(-1) ** k * h[k] for k in range(taps)]
    return low, high


def rec_step(approximation, detail, h, boundary):
    """The natural length of one synthesis step."""
    taps, count, g = len(h), len(detail), high_pass(h)
    if boundary == "upstream":
        low, high = upstream_kernels(h)
        terms = [(2 * m + k, m, low[k], high[k]) for m in range(count) for k in range(taps)]
        wrap, first, last = 2 * count, taps - 2, 2 * count - (taps - 2)
    else:
        offset = taps // 2 if boundary == "periodic" else 1
        terms = [(2 * m + offset - j, m, h[j], g[j]) for m in range(count) for j in range(taps)]
        wrap, first, last = None, 0, 2 * count - (taps - 2)
        if boundary == "periodic":
            wrap, last = 2 * count, 2 * count
    out = [torch.zeros_like(detail[0]) for _ in range(last)]
    for position, m, low_tap, high_tap in terms:
        place = position if wrap is None else position % wrap
        if 0 <= place < last:
            out[place] = out[place] + approximation[m] * low_tap + detail[m] * high_tap
    return torch.stack(out[first:])


def dec(x, h, level, boundary):
    details = []
    for _ in range(level):
        x, detail = dec_step(x, h, boundary)
        details.insert(0, detail)
    return [x, *details]


def rec(coeffs, h, boundary):
    approximation = coeffs[0]
    for detail in coeffs[1:]:
        approximation = rec_step(approximation[: len(detail)], detail, h, boundary)
    return approximation


def lift_dec(x, predict, update, level):
    details = []
    for _ in range(level):
        if len(x) % 2:
            x = torch.cat([x, torch.zeros_like(x[:1])])
        even = [x[2 * i] for i in range(len(x) // 2)]
        odd = [x[2 * i + 1] for i in range(len(x) // 2)]
        detail = torch.stack([o - p for o, p in zip(odd, prediction(even, predict), strict=True)])
        x = torch.stack([e + u for e, u in zip(even, correction(detail, update), strict=True)])
        details.insert(0, detail)
    return [x, *details]


def lift_rec(coeffs, predict, update):
    x = coeffs[0]
    for detail in coeffs[1:]:
        smooth = x[: len(detail)]
        even = [s - u for s, u in zip(smooth, correction(detail, update), strict=True)]
        odd = [d + p for d, p in zip(detail, prediction(even, predict), strict=True)]
        x = torch.stack([v for pair in zip(even, odd, strict=True) for v in pair])
    return x


def prediction(even, predict):
    n = len(even)
    if predict is None:
        return [(even[i] + even[(i + 1) % n]) / 2 for i in range(n)]
    return [F.silu(circular(even, predict, i)) / 2 for i in range(n)]


def correction(detail, update):
    n = len(detail)
    if update is None:
        return [(detail[(i - 1) % n] + detail[i]) / 4 for i in range(n)]
    return [F.silu(circular(detail, update, i)) / 4 for i in range(n)]


def circular(x, w, i):
    """Taps beyond the signal's length are ignored."""
    return sum(x[(i + k) % len(x)] * w[k] for k in range(min(len(w), len(x))))


def hartley(x):
    n = len(x)
    rows = []
    for k in range(n):
        angles = [2 * math.pi * k * t / n for t in range(n)]
        rows.append(sum((math.cos(a) + math.sin(a)) * x[t] for t, a in enumerate(angles)))
    return torch.stack(rows) / math.sqrt(n)


def lattice(angles):
    """Filters [L, D] from angles [L/2, D]: rotate the pairs, shift right; at the end shift left."""
    taps = 2 * len(angles)
    c = [torch.ones_like(angles[0])] + [torch.zeros_like(angles[0])] * (taps - 1)
    for t in angles:
        for i in range(0, taps, 2):
            first, second = c[i], c[i + 1]
            c[i] = t.sin() * first + t.cos() * second
            c[i + 1] = t.cos() * first - t.sin() * second
        c = [c[-1], *c[:-1]]
    return torch.stack([*c[1:], c[0]])


def each_row(function, x, *arguments):
    """Apply a reference to every row of ``x [B, N, D]``; lists of bands are stacked band by band."""
    rows = [function(row, *arguments) for row in x]
    if isinstance(rows[0], list):
        return [torch.stack(bands) for bands in zip(*rows, strict=True)]
    return torch.stack(rows)
