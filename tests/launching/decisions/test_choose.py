"""Thresholds and temperatures against a search by scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, log_loss, matthews_corrcoef

from wavspa.errors import UserError
from wavspa.launching.decisions.choose import best_threshold, check_words, choose, fit_temperature
from wavspa.launching.decisions.decision import Decision, read_decision, write_decision
from wavspa.run_folder import layout

SCORES = {
    "f1": f1_score,
    "mcc": matthews_corrcoef,
    "balanced_accuracy": balanced_accuracy_score,
}


def validation(n: int = 80, digits: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    labels = (rng.random(n) < 0.3).astype(np.int64)
    logits = 3 * rng.normal(size=(n, 2)) + 2 * np.eye(2)[labels]
    return (logits if digits is None else logits.round(digits)), labels


@pytest.mark.parametrize("aim", SCORES)
@pytest.mark.parametrize("digits", [None, 0])
def test_no_threshold_is_better_than_the_best(aim, digits):
    logits, labels = validation(digits=digits)
    scores = Decision().probabilities(logits)[:, 1]
    threshold, value = best_threshold(scores, labels, aim)
    score = SCORES[aim]
    assert score(labels, scores >= threshold) == pytest.approx(value, abs=1e-12)
    others = [score(labels, scores >= other) for other in np.unique(scores)]
    assert value == pytest.approx(max(others), abs=1e-12)
    # Between two scores, so that none of the last digits of either decides.
    assert threshold not in scores
    higher = [s for s, v in zip(np.unique(scores), others, strict=True) if v > value - 1e-12]
    assert threshold < max(higher)
    assert (scores >= threshold).sum() == (scores >= max(higher)).sum()


def test_all_or_nearly_all_may_be_of_class_one():
    threshold, value = best_threshold(np.array([0.2, 0.4, 0.3]), np.array([1, 1, 0]), "f1")
    assert (threshold, value) == (pytest.approx(0.1), pytest.approx(0.8))
    threshold, value = best_threshold(np.array([0.5, 0.5]), np.array([1, 0]), "mcc")
    assert (threshold, value) == (0.25, 0.0)


def test_the_temperature_has_the_highest_likelihood():
    logits, labels = validation()
    found = fit_temperature(logits, labels)

    def loss(temperature):
        return log_loss(labels, Decision(temperature).probabilities(logits))

    assert found > 1
    grid = np.geomspace(0.02, 50, 400)
    assert loss(found) <= min(map(loss, grid)) + 1e-9
    assert loss(found) < loss(1.0)


def test_the_threshold_is_of_probabilities_at_the_temperature():
    logits, labels = validation()
    both = choose({"threshold": "best:f1", "temperature": "fit"}, 7, ["a", "b"], (logits, labels))
    alone = choose({"threshold": "best:f1"}, 7, ["a", "b"], (logits, labels))
    # A temperature keeps the order of the examples, so the classes are the same.
    assert (both.classes(logits) == alone.classes(logits)).all()
    assert both.threshold != alone.threshold
    assert both.facts["f1"] == pytest.approx(f1_score(labels, both.classes(logits)))
    assert both.described(["a", "b"]).startswith("temperature ")


def test_a_decision_is_kept_for_its_checkpoint(tmp_path):
    decision = Decision(2.0, 0.25, {"threshold": "0.25", "temperature": "2"}, 7, {"examples": 3})
    write_decision(tmp_path, decision)
    assert read_decision(tmp_path, 7) == decision
    with pytest.raises(
        UserError, match=r"of step 7, but the best one is now that of step 9: .*=0\.25"
    ):
        read_decision(tmp_path, 9)
    for damaged in ("{", "[1]", '{"temperature": "warm"}', '{"other": 1}'):
        (tmp_path / layout.DECISION).write_text(damaged)
        with pytest.raises(UserError, match=r"decision\.json is damaged"):
            read_decision(tmp_path, 7)


@pytest.mark.parametrize(
    ("words", "classes", "message"),
    [
        (
            {"threshold": "best"},
            2,
            r"threshold must be a number between 0 and 1 or best:f1, got 'be",
        ),
        ({"threshold": "1"}, 2, r"threshold must be a number between 0 and 1 or best:f1, got '1'"),
        ({"threshold": "nan"}, 2, r"threshold must be a number between"),
        (
            {"threshold": "best:f2"},
            2,
            r"threshold='best:f2' is unknown; choose one of best:f1, best:m",
        ),
        ({"threshold": "0.5"}, 3, r"threshold= is for two classes, but this run has 3"),
        ({"threshold": "0.5"}, None, r"threshold= is for runs that classify"),
        ({"temperature": "0"}, 2, r"temperature must be a number above 0 or fit, got '0'"),
        ({"temperature": "inf"}, 2, r"temperature must be a number above 0 or fit, got 'inf'"),
        ({"temperature": "warm"}, 2, r"temperature must be a number above 0 or fit, got 'warm'"),
    ],
)
def test_impossible_words_are_refused(words, classes, message):
    with pytest.raises(UserError, match=message):
        check_words(words, classes)


def test_one_class_alone_has_no_best_threshold():
    logits, _ = validation(5)
    with pytest.raises(
        UserError, match="needs both classes in val, where all 5 examples are 'ham'"
    ):
        choose({"threshold": "best:f1"}, 1, ["ham", "spam"], (logits, np.zeros(5, dtype=int)))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 0, 0, 0], "all 4 predictions on val are correct, so that no temperature is too low"),
        ([1, 1, 1, 1], "no temperature between 0.01 and 100 is the best for the 4 predictions"),
    ],
)
def test_predictions_without_a_best_temperature_are_refused(labels, message):
    logits = np.array([[2.0, 0.0], [3.0, 1.0], [1.0, 0.5], [4.0, 0.0]])
    with pytest.raises(UserError, match=f"temperature=fit: {message}"):
        fit_temperature(logits, np.array(labels))
