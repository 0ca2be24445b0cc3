"""``wavspa-export``: a trained run as a folder that other programs read."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from wavspa.checks import parse_bool
from wavspa.commands.entry_point import command
from wavspa.commands.overrides import apply_overrides, typed_words
from wavspa.errors import UserError

if TYPE_CHECKING:
    from wavspa.exports.bundle import Trained
    from wavspa.reports.runs.collect import Run

DESCRIPTION = """\
Write the best checkpoint of a run as a folder: model.safetensors, config.json, README.md (the model card)
and, for texts, tokenizer.json. wavspa.load_model(FOLDER) loads the model again.

  output=   the folder; default: export in the run's folder. An existing export is replaced
  onnx=     true: also write model.onnx, for any batch size and length, checked in onnxruntime
  program=  true: also write model.pt2, the same for torch.export
  push=     USER/NAME: also put the folder on the model hub (HF_TOKEN, HF_ENDPOINT)
  private=  true: if push= creates the repository, only its owner can see it

Other key=value words change single values of the run's configuration, such as dataset.data_root=."""

EPILOG = """\
examples:
  wavspa-export run=runs/files/NAME onnx=true
  wavspa-export run=runs/files/NAME output=spam-model push=me/spam-model private=true"""


@command
def main() -> None:
    """Run the command."""
    usage = "wavspa-export run=FOLDER [output=FOLDER] [onnx=true] [program=true] [push=USER/NAME]"
    words = typed_words("wavspa-export", usage, DESCRIPTION, EPILOG)
    if "run" not in words:
        raise UserError("no run was named: wavspa-export run=FOLDER")
    export(words)


def export(words: dict[str, str]) -> None:
    """Export a run, and print where to and what.

    Args:
        words: The command's words; those that are not its own change the frozen configuration.

    Raises:
        UserError: A word or the run cannot be used, or nothing complete can be written.
    """
    # Imported here: --help need not wait for Lightning.
    from wavspa.exports.bundle import check_output, write_folder
    from wavspa.exports.graph_files import ONNX, PROGRAM
    from wavspa.exports.push import check_push, push
    from wavspa.run_folder import layout

    rest = dict(words)
    folder = Path(rest.pop("run"))
    output = Path(rest.pop("output", folder / layout.EXPORT))
    hub_id = rest.pop("push", None)
    graphs = [
        file
        for option, file in (("onnx", ONNX), ("program", PROGRAM))
        if parse_bool(option, rest.pop(option, "false"))
    ]
    private = parse_bool("private", rest.pop("private", "false"))
    if hub_id is not None:
        check_push(hub_id)
    trained = _opened(folder, [f"{key}={value}" for key, value in rest.items()])
    check_output(output)
    files = write_folder(trained, output, graphs, hub_id or output.name)
    print(f"{output}: {', '.join(files)}")
    if hub_id is not None:
        print(f"pushed: {push(output, hub_id, private)}")


def _opened(folder: Path, overrides: list[str]) -> "Trained":
    from wavspa.data.targets.label_sets import LabelSets
    from wavspa.data.targets.numbers import Numbers, scale_of
    from wavspa.exports.bundle import Trained, in_units_of_the_data
    from wavspa.exports.hub_config import task_name
    from wavspa.launching.analysis.trained_run import TrainedRun
    from wavspa.launching.run.build import build
    from wavspa.launching.run.freeze import read_config
    from wavspa.models import EncoderDecoder
    from wavspa.training.checkpoints.read import find_checkpoint, read_checkpoint

    config = read_config(folder)
    apply_overrides(config, overrides)
    opened = TrainedRun(folder, config, "test")
    run = opened.run
    if run.damage:
        raise UserError(f"{folder} is damaged: {run.damage}")
    model = opened.model
    if isinstance(model, EncoderDecoder):
        raise UserError(
            f"{folder} writes sequences, and exports are for models of classes or embeddings: load it by "
            f"wavspa.load_model({str(folder)!r})"
        )
    data = build(config, "dataset")
    if not run.card:
        data.prepare_data()
        run = replace(run, card=data.card)
    if task_name(run.config) == Numbers.task:
        in_units_of_the_data(model, scale_of(run.card, "targets"))
    thresholds = None
    if task_name(run.config) == LabelSets.task:
        thresholds = read_checkpoint(find_checkpoint(folder))["state_dict"]["thresholds"].tolist()
    return Trained(run, data, model, _class_weights(run), thresholds)


def _class_weights(run: "Run") -> list[float] | None:
    """The weights of the classes in the loss of a run, or None where they are all equal."""
    from wavspa.tasks.class_weights import class_weights, needs_data

    chosen = run.config["task"].get("class_weights")
    if not needs_data(chosen):
        given: list[float] | None = chosen
        return given
    task = run.config["task"]
    classes = task["classes"] if "classes" in task else task["outputs"]
    weights: list[float] = class_weights(chosen, classes, run.card).tolist()
    return weights


if __name__ == "__main__":
    main()
