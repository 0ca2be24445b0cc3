import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from wavspa.data.bpe import BPE, BPEFiles
from wavspa.data.tokenizers import Bytes, Characters
from wavspa.errors import UserError

TEXTS = ["the cat", "the hat", "that é🙂"] * 5
LONE_SURROGATE = json.loads('"\\ud800"')


def fitted(kind: Any, texts: list[str] = TEXTS, **options: Any) -> Any:
    tokenizer = kind(**options)
    tokenizer.fit(texts)
    return tokenizer


def tokens(tokenizer: Any, *texts: str, length: int | None = None) -> list[list[int]]:
    return [row.tolist() for row in tokenizer.encode(texts, length)]


def test_bytes_are_tokens_from_one() -> None:
    assert tokens(Bytes(), "aé", "\0") == [[98, 0xC3 + 1, 0xA9 + 1], [1]]
    assert Bytes().encode(["\xff"])[0].dtype == np.uint16
    assert Bytes().size == 257


def test_characters_are_those_of_the_train_split_in_their_order() -> None:
    tokenizer = fitted(Characters, ["ba🙂", "a"])
    assert tokenizer.vocabulary == ["a", "b", "🙂"]
    assert tokens(tokenizer, "ab🙂c") == [[2, 3, 4, 1]]
    assert tokenizer.size == 5
    assert json.loads(tokenizer.files()["vocabulary.json"]) == ["a", "b", "🙂"]


def test_rare_characters_are_unknown() -> None:
    tokenizer = fitted(Characters, ["ba", "a"], min_count=2)
    assert tokens(tokenizer, "ab") == [[2, 1]]


def test_many_texts_are_counted_piece_by_piece() -> None:
    assert fitted(Characters, ["a"] * 299 + ["b"], min_count=300).vocabulary == []
    assert fitted(Characters, ["a"] * 300 + ["b"], min_count=300).vocabulary == ["a"]


def test_the_end_is_never_cut() -> None:
    end = Bytes(end=True)
    assert tokens(end, "ab", "abc", "abcd", length=3) == [[98, 99, 257]] * 3
    assert tokens(end, "é", "ab") == [[0xC4, 0xAA, 257], [98, 99, 257]]
    assert end.size == 258
    characters = fitted(Characters, ["ab"], end=True)
    assert tokens(characters, "ab", "abab", length=3) == [[2, 3, 4], [2, 3, 4]]
    assert characters.size == 5


def test_bpe_learns_pairs_and_gives_every_byte_back() -> None:
    bpe = fitted(BPE, vocab_size=260)
    assert bpe.size == 261
    (row,) = tokens(bpe, "the\0é🙂")
    assert len(row) < len("the\0é🙂".encode())
    assert min(row) >= 1
    assert max(row) < 261
    kept = Tokenizer.from_str(bpe.files()["tokenizer.json"])
    pieces = "".join(kept.id_to_token(token - 1) for token in row)
    assert pieces == "theĀÃ©ðŁĻĤ"
    assert bpe.encode(["the"])[0].dtype == np.uint16
    assert fitted(BPE, vocab_size=260).files() == bpe.files()


def test_bpe_of_small_data_is_smaller_than_asked_for() -> None:
    assert 257 < fitted(BPE, vocab_size=5000).size < 300


@pytest.fixture
def gpt2(tmp_path: Path) -> Path:
    """The folder of a vocabulary as GPT-2's: 256 bytes and two merges."""
    model = json.loads(fitted(BPE, vocab_size=258).files()["tokenizer.json"])["model"]
    (tmp_path / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = "\n".join(" ".join(pair) for pair in model["merges"])
    (tmp_path / "merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    return tmp_path


def test_bpe_from_files_is_the_same(gpt2: Path) -> None:
    learned, read = fitted(BPE, vocab_size=258), fitted(BPEFiles, folder=gpt2)
    assert tokens(read, *TEXTS, length=4) == tokens(learned, *TEXTS, length=4)
    assert read.size == 259
    assert read.cache_key() == BPEFiles(str(gpt2)).cache_key()
    (gpt2 / "merges.txt").write_text("#version: 0.2\nt h\n")
    assert read.cache_key() != BPEFiles(gpt2).cache_key()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "merges.txt").unlink(), r"no .*merges\.txt; get vocab\.json"),
        (lambda folder: (folder / "vocab.json").write_text("{"), r"vocab\.json .* cannot be used"),
        (lambda folder: (folder / "merges.txt").write_text("#version\nx y\n"), "cannot be used"),
        (
            lambda folder: (
                (folder / "vocab.json").write_text('{"t": 0}'),
                (folder / "merges.txt").write_text("#version: 0.2\n"),
            ),
            r"vocab\.json is not a byte-level",
        ),
    ],
)
def test_files_that_are_no_vocabulary(gpt2: Path, damage: Any, message: str) -> None:
    damage(gpt2)
    with pytest.raises(UserError, match=message):
        BPEFiles(gpt2)


