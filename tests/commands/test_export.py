"""``wavspa-export`` as it is typed: what the folder holds, what it says, and what it refuses."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from tokenizers import Tokenizer

import wavspa
from support.tiny_files import write_rows
from support.tiny_runs import tiny_run
from wavspa.commands.export import export
from wavspa.errors import UserError
from wavspa.exports import graph_files
from wavspa.launching.analysis.trained_run import TrainedRun
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout

pytestmark = pytest.mark.slow

ROWS = [
    {"body": f"text é {i} " + "ab"[i % 2] * (i % 11), "other": "x" * (1 + i % 5), "y": name}
    for i, name in enumerate(["spam", "ham", "ham"] * 14)
]
SHORT = ["trainer.max_steps=4", "trainer.val_every=2"]
ALWAYS = ["README.md", "config.json", "model.safetensors"]
TOKENIZED = ["tokenizer.json", "tokenizer_config.json"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    write_rows(folder / "train.jsonl", ROWS)
    for split, problems in {"train": [1, 2, 3], "valid": [65, 66], "test": [81, 82]}.items():
        programs = [
            {"label": str(problem), "index": str(index), "code": f"int p{problem}() {{{index}}}"}
            for problem in problems
            for index in range(5)
        ]
        write_rows(folder / "data" / "codexglue" / "poj104" / f"{split}.jsonl", programs)
    return folder


@pytest.fixture(scope="module")
def digits(place):
    return trained(place)


def trained(place, *words):
    if any(word.startswith("dataset=file") for word in words):
        paths = [f"dataset.train={place / 'train.jsonl'}", "dataset.text=body", "dataset.label=y"]
        words = [*words, *paths, "dataset.limit=null", "dataset.max_length=50"]
    folder = tiny_run(place, *words, *SHORT)
    run(folder)
    return folder


def exported(folder, **words):
    export({"run": str(folder), **words})
    return folder / layout.EXPORT


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def same_model(folder):
    ours, again = wavspa.load_model(folder).state_dict(), wavspa.load_model(folder / layout.EXPORT)
    return all(torch.equal(ours[name], tensor) for name, tensor in again.state_dict().items())


def test_texts_with_all_forms(place, capsys):
    folder = trained(place, "dataset=files", "tokenizer=bytes", "model.wavelet=none")
    out = exported(folder, onnx="true", program="true")
    assert names(out) == sorted([*ALWAYS, *TOKENIZED, "model.onnx", "model.pt2"])
    assert capsys.readouterr().out.endswith(f"{out}: {', '.join(names(out))}\n")
    data = TrainedRun(folder, read_config(folder), "test").data
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    rows = tokenizer.encode_batch([row["body"] for row in ROWS])
    tokens = torch.tensor([row.ids for row in rows])
    lengths = torch.tensor([sum(row.attention_mask) for row in rows])
    examples = data.encode_inputs([(row["body"],) for row in ROWS])
    assert tokens.shape == (42, max(len(example.tokens) for example in examples))
    expected = wavspa.load_model(folder)(tokens, lengths).detach()
    feed = {"tokens": tokens.numpy(), "lengths": lengths.numpy()}
    (logits,) = onnxruntime.InferenceSession(out / "model.onnx").run(None, feed)
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    program = torch.export.load(out / "model.pt2").module()
    torch.testing.assert_close(
        program(**{k: torch.from_numpy(x) for k, x in feed.items()}), expected
    )
    config = json.loads((out / "config.json").read_text())
    assert config["id2label"] == {"0": "ham", "1": "spam"}
    assert config["data"]["tokenizer"] == {"name": "bytes", "end": False}
    assert config["graphs"]["model.onnx"]["opset"] == graph_files.OPSET
    assert same_model(folder)
    # Whoever may read one of them may read all.
    assert len({path.stat().st_mode for path in out.iterdir()}) == 1


def test_the_card_says_what_the_run_says(place, digits):
    out = exported(digits)
    assert names(out) == ALWAYS
    card = ModelCard.load(out / "README.md")
    status = json.loads((digits / "status.json").read_text())
    (result,) = [r for r in card.data.eval_results if r.metric_type == "accuracy"]
    assert result.metric_value == status["test"]["test/accuracy"]
    assert (result.dataset_name, result.dataset_split) == ("digits", "test")
    for said in (
        f"| accuracy | {status['test']['test/accuracy']:.4f} |",
        "| metric | test (50 examples) |",
        f"{status['parameters']:,} parameters",
        f"The weights are those of step {status['best']['step']}, the best by val/accuracy",
        "Data: CC BY 4.0.",
        "- steps: 4 of 4, in batches of 16 examples",
        "- seed: 1",
        "- precision: 32-true",
        status["device"],
        "Only the first 50 examples of each split were used.",
        "A pixel of brightness 0..16 is the token brightness + 1.",
        'model = wavspa.load_model("export")',
    ):
        assert said in card.text
    command = re.search(r"^wavspa-train .*$", card.text, re.M)[0]
    assert "model.dim=16" in command
    assert str(place) not in card.content
    assert "wavspa-predict" not in card.text
    assert yaml.safe_load(card.content.split("---")[1])["license"] == "other"


def test_the_programs_of_the_card_run(digits, tmp_path):
    out = exported(digits, program="true")
    code = re.findall(r"```python\n(.*?)```", (out / "README.md").read_text(), re.S)
    program = tmp_path / "program.py"
    program.write_text("\n".join(code) + "\nprint((answer - logits).abs().max().item() < 1e-5)\n")
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, cwd=digits, check=True
    )
    assert done.stdout == "True\n"


CASES = {
    "pairs": (["dataset=file_pairs", "dataset.text2=other", "tokenizer=characters"], TOKENIZED),
    "embeddings": (["dataset=codexglue/poj104", "dataset.batch_size=8"], TOKENIZED),
    "chains": (
        [f"dataset.{split}_examples=50" for split in ("train", "val", "test")]
        + ["dataset=lego", "dataset.variables=7", "dataset.max_length=37"],
        TOKENIZED,
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_other_tasks(place, kind):
    words, more = CASES[kind]
    folder = trained(place, *words)
    out = exported(folder)
    assert names(out) == sorted([*ALWAYS, *more])
    assert same_model(folder)
    code = re.findall(r"```python\n(.*?)```", (out / "README.md").read_text(), re.S)
    assert len(code) == 1
    assert "wavspa.load_model" in code[0]


def test_a_run_that_is_not_finished_is_said_to_be_so(digits, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(digits, folder)
    status = json.loads((folder / "status.json").read_text())
    status = {**status, "state": "interrupted", "step": 2}
    del status["test"]
    (folder / "status.json").write_text(json.dumps(status))
    text = (exported(folder) / "README.md").read_text()
    assert "Not tested: 2 of 4 steps are done." in text
    assert "Training was not finished: step 2 of 4." in text
    assert "model-index" not in text


def test_an_export_that_fails_leaves_what_was_there(digits, monkeypatch):
    before = {path.name: path.read_bytes() for path in exported(digits).iterdir()}

    def differs(graph, answer):
        raise UserError("the graph differs from the model by 1.0e-02 on tokens [1, 1]")

    monkeypatch.setattr(graph_files, "largest_difference", differs)
    with pytest.raises(UserError, match="program=true: the graph differs from the model"):
        export({"run": str(digits), "program": "true"})
    with pytest.raises(UserError, match="program=true: the graph differs"):
        export({"run": str(digits), "program": "true", "output": str(digits / "elsewhere")})
    assert {path.name: path.read_bytes() for path in (digits / "export").iterdir()} == before
    assert not (digits / "elsewhere").exists()
    assert not list(digits.glob(".*.tmp"))
    assert not list(digits.glob(".*.old"))


def test_a_folder_of_something_else_is_not_replaced(digits, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    for output in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(
            UserError, match="exists and is not an exported model, so it is not replaced"
        ):
            export({"run": str(digits), "output": str(output)})
    assert names(tmp_path) == ["mine.txt"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"onnx": "yes"}, "onnx must be true or false, got 'yes'"),
        ({"private": "1"}, "private must be true or false, got '1'"),
        ({"output": "no/where/at/all"}, "output=no/where/at/all: there is no folder no/where/at"),
        ({"output": "."}, "output must be the name of a folder, got '.'"),
        ({"output": ""}, "output must be the name of a folder, got '.'"),
        ({"output": ".."}, "output must be the name of a folder, got '..'"),
        ({"onxx": "true"}, "this run has no option 'onxx'"),
        ({"run": "nowhere"}, "nowhere is not a run's folder"),
    ],
)
def test_mistakes_are_named(digits, words, message):
    with pytest.raises(UserError, match=message):
        export({"run": str(digits), **words})


def test_a_missing_extra_is_named(digits, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(
        UserError, match=r"onnx=true needs onnxruntime: pip install 'wavspa\[onnx\]'"
    ):
        export({"run": str(digits), "onnx": "true", "output": str(tmp_path / "out")})
    assert not names(tmp_path)


def test_a_run_without_a_checkpoint(place):
    with pytest.raises(UserError, match=r"holds no checkpoints/best\.ckpt: run wavspa-run"):
        export({"run": str(tiny_run(place, "seed=7"))})


def test_no_run():
    command = [sys.executable, "-m", "wavspa.commands.export"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: no run was named: wavspa-export run=FOLDER\n"
