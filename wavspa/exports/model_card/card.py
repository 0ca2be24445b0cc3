"""The model card: ``README.md`` of an exported folder, filled only from its run."""

import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from wavspa.data import SequenceDataModule
from wavspa.data.text_datamodule import Texts
from wavspa.exports.hub_config import CLASSIFICATION, MASKED, task_name
from wavspa.exports.model_card import usage
from wavspa.exports.model_card.limitations import limits
from wavspa.reports.number_format import count, mebibytes, milliseconds
from wavspa.reports.runs.collect import Run
from wavspa.reports.runs.labels import is_masked, parent_of
from wavspa.reports.tables.cell import summarise
from wavspa.reports.tables.footnotes import chance_levels
from wavspa.run_folder.labels import attention_label

PIPELINES = {
    "classification": "text-classification",
    "matching": "text-classification",
    "embedding": "feature-extraction",
    "multilabel": "text-classification",
    "regression": "text-classification",
    "tagging": "token-classification",
    "lego": "token-classification",
    MASKED: "fill-mask",
}
# Facts of a data card that have their own place in a model card, or are useless in one.
PLACED = {
    "splits",
    "choices",
    "source",
    "licence",
    "label_names",
    "vocabulary",
    "command",
    "targets",
}
CODE_LICENCE = "Apache-2.0"


def model_card(
    run: Run,
    data: SequenceDataModule,
    files: Mapping[str, str],
    graphs: Mapping[str, Any],
    name: str,
) -> str:
    """The text of the card.

    Args:
        run: The files of the run.
        data: Its data, which describe the tokens.
        files: Descriptions of the files in the exported folder, by name.
        graphs: Facts about the written graphs, by file name.
        name: The name by which the examples load the model: a folder, or its name on the hub.
    """
    parts = [
        f"# {run.config['name']}",
        _summary(run),
        "## Use",
        usage.loading(run, data, files, name),
        "## Data",
        _data(run, data),
        "## Results",
        _results(run),
        "## Training",
        _training(run),
        "## Files",
        _listed(f"`{file}`: {what}" for file, what in files.items()),
        "## Limits",
        _listed(limits(run, graphs)),
        "## Licence",
        _licence(run),
    ]
    front = _front_matter(run, data)
    return _without_paths(f"---\n{front}\n---\n\n" + "\n\n".join(parts) + "\n", run)


def _front_matter(run: Run, data: SequenceDataModule) -> str:
    model, dataset = run.config["model"], run.config["dataset"]["name"]
    scores = _scores(run)
    task = task_name(run.config)
    tags = ["wavspa", "wavelet", "long-sequences", attention_label(model["attention"]), task]
    of_texts = task in (CLASSIFICATION, MASKED)
    pipeline = PIPELINES[task] if isinstance(data, Texts) or not of_texts else None
    card = ModelCardData(
        library_name="wavspa",
        license="other",
        license_name="see-the-section-licence",
        pipeline_tag=pipeline,
        tags=[*tags, f"wavelet-{model['wavelet']}"],
        datasets=[dataset],
        metrics=list(scores) or None,
        model_name=run.config["name"] if scores else None,
        eval_results=[
            EvalResult(
                task_type=pipeline or task,
                dataset_type=dataset,
                dataset_name=dataset,
                dataset_split="test",
                metric_type=metric,
                metric_value=value,
            )
            for metric, value in scores.items()
        ]
        or None,
    )
    return card.to_yaml()


def _summary(run: Run) -> str:
    model = run.config["model"]
    attention = attention_label(model["attention"])
    if model["wavelet"] == "none":
        layer = f"{attention} attention (no wavelet: the plain base)"
    elif model["wavelet"] == "conv":
        layer = f"{attention} attention after a depthwise convolution of {model['taps']} taps"
    else:
        layer = (
            f"{attention} attention in the space of the wavelet `{model['wavelet']}` "
            f"({model['taps']} taps, level {model['level']}, boundary {model['boundary']})"
        )
    return (
        f"A model of [wavspa](https://arxiv.org/abs/2210.01989) for the task {task_name(run.config)}, "
        f"trained on {run.config['dataset']['name']}: {model['depth']} blocks of {layer}, width "
        f"{model['dim']}, {model['heads']} heads, {count(run.status.get('parameters'))} parameters."
    )


