"""The commands and programs in a model card: how the model was made, and how to use it."""

import shlex
from collections.abc import Mapping

from wavspa.data import SequenceDataModule
from wavspa.data.bpe import TOKENIZER
from wavspa.data.text_datamodule import Texts
from wavspa.exports.graph_files import ONNX, PROGRAM
from wavspa.exports.hub_config import CLASSIFICATION, MASKED, TAGGING, task_name
from wavspa.reports.runs.collect import Run

# Overrides that name paths, or describe how a sweep was run.
_PLACES = ("runs=", "data_root=", "jobs=", "rerun=", "hydra/", "name=", "experiment_name=")

_TOKENS = """\
rows = Tokenizer.from_file("{folder}/tokenizer.json").encode_batch(["one text", "another"])
tokens = torch.tensor([row.ids for row in rows])  # padded on the right with 0
lengths = torch.tensor([sum(row.attention_mask) for row in rows])
"""
_NO_TOKENS = """\
tokens = torch.zeros(1, {length}, dtype=torch.int64)  # rows of tokens, padded on the right with 0
lengths = torch.tensor([{length}])  # the real length of each row
"""
_VALUES = """\
tokens = torch.zeros(1, {length}, {inputs})  # rows of values as in the data, any values after their end
lengths = torch.tensor([{length}])  # the real length of each row
"""
_CALLS = {
    "matching": "logits = model(tokens, tokens, lengths, lengths)  # pairs: first texts, second texts",
    "embedding": "vectors = model.pool(model(tokens, lengths), lengths)  # compare them by cosine",
    MASKED: "logits = model(tokens, lengths)  # for every token; the mask is token {mask}",
    "multilabel": "found = model(tokens, lengths).sigmoid()  # for each label; predict those that reach"
    "\n# their threshold in config.json",
    "regression": "numbers = model(tokens, lengths)  # in the units of the data, in the order of id2label",
    TAGGING: "logits = model(tokens, lengths)  # for every token; a word's tag is read at its first one",
    "lego": "logits = model(tokens, lengths)  # for every position",
}
_OF_CLASSES = "input=new.csv output=classes.csv"
_ANSWERS = {
    **dict.fromkeys((CLASSIFICATION, "matching", "multilabel", "regression"), _OF_CLASSES),
    TAGGING: "input=new.txt output=tags.jsonl",
}
_LOGITS = "logits = model(tokens, lengths)  # one for each class of config.json's id2label"
_ONNX = """\
import onnxruntime

session = onnxruntime.InferenceSession("{folder}/model.onnx")
(answer,) = session.run(None, {{{feed}}})
"""
_PROGRAM = """\
answer = torch.export.load("{folder}/model.pt2").module()({arguments})
"""
_TRANSFORMERS = """\
{plugins}import wavspa.exports.transformers  # pip install 'wavspa[transformers]'
from transformers import AutoModelForSequenceClassification

model = AutoModelForSequenceClassification.from_pretrained("{name}")
"""
_TRANSFORMERS_MASKED = _TRANSFORMERS.replace("SequenceClassification", "MaskedLM")


def training(run: Run) -> str:
    """The commands that repeat the run and score it."""
    words = [word for word in run.config["frozen"]["overrides"] if not word.startswith(_PLACES)]
    folder = f"runs/{run.config['experiment_name']}/{run.config['name']}"
    return "\n".join([shlex.join(["wavspa-train", *words]), f"wavspa-evaluate run={folder}"])


def loading(run: Run, data: SequenceDataModule, files: Mapping[str, str], name: str) -> str:
    """How to load and call the model, as blocks of Markdown.

    Args:
        run: The files of the run.
        data: Its data.
        files: Descriptions of the files in the exported folder, by name.
        name: Name of the folder, or of the model on the hub.
    """
    task = task_name(run.config)
    folder = name.rpartition("/")[2]
    plugins = [f"import {name}" for name in run.config["frozen"].get("plugins", ())]
    head = ["import torch", "import wavspa", *plugins, "", f'model = wavspa.load_model("{name}")']
    if TOKENIZER in files:
        head.insert(2, "from tokenizers import Tokenizer")
        tokens = _TOKENS.format(folder=folder)
    else:
        shape = {"length": run.config["dataset"]["max_length"], "inputs": data.inputs}
        tokens = (_NO_TOKENS if data.inputs is None else _VALUES).format(**shape)
    call = _CALLS.get(task, _LOGITS).format(mask=run.config["model"].get("vocab_size"))
    blocks = [_python("\n".join(head) + "\n" + tokens + call)]
    inputs = ["tokens", "lengths"]
    if task == "matching":
        inputs = ["tokens1", "lengths1", "tokens2", "lengths2"]
    if ONNX in files:
        feed = ", ".join(f'"{word}": {word.rstrip("12")}.numpy()' for word in inputs)
        blocks.append(_python(_ONNX.format(folder=folder, feed=feed)))
    if PROGRAM in files:
        arguments = ", ".join(f"{word}={word.rstrip('12')}" for word in inputs)
        blocks.append(_python(_PROGRAM.format(folder=folder, arguments=arguments)))
    if task in (CLASSIFICATION, MASKED):
        code = _TRANSFORMERS if task == CLASSIFICATION else _TRANSFORMERS_MASKED
        imports = "".join(f"{line}\n" for line in plugins)
        blocks.append(_python(code.format(name=name, plugins=imports)))
    if isinstance(data, Texts) and task in _ANSWERS:
        folder = f"runs/{run.config['experiment_name']}/{run.config['name']}"
        blocks.append(f"```\nwavspa-predict run={folder} {_ANSWERS[task]}\n```")
    return "\n\n".join(blocks)


def _python(code: str) -> str:
    return f"```python\n{code.rstrip()}\n```"
