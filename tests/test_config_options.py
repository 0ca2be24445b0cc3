from wavspa.config_options import did_you_mean, flatten

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
