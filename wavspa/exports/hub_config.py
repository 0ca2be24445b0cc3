"""``config.json``: everything needed to rebuild the model and to interpret its answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from wavspa.data.labels import class_names
from wavspa.training.checkpoints.exported import FORMAT, MODEL_TYPE

CLASSIFICATION = "classification"
MASKED = "masked"
TAGGING = "tagging"
# The classes for such models in `transformers` (wavspa.exports.transformers).
ARCHITECTURES = {
    CLASSIFICATION: "WavspaForSequenceClassification",
    MASKED: "WavspaForMaskedLM",
}


def task_name(config: Mapping[str, Any]) -> str:
    """The task of a run, such as ``classification`` or ``masked``, from its configuration."""
    target: str = config["task"]["_target_"]
    return target.rpartition(".")[2].lower()


def hub_config(
    config: Mapping[str, Any], card: Mapping[str, Any], class_weights: Sequence[float] | None
) -> dict[str, Any]:
    """The content of ``config.json``.

    Args:
        config: The resolved configuration of the run.
        card: The card of its data.
        class_weights: Weights of the classes in the run's loss, if any.
    """
    model, task = config["model"], task_name(config)
    single = task == CLASSIFICATION
    content: dict[str, Any] = {
        "model_type": MODEL_TYPE,
        "architectures": [ARCHITECTURES.get(task) or model["_target_"].rpartition(".")[2]],
        "wavspa_format": FORMAT,
        "wavspa_version": config["frozen"]["version"],
        "dtype": "float32",
        "task": task,
        "model": dict(model),
        "max_sequence_length": config["dataset"]["max_length"],
        "pad_token_id": 0,
        "data": {"name": config["dataset"]["name"], **card["choices"]},
    }
    if plugins := config["frozen"].get("plugins"):
        # Without their paths, which are private.
        content["plugins"] = {
            name: {key: code[key] for key in ("version", "commit")}
            for name, code in plugins.items()
        }
    if task == MASKED:
        content["mask_token_id"] = model["vocab_size"]
        # A run that starts from this one must have the same vocabulary.
        content["data"]["files"] = card.get("files", {})
    if model.get("classes") is not None:
        names = class_names(card, model["classes"])
        content["id2label"] = {str(number): name for number, name in enumerate(names)}
        content["label2id"] = {name: number for number, name in enumerate(names)}
    if task == TAGGING:
        content["scheme"] = config["task"]["scheme"]
    if single:
        content["problem_type"] = "single_label_classification"
        content["loss"] = {
            "class_weights": class_weights,
            "label_smoothing": config["task"]["label_smoothing"],
        }
    return content
