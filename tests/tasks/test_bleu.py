"""CodeXGLUE's scores against examples that were worked out by hand."""

import math

import pytest
from codebleu import calc_codebleu

from wavspa.errors import UserError
from wavspa.tasks import text_metrics
from wavspa.tasks.bleu import corpus_bleu, count_ngrams, is_exact, sentence_bleu, words_and_signs
from wavspa.tasks.text_metrics import summarization, translation


def test_summaries_are_compared_as_lower_cased_words_and_signs():
    assert words_and_signs("  Returns the user's max_len (int). ") == [
        *("returns", "the", "user", "'", "s", "max", "_", "len", "(", "int", ")", ".")
    ]
    assert words_and_signs("x=1.5e-3,  ÄÖ") == ["x", "=", "1", ".", "5e", "-", "3", ",", "äö"]


def test_a_sentence_worked_out():
    # "returns the longest line" for "Returns the longest path .": 4 words against 5.
    # 1-grams 3 of 4, 2-grams 2 of 3, 3-grams 1 of 2, 4-grams 0 of 1; +1 from the second order on:
    # 3/4, 3/4, 2/3, 1/2. Brevity: 1 - (5 + 1) / (4 + 1) = -1/5.
    by_hand = (3 / 4 * 3 / 4 * 2 / 3 * 1 / 2) ** (1 / 4) * math.exp(-1 / 5)
    score = sentence_bleu("returns the longest line", "Returns the longest path .")
    assert score == pytest.approx(by_hand)


def test_sentences_at_the_ends_of_the_scale():
    assert sentence_bleu("Get the name.", "get the name .") == pytest.approx(1)
    # Longer than the reference: no penalty; 2/3, (1 + 1) / (2 + 1), (0 + 1) / (1 + 1), (0 + 1) / (0 + 1).
    assert sentence_bleu("a b c", "a b") == pytest.approx((2 / 3 * 2 / 3 * 1 / 2) ** (1 / 4))
    # No word in common: the original's constant makes it nothing, to 77 places.
    assert 0 < sentence_bleu("x y", "a b") < 1e-70
    # An empty text has no n-grams at all, which the original takes for as good as any: the penalty is left.
    assert sentence_bleu("", "a b c") == pytest.approx(math.exp(-3))
    assert sentence_bleu(None, "a b c") == 0


def test_words_count_as_often_as_the_reference_has_them():
    counts = count_ngrams(["the", "the", "the", "cat"], ["the", "cat", "the"])
    assert counts == ((3, 1, 0, 0), (4, 3, 2, 1), 4, 3)


def test_a_corpus_worked_out():
    pairs = [
        ("int x = 0 ;", "int y = 0 ;"),  # 4 of 5, 2 of 4, 1 of 3, 0 of 2
        ("return X ;", "return x ;"),  # case counts: 2 of 3, 0 of 2, 0 of 1, 0 of 0
    ]
    metric = translation()["bleu"]
    metric.update(*zip(*pairs, strict=True))
    # +1 on all orders: 7/9, 3/7, 2/5, 1/3; 8 words against 8, so exp(1 - 1) = 1.
    by_hand = (7 / 9 * 3 / 7 * 2 / 5 * 1 / 3) ** (1 / 4)
    assert float(metric.compute()) == pytest.approx(by_hand)
    # A third text is missing: 8 words against 11.
    metric.update([""], ["a b c"])
    assert float(metric.compute()) == pytest.approx(by_hand * math.exp(1 - 11 / 8))


def test_a_corpus_is_not_the_mean_of_its_sentences():
    pairs = [("a b c d", "a b c d"), ("x", "y")]
    whole = translation()["bleu"]
    whole.update(*zip(*pairs, strict=True))
    assert float(whole.compute()) == pytest.approx((5 / 6 * 4 / 4 * 3 / 3 * 2 / 2) ** (1 / 4))
    mean = summarization()["sentence_bleu"]
    mean.update(*zip(*pairs, strict=True))
    assert float(mean.compute()) == pytest.approx(0.5)


def test_nothing_was_written():
    assert corpus_bleu(count_ngrams([], ["a"])) == 0
    metrics = summarization()
    for metric in metrics.values():
        metric.update(["a b", "", None], ["a b", "a b", "a b"])
    assert float(metrics["empty"].compute()) == pytest.approx(2 / 3)
    assert float(metrics["exact_match"].compute()) == pytest.approx(1 / 3)
    assert float(metrics["sentence_bleu"].compute()) == pytest.approx((1 + math.exp(-2)) / 3)


def test_lines_match_but_for_blanks_at_their_ends():
    assert is_exact(" a b\n", "a b")
    assert not is_exact("a  b", "a b")
    assert not is_exact("A b", "a b")


def test_a_second_opinion():
    pytest.importorskip("sacrebleu")
    metric = translation(sacrebleu=True)["sacrebleu"]
    metric.update(["a b c d e", "x ü"], ["a b c d e", "x y"])
    # 6 of 7, 4 of 5, 3 of 3, 2 of 2, nothing is smoothed, and the lengths are the same.
    assert float(metric.compute()) == pytest.approx((6 / 7 * 4 / 5) ** (1 / 4))


def test_codebleu_is_a_quarter_each_of_four_scores():
    metric = translation(codebleu="c_sharp")["codebleu"]
    metric.update(
        ["public int F ( int b ) { return b + 1 ; }", None],
        ["public int F ( int a ) { return a + 1 ; }", "x"],
    )
    found = calc_codebleu(
        ["public int F ( int a ) { return a + 1 ; }", "x"],
        ["public int F ( int b ) { return b + 1 ; }", ""],
        lang="c_sharp",
    )
    parts = [
        found[f"{name}_match_score"] for name in ("ngram", "weighted_ngram", "syntax", "dataflow")
    ]
    assert float(metric.compute()) == pytest.approx(sum(parts) / 4)
    assert 0 < sum(parts) / 4 < 1


def test_other_grammars_are_refused(monkeypatch):
    monkeypatch.setitem(text_metrics.CODEBLEU_VERSIONS, "tree-sitter-java", "0.20.9")
    with pytest.raises(
        UserError, match=r"codebleu=java needs tree-sitter-java 0\.20\.9 .*found 0\.21\.0"
    ):
        translation(codebleu="java")
    with pytest.raises(
        UserError, match=r"codebleu='python' is unknown; choose one of java, c_sharp"
    ):
        translation(codebleu="python")
