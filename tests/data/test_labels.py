import itertools
from typing import Any

import pytest

from wavspa.data.labels import (
    alike,
    binary,
    check_classes,
    class_names,
    in_order,
    read_label,
    shown,
)
from wavspa.errors import UserError


@pytest.mark.parametrize(
    ("value", "label"),
    [(0, 0), (1, 1), (False, 0), (True, 1), (1.0, 1), ("0", 0), (" 1", 1), ("0.0", 0), ("True", 1)],
)
def test_spellings_of_0_and_1(value: object, label: int) -> None:
    assert binary(value, "here") == label


@pytest.mark.parametrize("value", [2, -1, 0.5, "yes", "", None, [1]])
def test_others_are_named_with_their_place(value: object) -> None:
    with pytest.raises(UserError, match=r"a\.csv, line 3: the label .* is neither 0 nor 1"):
        binary(value, "a.csv, line 3")


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (["1", "2", "nan", "3"], ["1", "2", "3", "nan"]),
        (["10", "9", "-1"], ["-1", "9", "10"]),
        (["1", "1.0", "01", "0"], ["0", "01", "1", "1.0"]),
        (["inf", "2", "-inf"], ["-inf", "2", "inf"]),
        (["10", "9", "b"], ["10", "9", "b"]),
        (["nan", "NaN", "5"], ["5", "NaN", "nan"]),
    ],
)
def test_labels_have_one_order_whatever_order_they_come_in(
    labels: list[str], order: list[str]
) -> None:
    for permuted in itertools.permutations(labels):
        assert in_order(permuted) == order


CLASSES = {"a": 6, "b": 6}


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"a": 7}, r"a\.csv: the column 'y' holds the same label in each of the 7 rows"),
        ({"0.5": 9, "1.0": 9}, r"numbers with fractions, such as 0\.5: .*dataset\.classes=2"),
        (
            {f"{i}": 1 for i in range(200)},
            r"a different label in each of the 200 rows.*classes=200",
        ),
        ({f"{i}": 4 for i in range(60)}, r"60 different labels in 240 rows, less than 5 rows a"),
        ({"x": 9, "y": 9, "x;y": 9}, r"several labels in one, such as 'x;y'"),
        ({"x;y": 9, "y;z": 9}, r"several labels in one, such as 'x;y'"),
        ({"a|b": 9, "b | c": 9, "d": 1}, r"several labels in one, such as 'a\|b'"),
        ({"x": 9, "y": 9, "x,y": 9}, r"several labels in one, such as 'x,y'"),
    ],
)
def test_what_is_not_a_class_is_refused(counts: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        check_classes(counts, "y", "a.csv")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "counts",
    [
        CLASSES,
        {"1.0": 5, "2.0": 5},
        {f"{i}": 5 for i in range(60)},
        {"Smith, A": 5, "Smith, B": 5},
        {";": 5, ";;": 5, ",": 5},
        {f"{i}": 2 for i in range(10)},
        {"0.5": 5, "none": 5},
    ],
)
def test_what_are_classes_are_taken(counts: dict[str, int]) -> None:
    check_classes(counts, "y", "a.csv")


def test_labels_that_look_alike_are_told_with_their_rows() -> None:
    counts = {"1": 3, "1.0": 2, "2": 9, "spam": 4, "spam ": 1, "Spam": 2, "ham": 1}
    assert alike(counts) == [{"1": 3, "1.0": 2}, {"Spam": 2, "spam": 4, "spam ": 1}]


@pytest.mark.parametrize(
    ("label", "other"),
    [
        ("é", "e\u0301"),
        ("a", "a\u200b"),
        ("É", "e\u0301\ufeff"),
        ("\uff41", "a"),
        ("1", "1.0\u200b"),
    ],
)
def test_labels_of_other_characters_that_look_the_same_are_alike(label: str, other: str) -> None:
    counts = {label: 2, other: 1, "b": 5}
    assert alike(counts) == [{label: 2, other: 1}]


def test_classes_that_the_card_does_not_name_are_numbers() -> None:
    assert class_names({"label_names": ["a", "b", "4"]}, 5) == ["a", "b", "4", "3", "class 4"]
    assert class_names({"label_names": ["a", "b", "c"]}, 2) == ["a", "b"]
    assert class_names({}, 2) == ["0", "1"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([0], r"line 2: the column 'y' holds \[0\], which is not a label"),
        ({"k": list(range(250))}, r"which is not a label"),
        (
            b"cat",
            r"line 2: the column 'y' holds bytes, b'cat', which are not a label: write text or numbers",
        ),
        ("\ud800", r"line 2: the label '\\ud800' holds half of a surrogate pair"),
    ],
)
def test_a_label_that_cannot_be_one(value: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        read_label(value, "y", "line 2")
    assert len(str(error.value)) < 160
    str(error.value).encode()


def test_long_values_are_cut() -> None:
    assert shown("a" * 500) == "'" + "a" * 79 + "…"
