"""CodeXGLUE's two BLEU-4 scores, number for number, and exact matches.

They are two different scores: for summarization the mean over examples, smoothed from the second order on,
of lower-cased words and punctuation; for translation the score of the corpus, smoothed on all orders, of
words separated by blanks. Both are computed here between 0 and 1.
"""

import math
import re
import sys
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

ORDERS = 4

# What the benchmark's script splits after words and single signs: an underscore is a part of a
# word there, and a sign here.
_UNDERSCORE = re.compile("_")
_WORDS_AND_SIGNS = re.compile(r"\w+|[^\s\w]")
# So that nothing is the logarithm of 0; with the script's constant, the same number comes out.
_TINY = sys.float_info.min


class NgramCounts(NamedTuple):
    """What BLEU is computed from; counts of several examples are added up.

    Attributes:
        matches: Number of the prediction's n-grams that the reference has as well, by order.
        possible: Number of n-grams in the prediction, by order.
        predicted: Words of the prediction.
        expected: Words of the reference.
    """

    matches: tuple[int, ...]
    possible: tuple[int, ...]
    predicted: int
    expected: int


def count_ngrams(prediction: Sequence[str], reference: Sequence[str]) -> NgramCounts:
    """The counts of one example, of words."""
    matches, possible = [], []
    for order in range(1, ORDERS + 1):
        found, wanted = _ngrams(prediction, order), _ngrams(reference, order)
        matches.append((found & wanted).total())
        possible.append(found.total())
    return NgramCounts(tuple(matches), tuple(possible), len(prediction), len(reference))


def words_and_signs(text: str) -> list[str]:
    """The lower-cased words and punctuation of a text, as the benchmark compares summaries."""
    parts = _WORDS_AND_SIGNS.findall(text.strip().lower())
    return _UNDERSCORE.sub(" _ ", " ".join(parts)).split()


def sentence_bleu(prediction: str | None, reference: str) -> float:
    """BLEU-4 of one summary.

    Args:
        prediction: None: there is none, and it counts as 0 (the benchmark's script leaves such examples out).
        reference: The right one.
    """
    if prediction is None:
        return 0.0
    counts = count_ngrams(words_and_signs(prediction), words_and_signs(reference))
    total = 0.0
    for order, (matches, possible) in enumerate(zip(counts.matches, counts.possible, strict=True)):
        smooth = int(order > 0)
        total += math.log(matches + smooth + _TINY) - math.log(possible + smooth + _TINY)
    brevity = min(0.0, 1 - (counts.expected + 1) / (counts.predicted + 1))
    return math.exp(total / ORDERS + brevity)


def corpus_bleu(counts: NgramCounts) -> float:
    """BLEU-4 of a corpus of translations.

    Args:
        counts: Counts over all examples, of words separated by blanks.
    """
    if not counts.predicted:
        return 0.0
    precisions = [
        (matches + 1) / (possible + 1)
        for matches, possible in zip(counts.matches, counts.possible, strict=True)
    ]
    mean = math.exp(sum(map(math.log, precisions)) / ORDERS)
    ratio = counts.predicted / counts.expected if counts.expected else math.inf
    return mean * (1.0 if ratio > 1 else math.exp(1 - 1 / ratio))


def is_exact(prediction: str | None, reference: str) -> bool:
    """Whether two texts are equal except for blanks at their ends."""
    return prediction is not None and prediction.strip() == reference.strip()


def _ngrams(words: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + order]) for i in range(len(words) - order + 1))
