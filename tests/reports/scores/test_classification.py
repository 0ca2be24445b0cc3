"""Scores and their intervals against scikit-learn on the same answers, to rounding."""

import warnings

import numpy as np
import pytest
from sklearn import metrics

from wavspa.reports.scores.classification import Answers, confusion, scores_of
from wavspa.reports.scores.intervals import estimate
from wavspa.reports.scores.resampled import Resampled, draws

EXACT = 1e-12


def answers(
    labels: list[int] | np.ndarray, classes: int, seed: int = 0, digits: int | None = None
) -> Answers:
    """Answers that are somewhat right; few digits make ties."""
    rng = np.random.default_rng(seed)
    labels = np.asarray(labels)
    logits = rng.normal(size=(len(labels), classes)) + 0.8 * np.eye(classes)[labels]
    if digits is not None:
        logits = logits.round(digits)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = [f"c{number}" for number in range(classes)]
    return Answers(labels, probabilities, probabilities.argmax(axis=1), names)


def some_labels(classes: int, n: int = 60) -> np.ndarray:
    return np.random.default_rng(classes).integers(classes, size=n)


CASES = {
    "two": answers(some_labels(2), 2),
    "two with ties": answers(some_labels(2), 2, digits=0),
    "five": answers(some_labels(5), 5),
    "five with ties": answers(some_labels(5), 5, digits=0),
    "absent": answers(some_labels(3), 4, seed=3),
    "one": answers([1] * 20, 2),
    "one of three": answers([2] * 20, 3),
}


@pytest.mark.parametrize("case", [name for name in CASES if not name.startswith("one")])
def test_scores_are_scikit_learns(case):
    labels, probabilities, predicted, names = CASES[case]
    classes = range(len(names))
    found = scores_of(CASES[case])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(
            labels, predicted, labels=classes, zero_division=np.nan
        )
        wanted = {
            "accuracy": metrics.accuracy_score(labels, predicted),
            "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted),
            "macro_f1": metrics.f1_score(
                labels, predicted, labels=classes, average="macro", zero_division=np.nan
            ),
            "mcc": metrics.matthews_corrcoef(labels, predicted),
            "nll": metrics.log_loss(labels, probabilities, labels=classes),
            "brier": metrics.brier_score_loss(labels, probabilities, labels=classes),
        }
        if len(names) == 2:
            wanted["auroc"] = metrics.roc_auc_score(labels, probabilities[:, 1])
            wanted["average_precision"] = metrics.average_precision_score(
                labels, probabilities[:, 1]
            )
        elif len(set(labels)) == len(names):
            wanted["auroc"] = metrics.roc_auc_score(labels, probabilities, multi_class="ovr")
            wanted["average_precision"] = metrics.average_precision_score(
                np.eye(len(names))[labels], probabilities
            )
    for name, value in wanted.items():
        assert found.overall[name] == pytest.approx(value, abs=EXACT, nan_ok=True), name
    for name, values in {"precision": precision, "recall": recall, "f1": f1}.items():
        np.testing.assert_allclose(found.per_class[name], values, atol=EXACT)
    assert (
        confusion(CASES[case]) == metrics.confusion_matrix(labels, predicted, labels=classes)
    ).all()


@pytest.mark.parametrize("case", CASES)
def test_resampling_scores_as_the_table_does(case):
    labels, probabilities, predicted, names = CASES[case]
    weights = np.concatenate([np.ones((1, len(labels))), *draws(len(labels), 20)])
    found = Resampled(CASES[case]).scores(weights)
    for number, row in enumerate(weights.astype(int)):
        rows = np.repeat(np.arange(len(labels)), row)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = scores_of(Answers(labels[rows], probabilities[rows], predicted[rows], names))
        for name, value in wanted.overall.items():
            # The calibration error is torchmetrics', in float32.
            exact = 1e-6 if name == "ece" else 1e-9
            assert found.overall[name][number] == pytest.approx(value, abs=exact, nan_ok=True), name
        for name, values in wanted.per_class.items():
            np.testing.assert_allclose(found.per_class[name][number], values, atol=1e-9)


def test_the_calibration_error_is_that_of_its_bins():
    labels, probabilities, predicted, _ = CASES["five"]
    sure = probabilities.max(axis=1)
    bins = np.minimum((sure * 15).astype(int), 14)
    wanted = sum(
        (bins == b).mean() * abs(sure[bins == b].mean() - (labels == predicted)[bins == b].mean())
        for b in set(bins)
    )
    assert scores_of(CASES["five"]).overall["ece"] == pytest.approx(wanted, abs=1e-6)


def test_what_one_class_alone_cannot_define_is_undefined():
    for case in ("one", "one of three"):
        found = scores_of(CASES[case])
        for name in ("balanced_accuracy", "mcc", "auroc", "average_precision"):
            assert np.isnan(found.overall[name]), name
        assert 0 <= found.overall["accuracy"] <= 1
        plain = estimate(CASES[case], 10).plain(CASES[case].names)
        assert plain["overall"]["mcc"] == {"value": None, "interval": None}


def test_a_class_that_does_not_occur_has_no_recall():
    found = scores_of(CASES["absent"])
    assert np.isnan(found.per_class["recall"][3])
    assert np.isnan(found.per_class["auroc"][3])
    never = Answers(np.array([0, 1]), np.eye(3)[[0, 0]], np.array([0, 0]), "abc")
    found = scores_of(never)
    assert np.isnan(found.per_class["precision"][1])
    assert found.per_class["recall"][1] == found.per_class["f1"][1] == 0
    assert np.isnan(found.per_class["f1"][2])
    assert found.overall["macro_f1"] == pytest.approx((2 / 3 + 0) / 2)


def test_intervals_are_repeatable_and_hold_their_score():
    first, second = (estimate(CASES["two"], 200) for _ in range(2))
    assert first == second
    for name, (value, (low, high)) in first.overall.items():
        assert low <= high, name
        # Resampling repeats rows, which a calibration error takes for more of a gap.
        assert low <= value <= high or name == "ece", name
    assert estimate(CASES["two"], 0).overall["mcc"].interval is None
    accuracy = first.overall["accuracy"]
    n, share = 60, accuracy.value
    deviation = (share * (1 - share) / n) ** 0.5
    assert accuracy.interval[1] - accuracy.interval[0] == pytest.approx(
        2 * 1.96 * deviation, rel=0.25
    )


def test_resamples_do_not_depend_on_what_is_in_memory(monkeypatch):
    together = np.concatenate(list(draws(7, 5)))
    monkeypatch.setattr("wavspa.reports.scores.resampled._CHUNK", 14)
    apart = list(draws(7, 5))
    assert len(apart) == 3
    assert (np.concatenate(apart) == together).all()
    assert (together.sum(axis=1) == 7).all()
