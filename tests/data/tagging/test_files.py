"""Files of words and tags, and the data sets that they become."""

import json

import datasets
import numpy as np
import pytest

from support.tiny_runs import compose_run
from wavspa.data import Tagging
from wavspa.data.tagging.files import names_of_numbers, open_tagged
from wavspa.data.tokenizers import Bytes
from wavspa.errors import UserError

CONLL = """\
-DOCSTART- -X- O O

EU NNP B-NP B-ORG
rejects VBZ B-VP O

German JJ B-NP B-MISC
-DOCSTART- -X- O O
Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER
"""
WORDS = [["EU", "rejects"], ["German"], ["Peter", "Blackburn"]]


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def rows(path, row="sentence", columns=("tokens", "tags")):
    return [values for _, values in open_tagged(path, row=row).read(list(columns))]


def test_sentences_documents_and_files_of_conll(tmp_path):
    path = write(tmp_path / "train.conll", CONLL)
    assert open_tagged(path).columns() == ["tokens", "2", "3", "tags"]
    assert [words for words, _ in rows(path)] == WORDS
    assert rows(path)[0] == (["EU", "rejects"], ["B-ORG", "O"])
    assert rows(path, columns=("tokens", "3"))[2] == (["Peter", "Blackburn"], ["B-NP", "I-NP"])
    assert [words for words, _ in rows(path, "document")] == [[*WORDS[0], *WORDS[1]], WORDS[2]]
    assert [words for words, _ in rows(path, "file")] == [[*WORDS[0], *WORDS[1], *WORDS[2]]]
    assert [row.place for row in open_tagged(path).read(["tokens"])] == [3, 6, 8]


def test_tabs_separate_where_there_are_any_and_comments_are_left_out(tmp_path):
    path = write(tmp_path / "train.bio", "# id = 1\nNew York\tB-LOC\r\n#\tO\n\n\n# id = 2\na\tO\n")
    assert rows(path) == [(["New York", "#"], ["B-LOC", "O"]), (["a"], ["O"])]


def test_lines_of_conllu_that_are_not_words_are_left_out(tmp_path):
    lines = [
        "1 Je PRON",
        "2 vais VERB",
        "3-4 au _",
        "3 \u00e0 ADP",
        "4 le DET",
        "4.1 x _",
        "5 lit NOUN",
    ]
    fields = [[number, word, "_", tag, *"______"] for number, word, tag in map(str.split, lines)]
    text = "# text = Je vais au lit\n" + "".join("\t".join(of) + "\n" for of in fields)
    path = write(tmp_path / "train.conllu", text)
    words, tags = ["Je", "vais", "\u00e0", "le", "lit"], ["PRON", "VERB", "ADP", "DET", "NOUN"]
    assert rows(path, columns=("2", "4")) == [(words, tags)]


def test_a_word_that_looks_like_a_number_is_kept_in_other_files(tmp_path):
    text = "".join("\t".join([word, *"ABCDEFGHI"]) + "\n" for word in ("score", "3-4", "5.1"))
    path = write(tmp_path / "train.conll", text)
    assert rows(path, columns=["tokens"]) == [(["score", "3-4", "5.1"],)]


def test_tags_of_hugging_face_have_the_names_of_their_feature(tmp_path):
    features = datasets.Features(
        {
            "tokens": datasets.List(datasets.Value("string")),
            "ner_tags": datasets.List(datasets.ClassLabel(names=["O", "B-PER", "I-PER"])),
        }
    )
    content = {"tokens": [["Ann", "ran"], ["Bo"]] * 10, "ner_tags": [[1, 0], [1]] * 10}
    path = tmp_path / "train.parquet"
    datasets.Dataset.from_dict(content, features).to_parquet(path)
    assert names_of_numbers(path, "ner_tags") == ["O", "B-PER", "I-PER"]
    assert names_of_numbers(path, "tokens") is None
    data = made(tmp_path, train=path, label="ner_tags", test=path, val=path)
    data.prepare_data()
    assert data.card["label_names"] == ["B-PER", "I-PER", "O"]
    assert data.card["splits"]["train"]["labels"] == {"0": 20, "2": 10}
    assert data.infer_auto()["scheme"] == "lenient"


def made(tmp_path, **options):
    plain = {"name": "t", "data_root": tmp_path / "data", "vocab_size": 257, "classes": "auto"}
    more = {"max_length": 64, "batch_size": 4, "tokenizer": Bytes(), "join": " "}
    return Tagging(**{**plain, **more, **options})


def written(path, *items):
    return write(path, "".join(json.dumps(item) + "\n" for item in items))


