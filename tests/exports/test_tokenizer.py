"""tokenizer.json gives the tokens that the run's own data give, one for one."""

import json

import pytest
from tokenizers import Tokenizer

from support.tiny_files import write_rows
from wavspa.data import Files, ListOps
from wavspa.data.bpe import BPE, BPEFiles
from wavspa.data.digits import Digits
from wavspa.data.tokenizers import Bytes, Characters
from wavspa.data.tokenizers import Tokenizer as Tokens
from wavspa.exports.tokenizer import tokenizer_of

LEARNED = [
    "the cat sat",
    "the hat é🙂",
    "naïve <pad> <end> text",
    "tab\tand\nline",
    "日本語のテキスト",
]
ODD = [
    "a",
    " ",
    "  two  spaces ",
    "\n",
    "\r\n\t\0",
    "é🙂",
    "e\u0301 n\u0303",  # combining marks
    "\u200d\u200b\ufeff",
    "👩‍👩‍👧‍👦🇩🇪",
    "日本語",
    "<pad><unk><end> <|endoftext|>",
    "\u2403\u2404\uffff\U0010ffff",
    "the cat sat on the hat" * 3,
    "x" * 300,
    "é" * 11 + "b",
    "🙂" * 25,
    "end\n\n",
]
LENGTH = 20


def gpt2(folder):
    """A vocabulary as GPT-2's, with a token that looks like ours for pads."""
    bpe = BPE(vocab_size=270)
    bpe.fit(["<pad> the cat"] * 9)
    model = json.loads(bpe.files()["tokenizer.json"])["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = "\n".join(" ".join(pair) for pair in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    return BPEFiles(folder)


TOKENIZERS = {
    "bytes": lambda folder: Bytes(),
    "bytes with end": lambda folder: Bytes(end=True),
    "characters": lambda folder: Characters(),
    "frequent characters": lambda folder: Characters(min_count=3),
    "characters with end": lambda folder: Characters(end=True),
    "bpe": lambda folder: BPE(vocab_size=290),
    "bpe with end": lambda folder: BPE(vocab_size=290, end=True),
    "gpt2": gpt2,
}


def files(folder, tokenizer, stored):
    rows = [{"text": f"{text} {i}", "label": i % 2} for i, text in enumerate(LEARNED * 8)]
    write_rows(folder / "train.jsonl", rows)
    sizes = {"vocab_size": "auto", "classes": "auto", "max_length": LENGTH, "batch_size": 4}
    return Files(
        name="files",
        data_root=folder,
        train=folder / "train.jsonl",
        tokenizer=tokenizer,
        stored_length=stored,
        **sizes,
    )


def exported(data, tmp_path):
    data.prepare_data()
    tokenizer_of(data, data.card).save(str(tmp_path / "tokenizer.json"))
    return Tokenizer.from_file(str(tmp_path / "tokenizer.json"))


@pytest.mark.parametrize("stored", [None, LENGTH, LENGTH + 5])
@pytest.mark.parametrize("kind", TOKENIZERS)
def test_the_same_tokens(kind, stored, tmp_path):
    data = files(tmp_path, TOKENIZERS[kind](tmp_path), stored)
    tokenizer = exported(data, tmp_path)
    examples = data.encode_inputs([(text,) for text in ODD + LEARNED])
    for text, example in zip(ODD + LEARNED, examples, strict=True):
        assert tokenizer.encode(text).ids == example.tokens.tolist(), text
    assert tokenizer.get_vocab_size() == data.tokenizer.size


def test_rows_of_a_batch_are_padded_with_the_pad(tmp_path):
    tokenizer = exported(files(tmp_path, Characters(), None), tmp_path)
    short, long = tokenizer.encode_batch(["at", "a hat"])
    assert short.ids[2:] == [0, 0, 0]
    assert short.attention_mask == [1, 1, 0, 0, 0]
    assert tokenizer.decode(long.ids) == "a hat"


def test_characters_that_the_library_refuses_keep_their_tokens(tmp_path):
    data = files(tmp_path, Characters(), None)
    rows = [{"text": f"{i} \ud800z\uffff", "label": i % 2} for i in range(40)]
    write_rows(tmp_path / "train.jsonl", rows)
    tokenizer = exported(data, tmp_path)
    (example,) = data.encode_inputs([("1z\uffff",)])
    assert tokenizer.encode("1z\uffff").ids == example.tokens.tolist()


def test_a_foreign_tokenizer_has_none(tmp_path):
    class Own(Tokens):
        size = 3

        def cache_key(self):
            return {"name": "own"}

    assert tokenizer_of(files(tmp_path, Own(), None), {}) is None


def test_expressions(tmp_path):
    sizes = {"train_examples": 20, "val_examples": 5, "test_examples": 5, "max_length": 30}
    data = ListOps(
        name="listops",
        data_root=tmp_path,
        min_length=4,
        vocab_size=16,
        classes=10,
        batch_size=4,
        **sizes,
    )
    tokenizer = exported(data, tmp_path)
    texts = ["[MAX 1 2 ]", "( ( [MED 4 ( [SM 1 2 ] ) ) ] )", "[MIN  9\n0 ]", "[MAX 1 2 ] " * 20]
    for text, example in zip(texts, data.encode_inputs([(text,) for text in texts]), strict=True):
        assert tokenizer.encode(text).ids == example.tokens.tolist()
    with pytest.raises(Exception, match="UNK"):
        tokenizer.encode("[MAX 1 x ]")


def test_pictures_have_none(tmp_path):
    data = Digits(
        name="digits", data_root=tmp_path, vocab_size=18, classes=10, max_length=64, batch_size=4
    )
    data.prepare_data()
    assert tokenizer_of(data, data.card) is None
