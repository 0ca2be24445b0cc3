"""``wavspa-evaluate``: the metrics of a trained run on one of its splits."""

from pathlib import Path

from wavspa.commands.entry_point import command
from wavspa.commands.overrides import apply_overrides, typed_words
from wavspa.errors import UserError

DESCRIPTION = """\
Evaluate the best checkpoint of a run on its validation or test data, on one device.

Everything comes from the run's folder; key=value then changes single values of its configuration."""

EPILOG = """\
examples:
  wavspa-evaluate run=runs/digits/digits-softmax-ada-s1-0a1b2c3d
  wavspa-evaluate run=runs/digits/digits-softmax-ada-s1-0a1b2c3d split=val dataset.batch_size=16"""


@command
def main() -> None:
    """Run the command."""
    usage = "wavspa-evaluate run=FOLDER [split=test] [key=value ...]"
    words = typed_words("wavspa-evaluate", usage, DESCRIPTION, EPILOG)
    if "run" not in words:
        raise UserError("no run was named: wavspa-evaluate run=FOLDER")
    folder, split = Path(words.pop("run")), words.pop("split", "test")
    print_metrics(folder, split, [f"{key}={value}" for key, value in words.items()])


def print_metrics(folder: Path, split: str, overrides: list[str]) -> dict[str, float]:
    """Evaluate a run and print its metrics.

    Args:
        folder: The run's folder.
        split: ``val`` or ``test``.
        overrides: ``key=value`` words that change the frozen configuration.

    Returns:
        The metrics by name.

    Raises:
        UserError: The folder, its checkpoint or an override cannot be used.
    """
    # Imported here: --help need not wait for Lightning.
    from wavspa.launching.run.build import build_run
    from wavspa.launching.run.evaluate import evaluate
    from wavspa.launching.run.freeze import read_config
    from wavspa.launching.run.worker import format_metrics, quiet_lightning
    from wavspa.training.checkpoints.read import find_checkpoint

    config = read_config(folder)
    apply_overrides(config, overrides)
    quiet_lightning()
    task, data = build_run(config)
    metrics = evaluate(task, data, find_checkpoint(folder), config.trainer, split)
    print(format_metrics(metrics))
    return metrics


if __name__ == "__main__":
    main()
