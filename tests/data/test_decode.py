import numpy as np
import pytest

from support.tiny_files import write_rows
from wavspa.data import Digits, Files, ListOps
from wavspa.data.bpe import BPE
from wavspa.data.decode import picture, symbols
from wavspa.data.tokenizers import Bytes, Characters

OPTIONS = {"batch_size": 4, "classes": 10, "vocab_size": "auto"}


@pytest.mark.parametrize(
    ("tokenizer", "expected"),
    [
        (Bytes(), ["a", " ", "b", "·", "·", "·"]),
        (Characters(), ["a", " ", "b", "é", "·"]),
        (BPE(vocab_size=256), ["a", "Ġ", "b", "Ã", "©", "Ċ"]),
    ],
)
def test_of_texts_by_their_tokenizer(tmp_path, tokenizer, expected):
    path = tmp_path / "train.csv"
    write_rows(path, [{"text": "a bé\n", "label": n % 2} for n in range(40)])
    files = dict.fromkeys(("train", "val", "test"), str(path))
    data = Files(
        name="some", data_root=tmp_path, tokenizer=tokenizer, max_length=9, **files, **OPTIONS
    )
    data.prepare_data()
    data.setup()
    batch = next(iter(data.val_dataloader()))
    assert symbols(data, batch.tokens[0].numpy()) == expected
    assert picture(data, batch.tokens[0].numpy()) is None


def test_of_a_vocabulary_on_the_card(tmp_path):
    sizes = {f"{split}_examples": 20 for split in ("train", "val", "test")}
    data = ListOps(name="some", data_root=tmp_path, min_length=5, max_length=20, **sizes, **OPTIONS)
    data.prepare_data()
    assert symbols(data, np.array([11, 3, 10, 15])) == ["[MAX", "2", "9", "]"]


def test_digits_are_pictures_whose_tokens_have_no_other_name(tmp_path):
    data = Digits(name="digits", data_root=tmp_path, max_length=64, **OPTIONS)
    data.prepare_data()
    tokens = np.arange(64)
    assert picture(data, tokens).tolist() == tokens.reshape(8, 8).tolist()
    assert picture(data, tokens[:60]) is None
    assert symbols(data, tokens[:2]) == ["0", "1"]