def _data(run: Run, data: SequenceDataModule) -> str:
    card = run.card
    facts = {"source": card["source"], "licence": card["licence"]}
    facts |= {
        key.replace("_", " "): fact
        for key, fact in card.items()
        if key not in PLACED and isinstance(fact, str | int)
    }
    lines = [f"{key}: {fact}" for key, fact in facts.items()]
    for split, of in card["splits"].items():
        lengths = of["length"]
        lines.append(
            f"{split}: {_used(run, split):,} examples, {lengths['min']:,.0f} to {lengths['max']:,.0f} "
            f"tokens before the cut (median {lengths['median']:,.0f})"
        )
    if names := card.get("label_names"):
        lines.append(("numbers: " if "targets" in card else "classes: ") + ", ".join(names))
    lines.append(_tokens(data, card))
    return _listed(lines)


def _tokens(data: SequenceDataModule, card: Mapping[str, Any]) -> str:
    if chosen := card["choices"].get("tokenizer"):
        options = ", ".join(f"{key} {value}" for key, value in chosen.items())
        return f"tokens: {options}; 0 is the pad"
    about = inspect.cleandoc(type(data).__doc__ or "").partition("\n\nArgs:")[0]
    return f"tokens, by wavspa's `{type(data).__name__}`: {' '.join(about.split())}"


def _results(run: Run) -> str:
    test = run.status.get("test")
    if not test:
        return f"Not tested: {run.status.get('step', 0)} of {run.status.get('steps', '?')} steps are done."
    rows = [f"| {name.removeprefix('test/')} | {value:.4f} |" for name, value in test.items()]
    table = "\n".join(
        [f"| metric | test ({_used(run, 'test'):,} examples) |", "| --- | --- |", *rows]
    )
    chosen = beaten = ""
    if best := run.status.get("best"):
        chosen = (
            f"\n\nThe weights are those of step {best['step']:,}, the best by {best['metric']} "
            f"({best['value']:.4f})."
        )
    if "test/accuracy" in test and not is_masked(run):
        beaten = f"\n\nFor comparison: {'; '.join(chance_levels(summarise([run])))}."
    return table + chosen + beaten


def _training(run: Run) -> str:
    config, status = run.config, run.status
    frozen, trainer = config["frozen"], config["trainer"]
    batch = config["dataset"].get("batch_tokens")
    size = f"{batch} tokens" if batch else f"{config['dataset']['batch_size']} examples"
    lines = [
        f"steps: {status.get('step', 0):,} of {status.get('steps', '?')}, in batches of {size}",
        f"seed: {config['seed']}",
        f"precision: {trainer['precision']}",
        f"devices: {trainer['devices']} ({status.get('device', 'unknown')})",
        f"optimizer: {_short(config['optimizer'])}; schedule: {_short(config['schedule'])}",
        f"code: wavspa {frozen['version']} ({frozen['commit'] or 'no commit'})",
    ]
    if parent := parent_of(run):
        lines.append(f"started from the weights of {parent}")
    if seconds := status.get("seconds_per_step"):
        lines.append(
            f"cost: {milliseconds(seconds)} ms per step, peak memory "
            f"{mebibytes(status.get('peak_memory'))} MiB"
        )
    return _listed(lines) + "\n\n```\n" + usage.training(run) + "\n```"


def _licence(run: Run) -> str:
    return (
        f"Code (wavspa): {CODE_LICENCE}. Data: {run.card['licence']}. Weights: not stated; the publisher "
        "chooses a licence that the data allow."
    )


def _scores(run: Run) -> dict[str, float]:
    return {
        name.removeprefix("test/"): value
        for name, value in run.status.get("test", {}).items()
        if not name.endswith("loss")
    }


def _used(run: Run, split: str) -> int:
    examples: int = run.card["splits"][split]["examples"]
    dataset = run.config["dataset"]
    limits = [dataset.get("limit"), dataset.get("eval_limit") if split != "train" else None]
    return min(limit or examples for limit in (*limits, examples))


def _short(node: Mapping[str, Any]) -> str:
    kind = node["_target_"].rpartition(".")[2]
    options = ", ".join(f"{key} {value}" for key, value in node.items() if key[0] != "_")
    return f"{kind} ({options})"


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _without_paths(text: str, run: Run) -> str:
    """The text without the folders of the user's own files, which are private."""
    for split in ("train", "val", "test"):
        if path := run.config["dataset"].get(split):
            text = text.replace(str(path), Path(path).name)
    return text
