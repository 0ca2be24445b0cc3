import numpy as np

from wavspa.reports.figures.attention import BandOver, draw_over_picture, draw_over_symbols


def bands(length):
    return [
        BandOver(layer, band, np.linspace(0, layer, length))
        for layer in (1, 2)
        for band in ("cA1", "cD1")
    ]


def test_pictures_stand_beside_the_input():
    picture = np.arange(16).reshape(4, 4)
    axes = draw_over_picture(picture, bands(16), "some").axes
    assert [axis.get_title() for axis in axes[:4]] == [
        "input",
        "layer 1, cA1",
        "layer 1, cD1",
        "input",
    ]
    assert axes[1].images[0].get_array()[0].tolist() == np.linspace(0, 1, 16)[:4].tolist()
    assert axes[-1].get_ylabel() == "attention received / even share"


def test_symbols_stand_in_lines_and_are_cut_after_the_fourth():
    words = ["[MAX"] * 5 + ["1"] * 300
    figure = draw_over_symbols(words, bands(305), "some")
    axis = figure.axes[0]
    texts = axis.texts
    assert texts[0].get_text() == "[MAX"
    assert len(texts) == len(axis.patches) < 305
    boxes = np.array([patch.get_bbox().bounds for patch in axis.patches])
    assert set(boxes[:, 1]) == {0, 1, 2, 3}
    for line in range(4):
        of_line = boxes[boxes[:, 1] == line]
        assert np.allclose(of_line[1:, 0], of_line[:-1, 0] + of_line[:-1, 2])
    assert figure.get_suptitle() == f"some, first {len(texts)} of 305 tokens"
