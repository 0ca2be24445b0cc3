# A compiled function's types are Numba's.
# mypy: disable-error-code="no-untyped-def"
"""Draws ListOps expressions as the Long Range Arena's generator does, about a hundred times faster.

The benchmark's rule: a node is an operator with probability 1/4, unless it is at ``max_depth``;
otherwise it is a digit. Operators, their number of arguments (2 to ``max_args``) and digits are
uniform. An expression is kept if ``min_length < symbols < max_length``, and if it has not been
drawn before.
"""

import hashlib
import itertools
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit

from wavspa.data.lra.listops.grammar import IDS
from wavspa.data.preparation.store import token_table
from wavspa.errors import UserError

OPERATOR_SHARE = 0.25
CHUNK = 500
TRIES_PER_SAMPLE = 10_000
_DIGIT_0 = IDS["0"]
_MAX, _MED, _MIN, _SM, _CLOSE = (IDS[symbol] for symbol in ("[MAX", "[MED", "[MIN", "[SM", "]"))


@dataclass(frozen=True)
class ListOpsRule:
    """The benchmark's parameters; both lengths are exclusive."""

    max_depth: int = 10
    max_args: int = 10
    min_length: int = 500
    max_length: int = 2000


class Chunk(NamedTuple):
    """Samples drawn from one random stream."""

    tokens: np.ndarray
    """[total] uint8, the samples one after another"""
    lengths: np.ndarray
    """[samples] int64"""
    labels: np.ndarray
    """[samples] int64"""
    tries: int
    """expressions drawn, kept or not"""


class UniqueListOps:
    """Splits of distinct samples, the same for a seed and any number of threads.

    Chunk k of a split has its own random stream, a function of (seed, split, k), and duplicates
    fall in the order of splits and chunks. So the splits have to be consumed one after the other,
    in a fixed order.
    """

    def __init__(self, rule: ListOpsRule, seed: int, threads: int = 1) -> None:
        self.tries = 0
        self.drawn = 0
        self._rule = rule
        self._seed = seed
        self._threads = threads
        self._seen: set[bytes] = set()

    def split(self, split: int, examples: int) -> Iterator[pa.Table]:
        """Tables with the columns ``tokens`` (lists of uint8) and ``label``, ``examples`` rows.

        Raises:
            UserError: The rule allows too few distinct expressions of such lengths.
        """
        with ThreadPoolExecutor(self._threads) as pool:
            for chunk in self._chunks(pool, split):
                self.tries += chunk.tries
                self.drawn += len(chunk.lengths)
                rows = self._unseen(chunk)[:examples]
                if not rows:
                    raise UserError(
                        "ListOps has too few distinct samples with "
                        f"{self._rule.min_length} < length < {self._rule.max_length}: lower "
                        "dataset.min_length, raise dataset.max_length or ask for fewer examples"
                    )
                yield token_table([tokens for tokens, _ in rows], [label for _, label in rows])
                examples -= len(rows)
                if examples == 0:
                    return

    def _chunks(self, pool: ThreadPoolExecutor, split: int) -> Iterator[Chunk]:
        """Chunks 0, 1, … without end, a few of them drawn ahead."""
        pending: deque[Future[Chunk]] = deque()
        for k in itertools.count():
            pending.append(pool.submit(draw_chunk, self._rule, (self._seed, split, k)))
            if len(pending) > self._threads:
                yield pending.popleft().result()

    def _unseen(self, chunk: Chunk) -> list[tuple[np.ndarray, int]]:
        """The samples that no chunk before this one, nor this one, has already given."""
        rows = []
        samples = np.split(chunk.tokens, np.cumsum(chunk.lengths))[:-1]
        for tokens, label in zip(samples, chunk.labels, strict=True):
            # A hash, not the sample, keeps memory small; a collision would only drop a sample.
            digest = hashlib.blake2b(tokens.data, digest_size=16).digest()
            if digest not in self._seen:
                self._seen.add(digest)
                rows.append((tokens, int(label)))
        return rows


def draw_chunk(rule: ListOpsRule, seed: tuple[int, ...], samples: int = CHUNK) -> Chunk:
    """Draw ``samples`` kept expressions (fewer where the rule hardly allows any)."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    return Chunk(
        *_draw_chunk(rng, samples, rule.max_depth, rule.max_args, rule.min_length, rule.max_length)
    )


@njit(nogil=True)
def _draw_chunk(rng, samples, max_depth, max_args, min_length, max_length):
    longest = max_length - 1
    tokens = np.empty(samples * longest, np.uint8)
    lengths = np.empty(samples, np.int64)
    labels = np.empty(samples, np.int64)
    arguments = np.empty((max_depth, max_args), np.int64)
    end = kept = tries = 0
    while kept < samples and tries < samples * TRIES_PER_SAMPLE:
        tries += 1
        length, label = _draw_expression(rng, tokens[end : end + longest], arguments)
        if length > min_length:
            lengths[kept] = length
            labels[kept] = label
            kept += 1
            end += length
    return tokens[:end], lengths[:kept], labels[:kept], tries


@njit(nogil=True)
def _draw_expression(rng, tokens, arguments):
    """Write one expression into ``tokens``; return its length and value, or (0, 0): no room.

    ``arguments`` [max_depth, max_args] holds the values of the lists that are open.
    """
    max_depth, max_args = arguments.shape
    operators = np.empty(max_depth, np.int64)
    wanted = np.empty(max_depth, np.int64)
    given = np.empty(max_depth, np.int64)
    length = depth = 0
    while length < tokens.size:
        # The root is at depth 1.
        if depth + 1 < max_depth and rng.random() < OPERATOR_SHARE:
            operators[depth] = _MAX + int(rng.random() * 4)
            wanted[depth] = 2 + int(rng.random() * (max_args - 1))
            given[depth] = 0
            tokens[length] = operators[depth]
            length += 1
            depth += 1
            continue
        value = int(rng.random() * 10)
        tokens[length] = _DIGIT_0 + value
        length += 1
        while depth > 0:
            arguments[depth - 1, given[depth - 1]] = value
            given[depth - 1] += 1
            if given[depth - 1] < wanted[depth - 1]:
                break
            if length == tokens.size:
                return 0, 0
            depth -= 1
            tokens[length] = _CLOSE
            length += 1
            value = _apply(operators[depth], arguments[depth, : wanted[depth]])
        if depth == 0:
            return length, value
    return 0, 0


@njit(nogil=True)
def _apply(operator, values):
    if operator == _MAX:
        return values.max()
    if operator == _MIN:
        return values.min()
    if operator == _MED:
        return int(np.median(values))
    return values.sum() % 10
