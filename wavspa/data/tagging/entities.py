"""Entities in sequences of tags, by the rules of seqeval: its default mode, and its strict mode of a scheme.

seqeval (1.2.2, the last release, of 2020) scores lists of lists of words' tags that are all in memory, on one
process; here the entities of a batch are found at once, and only their counts are kept. The tests hold both
to the same numbers.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

OUTSIDE = "O"
PREFIXES = "OBIESLU"
LENIENT, NONE, BILOU = "lenient", "none", "BILOU"
_ENTITY_TAG = re.compile(r"[BIESLU](-.+)?")
_UNTYPED = "_"
_ANY = "?"


class Rules(NamedTuple):
    """When an entity begins, continues and ends, between a tag and the next one.

    Each is a list of patterns of three signs: the prefix of a tag, that of the next (``?``: any), and whether
    their types are the same (``=``), differ (``!``) or either (``*``).
    """

    prefixes: str
    begins: str
    inside: str
    ends: str

    def last(self) -> str:
        """The prefixes that the last tag of an entity can have, in alphabetical order."""
        return "".join(sorted({pattern[0] for pattern in self.ends.split()}))


STRICT = {
    "IOB1": Rules("OBI", "OI* II! BI* IB= BB=", "BI= II=", "II! IO* IB* BO* BI! BB="),
    "IOB2": Rules("OBI", "?B*", "BI= II=", "IO* II! IB* BO* BI! BB*"),
    "IOE1": Rules("OIE", "OI* II! EI* EE=", "II= IE=", "II! IO* IE! EI= EE="),
    "IOE2": Rules("OIE", "OI* OE* EI* EE* II! IE!", "IE= II=", "E?*"),
    "IOBES": Rules("OBIES", "?B* ?S*", "BI= BE= II= IE=", "S?* E?*"),
    BILOU: Rules("OBILU", "?B* ?U*", "BI= BL= II= IL=", "U?* L?*"),
}
_LENIENT = Rules(
    PREFIXES,
    "?B* ?S* EE* EI* SE* SI* OE* OI* " + " ".join(f"?{prefix}!" for prefix in "BIESLU"),
    "",
    "E?* S?* BB* BS* BO* IB* IS* IO* " + " ".join(f"{prefix}?!" for prefix in "BIESLU"),
)
SCHEMES = (LENIENT, NONE, *STRICT)


def prefix_of(tag: str) -> str:
    """Its first letter."""
    return tag[0]


def type_of(tag: str) -> str:
    """What follows the prefix of a tag of entities."""
    return tag[1:].split("-", 1)[-1] or _UNTYPED


def are_of_entities(tags: Iterable[str]) -> bool:
    """Whether tags are ``O`` and those of entities, such as ``B-PER``, and not only ``O``."""
    others = set(tags) - {OUTSIDE}
    return bool(others) and all(map(_ENTITY_TAG.fullmatch, others))


def scheme_of(tags: Sequence[str]) -> str:
    """What ``dataset.scheme=auto`` makes of the tags of train."""
    if not are_of_entities(tags):
        return NONE
    return BILOU if {"L", "U"} & set(map(prefix_of, tags)) else LENIENT


class Tagset:
    """Finds the entities of tags.

    Args:
        names: What the C tags are called.
        scheme: One of :data:`SCHEMES`; of ``none`` each tag is its own type, and each word an entity.

    Attributes:
        types: Types of the entities, in the order of their names.
    """

    def __init__(self, names: Sequence[str], scheme: str) -> None:
        self.names, self.scheme = list(names), scheme
        self.has_entities = scheme != NONE
        if not self.has_entities:
            self.types = self.names
            return
        own = [OUTSIDE if name == OUTSIDE else type_of(name) for name in self.names]
        self.types = sorted({own[n] for n, name in enumerate(self.names) if name != OUTSIDE})
        # The last tag is that of words without one: it is outside.
        numbers = {kind: number for number, kind in enumerate(self.types)}
        self._types = np.array([numbers.get(kind, -1) for kind in [*own, OUTSIDE]])
        self._prefixes = np.array([PREFIXES.index(name[0]) for name in [*self.names, OUTSIDE]])
        rules = STRICT.get(scheme, _LENIENT)
        self._begins, self._inside, self._ends = map(_table, rules[1:])

    def entities(self, tags: np.ndarray) -> np.ndarray:
        """The entities of a sequence of tags.

        Args:
            tags: Ids [n]; -1: a word without a tag.

        Returns:
            Their first word, the one after their last, and their type: int64 [entities, 3].
        """
        if not self.has_entities:
            places = np.flatnonzero(tags >= 0)
            return np.stack([places, places + 1, tags[places]], axis=1)
        tags = np.concatenate([[-1], tags, [-1]])
        prefixes, types = self._prefixes[tags], self._types[tags]
        pairs = prefixes[:-1], prefixes[1:], (types[:-1] == types[1:]).astype(np.int64)
        # At i, between the words i - 1 and i.
        begins, inside, ends = self._begins[pairs], self._inside[pairs], self._ends[pairs]
        find = _strict if self.scheme in STRICT else _lenient
        first, last = find(begins, inside, ends)
        kinds = types[1:][last - 1] if find is _lenient else types[1:][first]
        return np.stack([first, last, kinds], axis=1)


def _lenient(
    begins: np.ndarray, inside: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """An entity is from the last beginning to each end."""
    last = np.flatnonzero(ends)
    latest = np.maximum.accumulate(np.where(begins, np.arange(len(begins)), 0))
    return latest[last - 1], last


def _strict(
    begins: np.ndarray, inside: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """An entity is a beginning and all that is inside it, if it ends there."""
    stops = np.flatnonzero(~inside)
    first = np.flatnonzero(begins)
    last = stops[np.minimum(np.searchsorted(stops, first, side="right"), len(stops) - 1)]
    kept, taken = [], 0
    for number, (start, stop) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        if start < taken:
            continue
        taken = stop
        if ends[stop]:
            kept.append(number)
    return first[kept], last[kept]


def _table(patterns: str) -> np.ndarray:
    """[prefix, next prefix, same type] bool."""
    table = np.zeros((len(PREFIXES), len(PREFIXES), 2), bool)
    for before, after, types in map(tuple, patterns.split()):
        rows = PREFIXES if before == _ANY else before
        columns = PREFIXES if after == _ANY else after
        same = {"=": [1], "!": [0], "*": [0, 1]}[types]
        table[np.ix_([*map(PREFIXES.index, rows)], [*map(PREFIXES.index, columns)], same)] = True
    return table
