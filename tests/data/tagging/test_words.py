"""Words of texts, the tokens in which they begin, and spans as tags."""

import numpy as np
import pytest

from wavspa.data.bpe import BPE
from wavspa.data.tagging.words import (
    Span,
    joined_words,
    read_spans,
    split_text,
    tags_of_spans,
)
from wavspa.data.tokenizers import Bytes, Characters
from wavspa.errors import UserError

TEXTS = ["Zoë saw 陳 in New York, 😀 and so on", "naïve façade — ok", "plain words here"]


def fitted(tokenizer):
    tokenizer.fit(TEXTS)
    return tokenizer


@pytest.mark.parametrize(
    "tokenizer",
    [Bytes(), Bytes(end=True), Characters(), BPE(270), BPE(400)],
    ids=["bytes", "end", "characters", "short_bpe", "bpe"],
)
def test_a_word_begins_in_its_first_token(tokenizer):
    tokenizer = fitted(tokenizer)
    for text in TEXTS:
        words = split_text(text, "word")
        (tokens,) = tokenizer.encode([text])
        places = tokenizer.places(text, words.starts)
        for place, start in zip(places, words.starts, strict=True):
            # All that is before the token is before the word, and with the token the word has begun.
            before = text[:start].encode()
            assert len(tokenizer.decode(tokens[:place].tolist()).encode()) <= len(before)
            whole = tokenizer.decode(tokens[: place + 1].tolist())
            assert len(whole.encode()) > len(before)
            assert whole.startswith(text[:start])


def test_places_of_multibyte_characters():
    starts = np.array([0, 1, 2, 3])
    assert Bytes().places("aé陳😀", starts).tolist() == [0, 1, 3, 6]
    assert fitted(Characters()).places("aé陳😀", starts).tolist() == [0, 1, 2, 3]
    tokenizer = BPE(256)
    tokenizer.fit(["a"])
    # Without merges a token is a byte; that of a character is its first.
    assert tokenizer.places("aé陳😀", starts).tolist() == [0, 1, 3, 6]


def test_words_of_a_text_and_of_a_list():
    words = split_text("Zoë's 3 cats.", "word")
    assert words.texts() == ["Zoë", "'", "s", "3", "cats", "."]
    assert split_text("a b", "character").texts() == ["a", "b"]
    joined = joined_words(["New York", "", "is"])
    assert (joined.text, joined.starts.tolist()) == ("New York  is", [0, 9, 10])
    assert joined.texts() == ["New York", "", "is"]


def test_spans_become_tags():
    text = "Zoë saw New York"
    spans = read_spans([[8, 16, "LOC"], {"start": 0, "end": 3, "label": "PER"}], "here")
    assert spans == [Span(0, 3, "PER"), Span(8, 16, "LOC")]
    tags = tags_of_spans(split_text(text, "word"), spans, "here")
    assert tags == ["B-PER", "O", "B-LOC", "I-LOC"]
    tags = tags_of_spans(split_text(text, "character"), [Span(4, 6, "X")], "here")
    assert tags[3:6] == ["B-X", "I-X", "O"]


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([[0, 99, "X"]], r"the span 0\.\.99 \(X\) is empty or beyond the text of 16 characters"),
        ([[3, 3, "X"]], r"the span 3\.\.3 \(X\) is empty"),
        ([[-1, 3, "X"]], "is empty or beyond"),
        ([[0, 7, "X"], [4, 7, "Y"]], r"0\.\.7 \(X\) and 4\.\.7 \(Y\) overlap"),
        ([[3, 4, "X"]], "holds no word"),
        ([[0, 2, "X"]], "cuts the word 'Zoë': dataset.unit=character"),
        ([[4, 10, "X"]], "cuts the word 'New'"),
        (
            [[0, 3]],
            "is not a span: it must be an object with start and end, whole numbers, and label",
        ),
        ([{"start": 0, "end": "3", "label": "X"}], "is not a span"),
        (["PER"], "is not a span"),
    ],
)
def test_spans_that_cannot_be_tags_are_refused(spans, message):
    words = split_text("Zoë saw New York", "word")
    with pytest.raises(UserError, match=message) as refused:
        tags_of_spans(words, read_spans(spans, "file, line 3"), "file, line 3")
    assert str(refused.value).startswith("file, line 3: ")
