"""Statistics of dropout's mask: rate, independence of places, rows, heads and seeds."""

import math

import pytest
import torch

from wavspa.attention.dropout.mask import Mask

ROWS, KEYS = 512, 509


def kept(seed=1, dropout=0.1, first_row=0):
    return Mask(seed, dropout).kept(torch.arange(first_row, first_row + ROWS), 0, KEYS)


def deviations(share, of, expected):
    """How many standard deviations a share of ``of`` draws is from what is expected."""
    return abs(share - expected) / math.sqrt(expected * (1 - expected) / of)


@pytest.mark.parametrize("dropout", [0.001, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("seed", [0, 1, 2**62 + 12345])
def test_the_share_that_is_kept(seed, dropout):
    mask = Mask(seed, dropout)
    rate = 1 - mask.threshold / 2**16
    assert abs(rate - (1 - dropout)) <= 2**-17
    assert mask.scale == pytest.approx(1 / rate)
    share = float(kept(seed, dropout).float().mean())
    assert deviations(share, ROWS * KEYS, rate) < 4


def test_each_of_the_draw_s_four_keys_has_the_rate():
    share = kept()[:, : KEYS - 1].float().reshape(-1, KEYS // 4, 4).mean((0, 1))
    assert all(deviations(float(s), ROWS * KEYS // 4, 0.9) < 4 for s in share)


def test_rows_and_columns_have_the_rate():
    """Chi-square of the shares by row and by key: neither too wide nor too even."""
    for dim, count, of in ((1, ROWS, KEYS), (0, KEYS, ROWS)):
        dropped = (~kept()).sum(dim).double()
        rate = Mask(1, 0.1).threshold / 2**16
        square = float(((dropped - of * rate) ** 2 / (of * rate * (1 - rate))).sum())
        assert abs(square - count) / math.sqrt(2 * count) < 4


@pytest.mark.parametrize("dropout", [0.1, 0.5])
@pytest.mark.parametrize(
    ("down", "right"),
    [(0, 1), (0, 2), (0, 3), (0, 4), (0, 8), (1, 0), (1, 1), (1, 4), (2, 0), (64, 0), (128, 8)],
)
def test_neighbours_are_independent(down, right, dropout):
    """Both dropped, at every offset: in a draw, in the next, in the next row, in another tile or head."""
    dropped = ~kept(dropout=dropout)
    here = dropped[: ROWS - down, : KEYS - right]
    both = here & dropped[down:, right:]
    rate = Mask(1, dropout).threshold / 2**16
    assert deviations(float(both.double().mean()), both.numel(), rate**2) < 4


def test_seeds_are_independent():
    for seed in (2, 1 + 2**40, 1 + 0x9E3779B97F4A7C15 % 2**62):
        both = ~kept(1) & ~kept(seed)
        rate = Mask(1, 0.1).threshold / 2**16
        assert deviations(float(both.double().mean()), both.numel(), rate**2) < 4


def test_far_rows_are_independent():
    """Of another head or batch row: numbers that are far apart, beyond 32 bits too."""
    for row in (2**16, 2**20, 2**33):
        both = ~kept() & ~kept(first_row=row)
        rate = Mask(1, 0.1).threshold / 2**16
        assert deviations(float(both.double().mean()), both.numel(), rate**2) < 4


def test_a_part_is_cut_from_the_whole():
    mask = Mask(7, 0.4)
    whole = mask.kept(torch.arange(20), 0, 50)
    for first in range(9):
        part = mask.kept(torch.arange(5, 12), first, 31)
        assert torch.equal(part, whole[5:12, first : first + 31])


def test_the_hash_is_splitmix64():
    """The first numbers of Steele's generator from 0, as its authors' program prints them."""
    from wavspa.attention.dropout.mask import STEP, mix_

    bits = mix_(torch.arange(1, 4) * STEP)
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [number % 2**64 for number in bits.tolist()] == expected
