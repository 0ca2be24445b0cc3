"""Entities of random tags, well formed or not, against seqeval."""

import random

import numpy as np
import pytest
import seqeval.scheme
from seqeval.metrics.sequence_labeling import get_entities

from wavspa.data.tagging.entities import LENIENT, STRICT, Tagset, scheme_of

PREFIXES = {LENIENT: "BIES"} | {name: rules.prefixes[1:] for name, rules in STRICT.items()}
KINDS = ("-X", "-Y-z", "")


def of_seqeval(tags, scheme):
    if scheme == LENIENT:
        return {(kind, start, end + 1) for kind, start, end in get_entities(tags)}
    found = seqeval.scheme.Tokens(tags, getattr(seqeval.scheme, scheme)).entities
    return {(one.tag, one.start, one.end) for one in found}


@pytest.mark.parametrize("scheme", PREFIXES)
def test_entities_of_any_tags_are_those_of_seqeval(scheme):
    chance = random.Random(0)
    names = ["O", *(prefix + kind for prefix in PREFIXES[scheme] for kind in KINDS)]
    tagset = Tagset(names, scheme)
    for _ in range(300):
        tags = [chance.choice(names) for _ in range(chance.randint(1, 12))]
        found = tagset.entities(np.array([names.index(tag) for tag in tags]))
        told = {(tagset.types[kind], start, end) for start, end, kind in found.tolist()}
        assert told == of_seqeval(tags, scheme), tags


def test_a_word_without_a_tag_is_outside():
    tagset = Tagset(["B-X", "I-X", "O"], LENIENT)
    assert tagset.entities(np.array([0, -1, 1])).tolist() == [[0, 1, 0], [2, 3, 0]]
    assert tagset.entities(np.array([-1, -1])).shape == (0, 3)


def test_without_entities_each_word_is_its_tag():
    tagset = Tagset(["NOUN", "VERB"], "none")
    assert tagset.types == ["NOUN", "VERB"]
    assert tagset.entities(np.array([1, -1, 0])).tolist() == [[0, 1, 1], [2, 3, 0]]


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        (["O", "B-PER", "I-PER"], "lenient"),
        (["O", "B", "I"], "lenient"),
        (["O", "B-PER", "L-PER", "U-PER"], "BILOU"),
        (["NOUN", "VERB", "O"], "none"),
        (["O", "B-PER", "PER"], "none"),
    ],
)
def test_what_tags_look_like_decides_the_scheme(tags, scheme):
    assert scheme_of(tags) == scheme
