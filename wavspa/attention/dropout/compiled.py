# Numba compiles functions without types.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, call-arg, var-annotated"
"""The passes over a tile's scores compiled by Numba: each is read and written once, in float32.

The numbers of :mod:`~wavspa.attention.dropout.plain` to rounding, and its mask to the bit. A row of scores
belongs to one thread from beginning to end: the result does not depend on the number of threads.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from torch import Tensor

from wavspa.attention.dropout.mask import FACTORS, KEYS_OF_A_DRAW, LEVELS, SHIFTS, STEP
from wavspa.attention.dropout.tiles import Problem, Tile
from wavspa.compiled import FAST, kernel, share

# The mask's hash, in uint64.
_STEP, _FACTOR_1, _FACTOR_2 = (np.uint64(n % 2**64) for n in (STEP, *FACTORS))
_SHIFT_1, _SHIFT_2, _SHIFT_3 = map(np.uint64, SHIFTS)

# exp(x) = 2^n exp(r), |r| <= log(2) / 2: log(2) in two parts, the first of few bits, and Cephes'
# polynomial. Below the least exponent the result is tiny, not zero.
_LEAST = np.float32(-87.0)
_LOG2_E = np.float32(1.44269504)
_LOG_2_HIGH, _LOG_2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_P0, _P1, _P2 = (
    np.float32(1.9875691500e-4),
    np.float32(1.3981999507e-3),
    np.float32(8.3334519073e-3),
)
_P3, _P4, _P5 = (
    np.float32(4.1665795894e-2),
    np.float32(1.6666665459e-1),
    np.float32(5.0000001201e-1),
)
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_BIAS, _MANTISSA = np.int32(127), np.int32(23)


def probabilities_(scores: Tensor, lse: Tensor, tile: Tile, problem: Problem) -> None:
    """See :class:`wavspa.attention.dropout.tiles.Passes`."""
    rows = scores.shape[0] * scores.shape[1]
    share(_probabilities, rows, scores.numpy(), lse.numpy(), *_places(tile, problem))


def gradients_(
    scores: Tensor, gradient: Tensor, lse: Tensor, mean: Tensor, tile: Tile, problem: Problem
) -> None:
    """See :class:`wavspa.attention.dropout.tiles.Passes`."""
    rows = scores.shape[0] * scores.shape[1]
    arrays = [x.numpy() for x in (scores, gradient, lse, mean)]
    share(_gradients, rows, *arrays, *_places(tile, problem))


def _places(tile: Tile, problem: Problem) -> tuple[object, ...]:
    """The position of a tile and the keys it may see, as the loops take them."""
    left, right = problem.window or (problem.length, problem.length)
    mask = problem.mask
    return (
        tile.rows.start * problem.length + tile.queries.start,
        tile.queries.start,
        tile.keys.start,
        problem.length,
        np.array(problem.ends[tile.rows]),
        left,
        right,
        np.uint64(mask.seed),
        np.int32(mask.threshold - LEVELS // 2),
        np.float32(mask.scale),
    )


@intrinsic
def _float_of_bits(typing_context, bits):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@njit(inline="always")
def _exp(x):
    # What is not a number passes every comparison and so stays.
    x = _LEAST if x < _LEAST else x
    n = np.floor(x * _LOG2_E + _HALF)
    r = x - n * _LOG_2_HIGH
    r = r - n * _LOG_2_LOW
    p = ((((_P0 * r + _P1) * r + _P2) * r + _P3) * r + _P4) * r + _P5
    power = _float_of_bits(np.int32((np.int32(n) + _BIAS) << _MANTISSA))
    return (p * r * r + r + _ONE) * power


@njit(inline="always")
def _mix(z):
    z = (z ^ (z >> _SHIFT_1)) * _FACTOR_1
    z = (z ^ (z >> _SHIFT_2)) * _FACTOR_2
    return z ^ (z >> _SHIFT_3)


@njit(inline="always")
def _draw(bits, start, first):
    for i in range(bits.shape[0]):
        bits[i] = _mix(start + np.uint64(first + i) * _STEP)


# Helpers are inlined, by Numba or LLVM: one that is called has two versions, its own and one that was
# optimised again in its caller's library. The process that compiles ran the first, those that read the cache
# the second, which rounds otherwise.
# No NaN is promised only here, where one does no harm: its row's sum is not a number anyway.
@njit(fastmath=FAST | {"nnan"}, forceinline=True)
def _largest(row):
    largest = row[0]
    for j in range(row.shape[0]):
        largest = row[j] if row[j] > largest else largest
    return largest


@njit(inline="always")
def _seen(query, key, keys, end, left, right):
    """The first key of a tile that a query sees, and the first one behind, as places in the tile."""
    first = max(query - left, key) - key
    return first, max(min(query + right + 1, end, key + keys) - key, first)


# Loops over slices from 0 on: of other bounds Numba asks at each step whether they count from the end.
@njit(fastmath=FAST, error_model="numpy", forceinline=True)
def _softmax(numbers, bits, threshold, scale):
    """Scores of what a query sees become probabilities after dropout; returns their log-sum."""
    largest = _largest(numbers)
    total = _ZERO
    for j in range(numbers.shape[0]):
        weight = _exp(numbers[j] - largest)
        total += weight
        numbers[j] = weight if bits[j] >= threshold else _ZERO
    factor = scale / total
    for j in range(numbers.shape[0]):
        numbers[j] *= factor
    return largest + np.log(total)


@njit(fastmath=FAST, error_model="numpy", forceinline=True)
def _slopes(numbers, slopes, bits, threshold, scale, log_sum, average):
    """Scores become probabilities after dropout, and the gradient of these that of the scores."""
    for j in range(numbers.shape[0]):
        probability = _exp(numbers[j] - log_sum)
        factor = scale if bits[j] >= threshold else _ZERO
        numbers[j] = probability * factor
        slopes[j] = probability * (slopes[j] * factor - average)


@kernel
def _probabilities(
    begin, stop, scores, lse, row, query, key, length, ends, left, right, seed, threshold, scale
):
    queries, keys = scores.shape[1:]
    skipped = key // KEYS_OF_A_DRAW
    ahead = key - skipped * KEYS_OF_A_DRAW
    draws = np.empty((ahead + keys + KEYS_OF_A_DRAW - 1) // KEYS_OF_A_DRAW, np.uint64)
    bits = draws.view(np.int16)[ahead:]
    for i in range(begin, stop):
        g, t = i // queries, i % queries
        numbers = scores[g, t]
        first, last = _seen(query + t, key, keys, ends[g], left, right)
        numbers[:first] = _ZERO
        numbers[last:] = _ZERO
        lse[g, t] = _ZERO
        if first < last:
            _draw(draws, _mix(seed + np.uint64(row + g * length + t) * _STEP), skipped)
            lse[g, t] = _softmax(numbers[first:last], bits[first:last], threshold, scale)


@kernel
def _gradients(
    begin,
    stop,
    scores,
    gradient,
    lse,
    mean,
    row,
    query,
    key,
    length,
    ends,
    left,
    right,
    seed,
    threshold,
    scale,
):
    queries, keys = scores.shape[1:]
    skipped = key // KEYS_OF_A_DRAW
    ahead = key - skipped * KEYS_OF_A_DRAW
    draws = np.empty((ahead + keys + KEYS_OF_A_DRAW - 1) // KEYS_OF_A_DRAW, np.uint64)
    bits = draws.view(np.int16)[ahead:]
    for i in range(begin, stop):
        g, t = i // queries, i % queries
        numbers, slopes = scores[g, t], gradient[g, t]
        first, last = _seen(query + t, key, keys, ends[g], left, right)
        for outside in (numbers, slopes):
            outside[:first] = _ZERO
            outside[last:] = _ZERO
        _draw(draws, _mix(seed + np.uint64(row + g * length + t) * _STEP), skipped)
        _slopes(
            numbers[first:last],
            slopes[first:last],
            bits[first:last],
            threshold,
            scale,
            lse[g, t],
            mean[g, t],
        )
