"""An exported classifier behind the calls of transformers."""

import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

import wavspa
import wavspa.exports.transformers as registered
from support.tiny_files import write_rows
from support.tiny_runs import tiny_run
from wavspa.commands.export import export
from wavspa.errors import UserError
from wavspa.launching.run.build import build
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout

pytestmark = pytest.mark.slow

ROWS = [
    {"text": f"text é {i} " + "ab"[i % 2] * (i % 11), "label": name}
    for i, name in enumerate(["spam", "ham", "ham"] * 14)
]
TEXTS = ["a text", "text é b 7 <pad> 🙂", "b" * 200]
LABELS = torch.tensor([0, 1, 0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The exported folder of a run whose classes have weights."""
    place = tmp_path_factory.mktemp("run")
    write_rows(place / "train.jsonl", ROWS)
    words = ["dataset=files", f"dataset.train={place / 'train.jsonl'}", "dataset.max_length=60"]
    words += ["task.class_weights=balanced", "task.label_smoothing=0.1", "tokenizer=characters"]
    trained = tiny_run(place, *words, "trainer.max_steps=3")
    run(trained)
    export({"run": str(trained)})
    return trained / layout.EXPORT


def inputs(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return tokenizer(TEXTS, padding=True, truncation=True, return_tensors="pt")


def test_texts_to_logits_and_loss(folder):
    feed = inputs(folder)
    config = read_config(folder.parent)
    data = build(config, "dataset")
    data.open_vocabulary()
    batch = data.collate(data.encode_inputs([(text,) for text in TEXTS]))
    assert torch.equal(feed["input_ids"], batch.tokens)
    assert torch.equal(feed["attention_mask"].sum(1), batch.lengths)
    logits = wavspa.load_model(folder.parent)(batch.tokens, batch.lengths)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    answer = model(**feed, labels=LABELS)
    assert torch.equal(answer.logits, logits)
    counts = data.card["splits"]["train"]["labels"]
    total = counts["0"] + counts["1"]
    weights = torch.tensor([total / (2 * counts["0"]), total / (2 * counts["1"])])
    torch.testing.assert_close(
        answer.loss, F.cross_entropy(logits, LABELS, weights, label_smoothing=0.1)
    )
    assert model.config.id2label == {0: "ham", 1: "spam"}


def test_saving_round_trips(folder, tmp_path):
    feed = inputs(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    model.save_pretrained(tmp_path)
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert torch.equal(again(**feed).logits, model(**feed).logits)
    ours = wavspa.load_model(tmp_path)(feed["input_ids"], feed["attention_mask"].sum(1))
    assert torch.equal(ours, model(**feed).logits)


def test_a_new_head_for_other_labels_trains_and_is_kept(folder, tmp_path):
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=5, ignore_mismatched_sizes=True
    )
    feed = inputs(folder)
    answer = model(**feed, labels=torch.tensor([4, 3, 2]))
    assert answer.logits.shape == (3, 5)
    answer.loss.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    model.save_pretrained(tmp_path)
    ours = wavspa.load_model(tmp_path)(feed["input_ids"], feed["attention_mask"].sum(1))
    assert torch.equal(ours, model.eval()(**feed).logits)


@pytest.mark.parametrize("mask", [[0, 1, 1], [1, 0, 1], [0, 0, 0]])
def test_only_pads_on_the_right(folder, mask):
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    with pytest.raises(ValueError, match="padding_side = 'right'"):
        model(torch.tensor([[2, 3, 4]]), torch.tensor([mask]))
    whole = model(torch.tensor([[2, 3, 4]])).logits
    assert torch.equal(whole, model(torch.tensor([[2, 3, 4]]), torch.ones(1, 3)).logits)


def test_pairs_are_refused(folder):
    config = AutoConfig.from_pretrained(folder)
    config.task = "matching"
    with pytest.raises(
        UserError, match=r"task matching does not classify sequences: use wavspa\.load"
    ):
        registered.WavspaForSequenceClassification(config)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import wavspa; wavspa.load_model; print('transformers' in sys.modules)", "False"),
        (
            "import wavspa.data\n"  # torchmetrics imports transformers where it is
            "sys.modules['transformers'] = None\n"
            "try: import wavspa.exports.transformers\n"
            "except ValueError as error: print(error)",
            "wavspa.exports.transformers needs transformers 5: pip install 'wavspa[transformers]'",
        ),
    ],
)
def test_transformers_is_an_extra(program, said):
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == said
