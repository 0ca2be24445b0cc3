"""An exported encoder of masked tokens behind the calls of transformers."""

import json

import pytest
import torch
from torch.nn import functional as F
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification, AutoTokenizer

import wavspa
import wavspa.exports.transformers
from support.tiny_files import write_rows
from support.tiny_runs import finished_run
from wavspa.commands.export import export
from wavspa.errors import UserError
from wavspa.run_folder import layout

pytestmark = pytest.mark.slow

ROWS = [{"text": f"text {n} of some words", "label": "ab"[n % 2]} for n in range(40)]


@pytest.fixture(scope="module", params=["bytes", "characters", "bpe"])
def folder(request, tmp_path_factory):
    """The exported folder of a pre-trained encoder."""
    place = tmp_path_factory.mktemp("run")
    write_rows(place / "train.jsonl", ROWS)
    words = ["dataset=files", f"dataset.train={place / 'train.jsonl'}", "dataset.max_length=60"]
    words += [f"tokenizer={request.param}", "task=masked"]
    if request.param == "bpe":
        words.append("dataset.tokenizer.vocab_size=280")
    trained = finished_run(place, *words)
    export({"run": str(trained)})
    return trained / layout.EXPORT


def test_a_text_with_masks_to_logits_and_loss(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = ["text <mask> of some words", "te<mask>t"]
    feed = tokenizer(texts, padding=True, return_tensors="pt")
    mask = json.loads((folder / "config.json").read_text())["mask_token_id"]
    assert tokenizer.mask_token_id == mask
    assert (feed["input_ids"] == mask).sum(1).tolist() == [1, 1]
    bare = wavspa.load_model(folder.parent)
    assert bare.mask_token == mask
    model = AutoModelForMaskedLM.from_pretrained(folder)
    labels = torch.where(feed["input_ids"] == mask, 7, -100)
    answer = model(**feed, labels=labels)
    expected = bare(feed["input_ids"], feed["attention_mask"].sum(1))
    assert torch.equal(answer.logits, expected)
    assert answer.logits.shape[-1] == mask
    at_masks = expected[feed["input_ids"] == mask]
    assert answer.loss.item() == pytest.approx(
        F.cross_entropy(at_masks, torch.tensor([7, 7])).item()
    )


def test_what_is_saved_again_is_loaded_again(folder, tmp_path):
    model = AutoModelForMaskedLM.from_pretrained(folder)
    model.save_pretrained(tmp_path)
    tokens = torch.arange(1, 9)[None]
    assert torch.equal(wavspa.load_model(tmp_path)(tokens), wavspa.load_model(folder)(tokens))


def test_it_is_no_classifier(folder):
    with pytest.raises(UserError, match="does not classify sequences"):
        AutoModelForSequenceClassification.from_pretrained(folder)
    card = (folder / "README.md").read_text()
    assert "AutoModelForMaskedLM" in card
    assert "pipeline_tag: fill-mask" in card
    assert "most frequent class" not in card
