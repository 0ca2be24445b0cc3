"""Scores of tags, batch by batch, against seqeval and scikit-learn on the same predictions."""

import random
from itertools import chain

import pytest
import seqeval.metrics
import seqeval.scheme
import torch
from sklearn.metrics import accuracy_score, f1_score

from wavspa.data.tagging.entities import Tagset
from wavspa.tasks.class_weights import balanced_weights, of_seen
from wavspa.tasks.targets.tags import TagCounts

NAMES = ["B-LOC", "B-PER", "I-LOC", "I-PER", "O"]
IOBES = [f"{prefix}-{kind}" for prefix in "BIES" for kind in ("LOC", "PER")] + ["O"]
BATCH = 8


def drawn(names, rows, seed):
    """True and predicted tags, which are often equal, and often not those of any entity."""
    chance = random.Random(seed)
    true = [[chance.choice(names) for _ in range(chance.randint(1, 9))] for _ in range(rows)]
    told = [[tag if chance.random() < 0.7 else chance.choice(names) for tag in row] for row in true]
    return true, told


def padded(rows, names, pad):
    width = max(map(len, rows))
    return torch.tensor(
        [[*(names.index(tag) for tag in row), *[pad] * (width - len(row))] for row in rows]
    )


def counted(names, scheme, true, told):
    counts = TagCounts(len(names))
    counts.tagset = Tagset(names, scheme)
    for start in range(0, len(true), BATCH):
        part = slice(start, start + BATCH)
        counts.update(padded(told[part], names, 0), padded(true[part], names, -100))
    return counts.counted()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize(
    ("names", "scheme"), [(NAMES, "lenient"), (NAMES, "IOB2"), (IOBES, "IOBES")]
)
@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_seqeval(names, scheme, seed):
    true, told = drawn(names, 50, seed)
    found = counted(names, scheme, true, told)
    options = (
        {} if scheme == "lenient" else {"mode": "strict", "scheme": getattr(seqeval.scheme, scheme)}
    )
    options["zero_division"] = 0
    scores = found.scores()
    for name in ("f1", "precision", "recall"):
        expected = getattr(seqeval.metrics, f"{name}_score")(true, told, **options)
        assert scores[f"entity_{name}"] == pytest.approx(expected)
    report = seqeval.metrics.classification_report(true, told, output_dict=True, **options)
    for kind, of_type in found.by_type().items():
        expected = report.get(kind, {"precision": 0, "recall": 0, "f1-score": 0, "support": 0})
        assert of_type["precision"] == pytest.approx(expected["precision"])
        assert of_type["recall"] == pytest.approx(expected["recall"])
        assert of_type["f1"] == pytest.approx(expected["f1-score"])
        assert of_type["support"] == expected["support"]
    flat = [list(chain(*rows)) for rows in (true, told)]
    assert scores["token_accuracy"] == pytest.approx(accuracy_score(*flat))
    assert scores["token_f1"] == pytest.approx(f1_score(*flat, average="macro"))


def test_words_that_are_not_read_count_as_missed():
    true = [["B-PER", "I-PER", "O", "B-LOC"]]
    counts = TagCounts(5)
    counts.tagset = Tagset(NAMES, "lenient")
    counts.update(torch.tensor([[1, 3, 4, -1]]), padded(true, NAMES, -100))
    found = counts.counted()
    scores = found.scores()
    assert (scores["entity_precision"], scores["entity_recall"]) == (1.0, 0.5)
    assert scores["token_accuracy"] == 0.75
    assert found.confusion[:, -1].tolist() == [1, 0, 0, 0, 0]


def test_a_tag_without_words_in_train_has_no_balanced_weight():
    counts = {"0": 30, "2": 10}
    weights = of_seen(balanced_weights(counts, 3), counts)
    assert weights[1] == 0
    assert weights[2] == pytest.approx(3 * float(weights[0]))


def test_plain_tags_have_scores_of_words_alone():
    names = ["NOUN", "VERB"]
    true, told = drawn(names, 20, 0)
    scores = counted(names, "none", true, told).scores()
    flat = [list(chain(*rows)) for rows in (true, told)]
    assert scores == {
        "token_accuracy": pytest.approx(accuracy_score(*flat)),
        "token_f1": pytest.approx(f1_score(*flat, average="macro")),
    }
