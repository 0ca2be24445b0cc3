"""Greedy and beam search against references that compute everything anew, one source at a time."""

import itertools
import math

import pytest
import torch

from models.seq2seq.test_encoder_decoder import tiny_model
from wavspa import EncoderDecoder
from wavspa.models.seq2seq.search import generate

END = 11


@pytest.fixture(scope="module")
def model():
    return sharpened(tiny_model())


@pytest.fixture(scope="module")
def sources():
    torch.manual_seed(3)
    return torch.randint(1, 20, (6, 15)), torch.tensor([15, 14, 9, 4, 2, 1])


def sharpened(model):
    """Random weights repeat the last token, of whose embedding they are made: mix its features, and
    make some tokens likely.
    """
    with torch.no_grad():
        model.decoder.norm.weight.copy_(4 * torch.randn_like(model.decoder.norm.weight))
    return model


def log_probabilities(model, source, target):
    """[V] of the token after ``target``, a list, by the whole forward pass."""
    targets = torch.tensor([[*target, 1]])
    logits = model(source[None], targets)[0, -1].clone()
    logits[0] = -math.inf
    return logits.log_softmax(dim=-1)


def naive_greedy(model, source, longest):
    target, score = [], 0.0
    while len(target) < longest and END not in target:
        value, token = log_probabilities(model, source, target).max(dim=-1)
        target.append(int(token))
        score += float(value)
    return target, score


def naive_beam(model, source, width, longest, penalty, end=END):
    """The best target, its score, and whether it has an end: beams as lists, sorted in Python."""
    beams, complete, cut = [([], 0.0)], [], []
    for length in range(1, longest + 1):
        further = []
        for target, score in beams:
            for token, value in enumerate(log_probabilities(model, source, target).tolist()):
                if token == end:
                    complete.append(([*target, token], (score + value) / length**penalty))
                elif token:
                    further.append(([*target, token], score + value))
        beams = sorted(further, key=lambda beam: -beam[1])[:width]
        complete = sorted(complete, key=lambda beam: -beam[1])[:width]
        if length == longest:
            cut = [(target, score / length**penalty) for target, score in beams]
        elif len(complete) == width and complete[-1][1] >= beams[0][1] / length**penalty:
            break
    return max(complete + cut, key=lambda beam: beam[1])


def tokens_of(written, row):
    return written.tokens[row, : written.lengths[row]].tolist()


@torch.no_grad()
def test_greedy_takes_the_likeliest_token_each_time(model, sources):
    tokens, lengths = sources
    written = generate(model, tokens, lengths, end=END)
    for row, length in enumerate(lengths):
        target, score = naive_greedy(model, tokens[row, :length], 12)
        assert tokens_of(written, row) == target
        assert float(written.scores[row]) == pytest.approx(score / len(target))
        assert bool(written.ended[row]) == (target[-1] == END)
        assert not written.tokens[row, len(target) :].any()
    # Some end, at different places, and so rows leave the batch.
    assert len(set(written.lengths.tolist())) > 1


@pytest.mark.parametrize("penalty", [0.0, 1.0])
@pytest.mark.parametrize("width", [2, 4])
@torch.no_grad()
def test_beams_are_those_of_the_reference(model, sources, width, penalty):
    tokens, lengths = sources
    options = {"end": END, "beam_width": width, "length_penalty": penalty, "max_length": 7}
    written = generate(model, tokens, lengths, **options)
    for row, length in enumerate(lengths):
        target, score = naive_beam(model, tokens[row, :length], width, 7, penalty)
        assert tokens_of(written, row) == target
        assert float(written.scores[row]) == pytest.approx(score)
        assert bool(written.ended[row]) == (target[-1] == END)


@pytest.mark.parametrize("seed", range(4))
@torch.no_grad()
def test_four_beams_find_the_best_of_all_targets_of_a_toy(seed):
    """Two symbols and an end: four beams hold every beginning of two symbols, and all that ends after it."""
    torch.manual_seed(seed)
    sizes = {"max_len": 8, "max_target_len": 3, "dim": 8, "depth": 1, "heads": 1, "mlp_dim": 8}
    toy = sharpened(EncoderDecoder(4, **sizes, taps=2, dropout=0.0).double().eval())
    source, end = torch.randint(1, 4, (1, 6)), 3
    scores = {}
    for length in range(4):
        for target in itertools.product((1, 2), repeat=length):
            whole = (*target, end) if length < 3 else target
            steps = [
                log_probabilities(toy, source[0], whole[:i])[whole[i]] for i in range(len(whole))
            ]
            scores[whole] = float(sum(steps))
    assert len(scores) == 1 + 2 + 4 + 8
    assert sum(math.exp(score) for score in scores.values()) == pytest.approx(1)
    written = generate(toy, source, end=end, beam_width=4, length_penalty=0.0)
    best = max(scores, key=scores.__getitem__)
    assert tokens_of(written, 0) == list(best)
    assert float(written.scores[0]) == pytest.approx(scores[best])


@pytest.mark.parametrize("width", [1, 4])
def test_without_an_end_targets_are_as_long_as_they_may_be_and_marked(model, sources, width):
    tokens, lengths = sources
    written = generate(model, tokens, lengths, end=None, max_length=5, beam_width=width)
    assert written.lengths.tolist() == [5] * 6
    assert not written.ended.any()
    assert (written.tokens > 0).all()


@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("end", [END, None])
def test_no_sources_have_no_targets(model, sources, width, end):
    tokens, lengths = sources
    written = generate(model, tokens[:0], lengths[:0], end=end, beam_width=width)
    assert written.tokens.shape == (0, 0)
    assert len(written.lengths) == len(written.scores) == len(written.ended) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"end": 0}, r"end must be a token in \[1, 19\] or None, got 0"),
        ({"end": -1}, r"end must be a token in \[1, 19\] or None, got -1"),
        ({"end": 20}, r"end must be a token in \[1, 19\] or None, got 20"),
        ({"max_length": 13}, r"max_length must be in \[1, 12\], got 13"),
        ({"max_length": 0}, r"max_length must be in \[1, 12\], got 0"),
        ({"beam_width": 0}, "beam_width must be at least 1, got 0"),
        ({"length_penalty": -1.0}, r"length_penalty must be at least 0, got -1\.0"),
        ({"length_penalty": float("nan")}, "length_penalty must be at least 0, got nan"),
    ],
)
def test_impossible_values_are_named(model, sources, options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        generate(model, *sources, **{"end": END, **options})


def test_a_model_in_training_mode_is_refused(sources):
    with pytest.raises(ValueError, match=r"must be in evaluation mode.*call model\.eval\(\)"):
        generate(tiny_model(dropout=0.5).train(), *sources, end=END)
