"""The exported folder: its files, written completely or not at all."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save
from torch import nn

from wavspa import atomic
from wavspa.data import SequenceDataModule
from wavspa.data.bpe import TOKENIZER
from wavspa.data.targets.numbers import Scale
from wavspa.errors import UserError
from wavspa.exports.graph_files import ONNX, PROGRAM, write_onnx, write_program
from wavspa.exports.hub_config import MASKED, hub_config, task_name
from wavspa.exports.model_card.card import model_card
from wavspa.exports.tokenizer import CONFIG as TOKENIZER_CONFIG
from wavspa.exports.tokenizer import add_mask, tokenizer_config, tokenizer_of
from wavspa.exports.trace import trace
from wavspa.reports.runs.collect import Run
from wavspa.run_folder import layout
from wavspa.training.checkpoints.exported import read_config

CARD = "README.md"
WRITERS = {ONNX: write_onnx, PROGRAM: write_program}
ABOUT = {
    layout.EXPORT_WEIGHTS: "the weights of the best checkpoint",
    layout.EXPORT_CONFIG: "the options that rebuild the model, and the names of its classes",
    TOKENIZER: "turns texts into tokens, for the library `tokenizers`",
    TOKENIZER_CONFIG: "the same for `transformers`",
    ONNX: "the model for onnxruntime",
    PROGRAM: "the model for `torch.export.load`",
}


class Trained(NamedTuple):
    """The parts of a trained run that an export needs."""

    run: Run
    data: SequenceDataModule
    model: nn.Module
    """the model of the best checkpoint, in evaluation mode on the CPU"""
    class_weights: Sequence[float] | None
    """the class weights of its loss"""
    thresholds: Sequence[float] | None = None
    """the probabilities from which it predicts each label, if a row may have several"""


def in_units_of_the_data(model: nn.Module, scale: Scale) -> None:
    """Change the last layer of a model's head so that its outputs are the numbers of the data.

    Users of the exported model then need no scale, neither in Python nor for a graph.

    Args:
        model: A model that predicts standardised numbers [B, K].
        scale: The mean and the deviation [K] by which they were standardised.
    """
    head: Any = model.head
    last: nn.Linear = head[-1]
    mean, deviation = torch.from_numpy(scale.mean), torch.from_numpy(scale.deviation)
    with torch.no_grad():
        last.weight.copy_(last.weight.double() * deviation[:, None])
        last.bias.copy_(last.bias.double() * deviation + mean)


def check_output(output: Path) -> None:
    """Refuse an output folder that cannot be written, or that holds something else.

    Raises:
        UserError: It is a file, has no parent folder, or is neither empty nor an exported model.
    """
    if output.name in ("", ".."):
        raise UserError(f"output must be the name of a folder, got {str(output)!r}")
    if not output.parent.is_dir():
        raise UserError(f"output={output}: there is no folder {output.parent}")
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    try:
        read_config(output)
    except UserError as error:
        raise UserError(
            f"output={output} exists and is not an exported model, so it is not replaced: remove it, or name "
            "another folder"
        ) from error


def write_folder(trained: Trained, output: Path, graphs: Sequence[str], name: str) -> list[str]:
    """Write the folder; an earlier export is replaced once the new one is complete.

    Args:
        trained: What to export.
        output: The folder.
        graphs: Some of :data:`WRITERS`.
        name: The name by which the card's examples load the model.

    Returns:
        The names of its files.

    Raises:
        UserError: A graph cannot be written or differs from the model, a package or a learned
            vocabulary is missing, or writing to disk fails.
    """
    try:
        with atomic.atomic_write_dir(output) as folder:
            _fill(folder, trained, graphs, name)
            return sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise UserError(f"output={output} cannot be written ({error.strerror or error})") from error


def _fill(folder: Path, trained: Trained, graphs: Sequence[str], name: str) -> None:
    config, card = trained.run.config, trained.run.card
    weights = {key: tensor.contiguous() for key, tensor in trained.model.state_dict().items()}
    # safetensors' own file writer makes files that only their owner can read.
    (folder / layout.EXPORT_WEIGHTS).write_bytes(save(weights, metadata={"format": "pt"}))
    vocabulary = trained.run.folder / layout.VOCABULARY
    kept = vocabulary if vocabulary.is_dir() else None
    tokenizer = tokenizer_of(trained.data, card, kept)
    if tokenizer is not None:
        masked = task_name(config) == MASKED
        mask = add_mask(tokenizer, config["model"]["vocab_size"]) if masked else None
        tokenizer.save(str(folder / TOKENIZER))
        length = trained.data.max_length
        _write_json(folder / TOKENIZER_CONFIG, tokenizer_config(tokenizer, length, mask))
    facts: dict[str, Any] = {}
    if graphs:
        graph = trace(trained.model, config["model"]["max_len"])
        facts = {file: WRITERS[file](graph, folder) for file in graphs}
    content = hub_config(config, card, trained.class_weights)
    if trained.thresholds is not None:
        content["thresholds"] = list(trained.thresholds)
    _write_json(folder / layout.EXPORT_CONFIG, {**content, "graphs": facts} if facts else content)
    files = {file: about for file, about in ABOUT.items() if (folder / file).exists()}
    text = model_card(trained.run, trained.data, files, facts, name)
    (folder / CARD).write_text(text, encoding="utf-8")


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