def test_words_beyond_the_cut_have_no_place(tmp_path, capsys):
    path = written(tmp_path / "t.jsonl", {"tokens": ["Zoë", "", "ran", "off"], "tags": [*"OOOB"]})
    data = made(tmp_path, train=path, val=path, test=path, max_length=8)
    data.prepare_data()
    data.setup("fit")
    assert "1 of 4 words of train begin after dataset.max_length=8" in capsys.readouterr().err
    (batch,) = data.test_dataloader()
    assert batch.tokens.shape == (1, 8)
    assert batch.places.tolist() == [[0, -1, 6, -1]]
    # A word in train of type "_" may also go on.
    assert data.card["label_names"] == ["B", "I", "O"]
    assert batch.labels.tolist() == [[2, 2, 2, 0]]


def test_an_end_token_is_not_read_as_a_word(tmp_path):
    path = written(tmp_path / "t.jsonl", {"tokens": ["a", "b", "c"], "tags": ["O", "X", "O"]})
    tokenizer = Bytes(end=True)
    data = made(
        tmp_path, train=path, val=path, test=path, max_length=3, tokenizer=tokenizer, vocab_size=258
    )
    data.prepare_data()
    data.setup()
    (batch,) = data.test_dataloader()
    assert batch.tokens[0, 2] == tokenizer.end_token
    assert batch.places.tolist() == [[0, -1, -1]]


def test_texts_with_spans_are_held_out_by_their_rarest_tag(tmp_path):
    texts = [{"text": f"word {n} here", "spans": [[5, 5 + len(str(n)), "N"]]} for n in range(40)]
    texts += [{"text": f"nothing {'x' * n}", "spans": None} for n in range(40)]
    path = written(tmp_path / "t.jsonl", *texts)
    data = made(tmp_path, train=path, text="text", label="spans")
    data.prepare_data()
    data.setup()
    parts = [data.card["splits"][split] for split in ("train", "val", "test")]
    assert [part["examples"] for part in parts] == [64, 8, 8]
    assert [part["labels"]["0"] for part in parts] == [32, 4, 4]
    batch = next(iter(data.val_dataloader()))
    assert {tuple(row.tolist()) for row in np.asarray(batch.places)} <= {
        (0, 5, 7),
        (0, 5, 8),
        (0, 8, -1),
    }


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            {"tokens": ["a"], "tags": ["O", "O"]},
            r"there are 1 words in 'tokens' and 2 tags in 'tags'",
        ),
        ({"tokens": ["a", 5], "tags": ["O", "O"]}, "word 2 is 5, which is not text"),
        ({"tokens": [], "tags": []}, r"the column 'tokens' holds \[\]: no words"),
        ({"tokens": [""], "tags": ["O"]}, r"the column 'tokens' holds \[''\]: no words"),
        ({"tokens": 3, "tags": ["O"]}, "holds 3, which is neither a list of words nor text"),
        ({"tokens": "a b", "tags": [[0.0, 1.0, "X"]]}, "start and end, whole numbers, and label"),
        ({"tokens": ["a"], "tags": "O"}, "holds 'O', which is not a list of tags or of spans"),
        ({"tokens": ["a"], "tags": [None]}, "a word has no tag in the column 'tags'"),
        ({"tokens": ["a"], "tags": [["O"]]}, "is not a label"),
        ({"tokens": ["a"], "tags": ["B-ORG"]}, "the tag 'B-ORG' does not occur in"),
        ({"tokens": "a b", "tags": [[0, 9, "X"]]}, "beyond the text of 3 characters"),
        ({"tokens": "  ", "tags": []}, "holds no words"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path, item, message):
    good = {"tokens": ["Ann", "ran"], "tags": ["B-PER", "O"]}
    train = written(tmp_path / "train.jsonl", good)
    test = written(tmp_path / "test.jsonl", good, item)
    data = made(tmp_path, train=train, val=train, test=test)
    with pytest.raises(UserError, match=message) as refused:
        data.prepare_data()
    assert str(refused.value).startswith(f"{test}, line 2: ")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.conll", "a O\n\nb X O\n", r"t\.conll, line 3: a broken row \(3 columns, not 2\)"),
        ("t.conll", "a O\nb O\n", "all words have the same tag, 'O'"),
        ("t.conll", "\n", "holds no words"),
        ("t.conll", "a\nb\n", "has no column 'tags'; its columns are 'tokens'"),
        ("t.csv", "tokens,tags\n", "a csv holds no lists of tags"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, name, text, message):
    path = write(tmp_path / name, text)
    data = made(tmp_path, train=path, val=path, test=path)
    with pytest.raises(UserError, match=message):
        data.prepare_data()


def test_documents_need_their_lines(tmp_path):
    path = write(tmp_path / "t.conll", "a O\nb X\n")
    with pytest.raises(UserError, match="has no line -DOCSTART-"):
        rows(path, "document")


def test_val_and_test_alone_are_limited_by_the_option_of_all_data_sets():
    data = compose_run("dataset=tagging", "dataset.train=t.jsonl", "dataset.eval_limit=3").dataset
    assert (data.limit, data.eval_limit) == (None, 3)
