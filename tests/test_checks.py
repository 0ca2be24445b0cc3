"""The checks of options: what passes, and the line that names what does not."""

from functools import partial

import pytest

from wavspa import checks
from wavspa.errors import UserError

SEED = partial(checks.whole_number, least=0, most=9)
NAN = float("nan")
COLOURS = partial(checks.one_of, legal=("red", "green", None))


@pytest.mark.parametrize(
    ("check", "value", "message"),
    [
        (checks.whole_number, 0, "must be a whole number of at least 1, got 0"),
        (checks.whole_number, True, "must be a whole number of at least 1, got True"),
        (checks.whole_number, "3", "must be a whole number of at least 1, got '3'"),
        (SEED, 10, "must be a whole number from 0 to 9, got 10"),
        (checks.whole_number_or_none, 1.5, "must be a whole number of at least 1, got 1.5"),
        (partial(checks.at_least, least=0), -0.5, "must be at least 0, got -0.5"),
        (partial(checks.at_least, least=0), NAN, "must be at least 0, got nan"),
        (checks.positive, 0.0, "must be above 0, got 0.0"),
        (checks.positive, NAN, "must be above 0, got nan"),
        (checks.number, NAN, "must be a number, got nan"),
        (checks.share, NAN, "must be a number between 0 and 1, got nan"),
        (checks.share, 1, "must be a number between 0 and 1, got 1"),
        (checks.share, "0.5", "must be a number between 0 and 1, got '0.5'"),
    ],
)
def test_an_impossible_value_is_named_with_its_option(check, value, message):
    with pytest.raises(UserError) as caught:
        check("size", value)
    assert str(caught.value) == f"size {message}"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("blue", "colour='blue' is unknown; choose one of red, green, null"),
        ("gren", "colour='gren' is unknown; choose one of red, green, null; did you mean green?"),
    ],
)
def test_an_unknown_name_is_named_with_the_known_ones(value, line):
    with pytest.raises(UserError) as caught:
        COLOURS("colour", value)
    assert str(caught.value) == line


def test_what_is_legal_is_handed_back():
    assert checks.whole_number("size", 7) == 7
    assert SEED("seed", 0) == 0
    assert SEED("seed", 9) == 9
    assert checks.whole_number_or_none("size", None) is None
    assert checks.positive("size", 0.5) == 0.5 == checks.share("size", 0.5)
    assert checks.at_least("size", 0, 0) == 0
    assert COLOURS("colour", None) is None
    assert COLOURS("colour", "red") == "red"


@pytest.mark.parametrize(
    ("value", "parsed"), [("true", True), ("false", False), (True, True), (False, False)]
)
def test_parse_bool(value, parsed):
    assert checks.parse_bool("onnx", value) is parsed


@pytest.mark.parametrize("value", ["yes", "no", "on", "off", "True", "", 1, 0, None])
def test_what_only_looks_like_true_or_false_is_refused(value):
    with pytest.raises(UserError, match=f"^onnx must be true or false, got {value!r}$"):
        checks.parse_bool("onnx", value)
