"""Which tokens are masked: how many, which ones, what stands there."""

import pytest
import torch

from wavspa.data.tokenizers import Bytes
from wavspa.tasks.masking import Options, by_chance, by_content, mask

V = 50
LENGTHS = torch.tensor([1, 2, 7, 20, 33, 100])
TOKENS = torch.randint(1, V, (6, 100), generator=torch.Generator().manual_seed(3))


def masked(options, draw=None, tokens=TOKENS, lengths=LENGTHS, kinds=None, size=V):
    tokens = tokens * (torch.arange(tokens.shape[1]) < lengths[:, None])
    return mask(tokens, lengths, size, options, draw or by_chance(tokens), kinds)


@pytest.mark.parametrize("unit", ["token", "span"])
@pytest.mark.parametrize("rate", [0.1, 0.15, 0.5])
def test_each_row_loses_its_share_and_one_at_least(unit, rate):
    torch.manual_seed(0)
    batch = masked(Options(rate, unit, random=0, kept=0))
    assert batch.counts.sum(1).tolist() == [max(1, round(rate * n)) for n in LENGTHS.tolist()]
    assert ((batch.tokens == V).sum(1) == batch.counts.sum(1)).all()


def test_targets_are_what_stood_at_the_places():
    torch.manual_seed(0)
    batch = masked(Options(0.3, random=0, kept=0))
    for row in range(len(LENGTHS)):
        places = batch.places[row][batch.counts[row]]
        assert len(set(places.tolist())) == len(places)
        assert (places < LENGTHS[row]).all()
        assert (batch.tokens[row, places] == V).all()
        assert torch.equal(batch.targets[row][batch.counts[row]], TOKENS[row, places])
    elsewhere = batch.tokens != V
    real = torch.arange(100) < LENGTHS[:, None]
    assert torch.equal(batch.tokens[elsewhere], (TOKENS * real)[elsewhere])


def test_eight_of_ten_are_masks_one_any_token_one_as_it_was():
    torch.manual_seed(0)
    tokens = torch.full((400, 100), 7)
    batch = masked(Options(0.5), None, tokens, torch.full((400,), 100), size=10**6)
    inside = batch.tokens.gather(1, batch.places)[batch.counts]
    assert len(inside) == 20_000
    assert (inside == 10**6).float().mean() == pytest.approx(0.8, abs=0.01)
    assert (inside == 7).float().mean() == pytest.approx(0.1, abs=0.01)
    assert inside.min() >= 1


def test_spans_have_their_mean_length():
    torch.manual_seed(0)
    tokens = torch.ones(300, 200, dtype=torch.long)
    batch = masked(Options(0.1, "span", 4.0, 0, 0), None, tokens, torch.full((300,), 200))
    is_mask = batch.tokens == V
    starts = is_mask & ~torch.nn.functional.pad(is_mask, (1, 0))[:, :-1]
    # Neighbours merge, and the last one is cut.
    assert is_mask.sum() / starts.sum() == pytest.approx(4.0, abs=0.5)


def test_words_are_masked_as_a_whole():
    torch.manual_seed(0)
    text = "the wavelet, of_a signal é in 12345 levels " * 4
    tokens = torch.tensor(Bytes().encode([text])[0].astype("int64")).repeat(50, 1)
    kinds = torch.from_numpy(Bytes().word_kinds())
    lengths = torch.full((50,), tokens.shape[1])
    batch = masked(Options(0.15, "word", random=0, kept=0), None, tokens, lengths, kinds, 257)
    data = text.encode()
    words, word = [], -1
    for i, byte in enumerate(data):
        inside = byte >= 128 or chr(byte).isalnum() or byte == ord("_")
        before = i and (data[i - 1] >= 128 or chr(data[i - 1]).isalnum() or data[i - 1] == ord("_"))
        word += not (inside and before)
        words.append(word)
    words = torch.tensor(words)
    budget = round(0.15 * len(data))
    for row in batch.tokens == 257:
        assert 1 <= row.sum() <= budget
        assert not set(words[row].tolist()) & set(words[~row].tolist())


def test_a_unit_longer_than_all_that_may_be_masked_is_divided():
    torch.manual_seed(0)
    tokens = torch.full((3, 40), 98)  # one word
    kinds = torch.from_numpy(Bytes().word_kinds())
    batch = masked(Options(0.1, "word"), None, tokens, torch.full((3,), 40), kinds, 257)
    assert batch.counts.sum(1).tolist() == [4, 4, 4]


def test_a_fixed_mask_depends_on_nothing_but_its_row():
    options = Options(0.15, "span")
    whole = masked(options, by_content(TOKENS, LENGTHS))
    for row, length in enumerate(LENGTHS.tolist()):
        tokens, lengths = TOKENS[row : row + 1, :length], torch.tensor([length])
        alone = masked(options, by_content(tokens, lengths), tokens, lengths)
        assert torch.equal(alone.tokens[0], whole.tokens[row, :length])
        places = whole.places[row][whole.counts[row]]
        assert sorted(alone.places[0][alone.counts[0]].tolist()) == sorted(places.tolist())


def test_fixed_numbers_are_evenly_spread_and_differ_by_row_and_stream():
    tokens = torch.randint(1, 9, (64, 500), generator=torch.Generator().manual_seed(1))
    draw = by_content(tokens, torch.full((64,), 500))
    first, second = draw(0), draw(1)
    counts = torch.histc(first, 10, 0, 1)
    assert (counts / 3200 - 1).abs().max() < 0.06
    assert abs(torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1]) < 0.02
    assert (first[0] != first[1]).all()


def test_fixed_masks_stay_what_they_are():
    tokens = torch.arange(1, 21)[None]
    batch = mask(
        tokens, torch.tensor([20]), 30, Options(0.3), by_content(tokens, torch.tensor([20]))
    )
    assert batch.places[0][batch.counts[0]].tolist() == FIXED


FIXED = [5, 3, 19, 2, 16, 7]
