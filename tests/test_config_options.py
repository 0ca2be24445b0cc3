import pytest

from wavspa.config_options import did_you_mean, flatten, parse_bool
from wavspa.errors import UserError

NESTED = {"seed": 1, "model": {"taps": 16, "attention": ["softmax"], "none": {}}, 3: None}


def test_flatten():
    assert list(flatten(NESTED)) == [
        ("seed", 1),
        ("model.taps", 16),
        ("model.attention", ["softmax"]),
        ("3", None),
    ]
    assert [key for key, _ in flatten(NESTED, inner=True)] == [
        *("seed", "model", "model.taps", "model.attention", "model.none", "3"),
    ]


def test_did_you_mean():
    assert did_you_mean("tap", ["taps", "level"]) == "; did you mean taps?"
    assert did_you_mean("tap", ["taps"], "model.") == "; did you mean model.taps?"
    assert did_you_mean("weather", ["taps"]) == ""


@pytest.mark.parametrize(
    ("value", "parsed"), [("true", True), ("false", False), (True, True), (False, False)]
)
def test_parse_bool(value, parsed):
    assert parse_bool("onnx", value) is parsed


@pytest.mark.parametrize("value", ["yes", "no", "on", "off", "True", "", 1, 0, None])
def test_what_only_looks_like_true_or_false_is_refused(value):
    with pytest.raises(UserError, match=f"^onnx must be true or false, got {value!r}$"):
        parse_bool("onnx", value)