@pytest.mark.parametrize(
    ("kind", "options", "named"),
    [
        (
            BPE,
            {"vocab_size": 255},
            r"^tokenizer\.vocab_size must be .* at least 256, got 255$",
        ),
        (Characters, {"min_count": 0}, r"^tokenizer\.min_count must be .* got 0$"),
    ],
)
def test_impossible_options(kind: Any, options: dict[str, int], named: str) -> None:
    with pytest.raises(UserError, match=named):
        kind(**options)


@pytest.mark.parametrize(
    "tokenizer",
    [Bytes(), fitted(Characters), fitted(BPE, vocab_size=260)],
    ids=lambda t: str(type(t)),
)
def test_half_a_surrogate_pair_is_no_crash(tokenizer: Any) -> None:
    assert all(tokens(tokenizer, LONE_SURROGATE, f"a{LONE_SURROGATE}"))
    tokenizer.fit([LONE_SURROGATE])
    # Files and terminals take what is decoded.
    assert tokenizer.decode(tokenizer.encode([LONE_SURROGATE])[0].tolist()).encode()


@pytest.mark.parametrize("make", [lambda **o: BPE(300, **o), lambda **o: Characters(**o)])
def test_a_vocabulary_is_taken_from_a_run(tmp_path, make):
    learned = make()
    learned.fit(["the words of another text", "and more words"] * 9)
    (tmp_path / "vocabulary").mkdir()
    for name, text in learned.files().items():
        (tmp_path / "vocabulary" / name).write_text(text, encoding="utf-8")
    taken = make(run=str(tmp_path))
    taken.fit(["something else, which nobody reads"])
    assert taken.files() == learned.files()
    tokens = [tokenizer.encode(["the other words"])[0].tolist() for tokenizer in (learned, taken)]
    assert tokens[0] == tokens[1]
    assert taken.cache_key() != learned.cache_key()


@pytest.mark.parametrize("end", [False, True])
@pytest.mark.parametrize("kind", [Bytes, Characters, BPE])
def test_texts_come_back_from_their_tokens(kind: Any, end: bool) -> None:
    options: dict[str, Any] = {"vocab_size": 260} if kind is BPE else {}
    tokenizer = fitted(kind, **options, end=end)
    for text in ("that é🙂", " the  hat\n"):
        (row,) = tokens(tokenizer, text)
        back = tokenizer.decode([*row, 0, 0])
        assert back == (
            text.replace("\n", "\N{REPLACEMENT CHARACTER}") if kind is Characters else text
        )
        assert (row[-1] == tokenizer.end_token) == end


def test_the_end_of_byte_pairs_is_the_last_token_and_never_cut() -> None:
    plain, ended = fitted(BPE, vocab_size=260), fitted(BPE, vocab_size=260, end=True)
    assert ended.size == plain.size + 1
    assert ended.cache_key() == {**plain.cache_key(), "end": True}
    assert tokens(ended, "that") == [[*tokens(plain, "that")[0], ended.size - 1]]
    assert tokens(ended, "that é🙂", length=3)[0][:2] == tokens(plain, "that é🙂", length=2)[0]
    assert tokens(ended, "that é🙂", length=3)[0][2] == ended.end_token


def test_gpt2_is_fetched_where_it_is_not_there(
    gpt2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fetch(root: Path, downloads: Any) -> None:
        asked.extend(item.url for item in downloads)
        for item in downloads:
            name = item.url.rpartition("/")[2]
            root.mkdir(exist_ok=True)
            (root / name).write_bytes((gpt2 / name).read_bytes())

    monkeypatch.setattr("wavspa.data.bpe.download_all", fetch)
    read = BPEFiles(tmp_path / "new", end=True, download=True)
    assert asked[0] == "https://huggingface.co/openai-community/gpt2/resolve/main/vocab.json"
    assert read.size == BPEFiles(gpt2).size + 1
    with pytest.raises(UserError, match=r"there is no .*vocab\.json; get vocab\.json and merges"):
        BPEFiles(tmp_path / "none")
