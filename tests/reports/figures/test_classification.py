import numpy as np
import pytest

from wavspa.errors import UserError
from wavspa.reports.figures.classification import draw_confusion, draw_lengths, wilson


def test_a_confusion_matrix_has_its_counts_and_shares():
    counts = np.array([[3, 1], [0, 2]])
    axis = draw_confusion(counts, ["cat", "dog"]).axes[0]
    assert [text.get_text() for text in axis.texts] == ["3", "1", "0", "2"]
    assert axis.images[0].get_array().tolist() == [[75, 25], [0, 100]]
    assert axis.get_title() == "83.33 % of 6 examples are right"
    assert [label.get_text() for label in axis.get_xticklabels()] == ["cat", "dog"]


def test_of_many_classes_only_the_colours_are_drawn():
    assert not draw_confusion(np.eye(30, dtype=int), [str(n) for n in range(30)]).axes[0].texts


def test_bins_hold_the_examples_of_like_length():
    lengths = np.repeat([10, 20, 30], [40, 30, 30])
    axis = draw_lengths(lengths, lengths < 30, guessing=0.4).axes[0]
    points = [bar.lines[0].get_xydata()[0].tolist() for bar in axis.containers]
    assert points == [[10, 100], [20, 100], [30, 0]]


def test_one_length_is_nothing_to_draw():
    with pytest.raises(UserError, match="all examples are 64 tokens long"):
        draw_lengths(np.full(9, 64), np.ones(9, bool), 0.1)


def test_wilson_s_interval():
    """81 of 263, from Newcombe (1998): 0.2553 to 0.3662."""
    assert wilson(np.arange(263) < 81) == pytest.approx((0.2553, 0.3662), abs=5e-5)
