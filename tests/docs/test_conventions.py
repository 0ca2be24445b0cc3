"""The boundaries drawn in docs/reference/conventions.md are what wavedec reads."""

import re
import string
from pathlib import Path

import pytest
import torch

from wavspa import wavedec
from wavspa.wavelets import BOUNDARIES

PAGE = (Path(__file__).parents[2] / "docs/reference/conventions.md").read_text()
TAPS = 6
LINE = re.compile(r"^(\w+) +([\w ]+) \| ([\w ]+) \| ([\w ]+?) +(\d+)$", re.MULTILINE)


def reads(boundary, names):
    """What the coefficients of one level read, in order: a filter of one tap shows the sample under it."""
    x = torch.arange(1.0, len(names) + 1)[None, :, None]
    read = {}
    for tap in range(TAPS):
        filters = torch.zeros(TAPS, 1)
        filters[TAPS - 1 - tap] = 1
        approximation, _ = wavedec(x, filters, 1, boundary)
        for m, value in enumerate(approximation.flatten().int().tolist()):
            read[2 * m + tap] = "0" if value == 0 else names[value - 1]
    return [read[place] for place in range(len(read))], approximation.shape[1]


def test_every_boundary_is_drawn_for_an_even_and_an_odd_length():
    drawn = [(name, len(samples.split())) for name, _, samples, _, _ in LINE.findall(PAGE)]
    assert drawn == [(name, n) for n in (6, 5) for name in BOUNDARIES]


@pytest.mark.parametrize(("name", "before", "samples", "after", "count"), LINE.findall(PAGE))
def test_a_line_is_what_wavedec_reads(name, before, samples, after, count):
    names = samples.split()
    assert names == list(string.ascii_lowercase[: len(names)])
    read, coefficients = reads(name, names)
    assert before.split() + names + after.split() == read
    assert coefficients == int(count)
