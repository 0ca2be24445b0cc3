"""``wavspa-evaluate``: the metrics of a trained run on one of its splits."""

import argparse
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from wavspa.commands.errors import command
from wavspa.commands.suggestions import keys_of, nearest
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
    parser = argparse.ArgumentParser(
        "wavspa-evaluate",
        usage="wavspa-evaluate run=FOLDER [split=test] [key=value ...]",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "words", nargs="*", metavar="key=value", help="run=, split=val|test, values"
    )
    words = dict(split_word(word) for word in parser.parse_args().words)
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
    from wavspa.launching.build import build_run
    from wavspa.launching.evaluation import evaluate
    from wavspa.launching.folder import read_config
    from wavspa.launching.worker import format_metrics, quiet_lightning
    from wavspa.training.checkpoints import find_checkpoint

    config = read_config(folder)
    apply_overrides(config, overrides)
    quiet_lightning()
    task, data = build_run(config)
    metrics = evaluate(task, data, find_checkpoint(folder), config.trainer, split)
    print(format_metrics(metrics))
    return metrics


def apply_overrides(config: DictConfig, overrides: list[str]) -> None:
    """Change values of a frozen configuration in place.

    Args:
        config: The configuration.
        overrides: ``key=value`` in Hydra's grammar; every key must exist.

    Raises:
        UserError: A key is unknown.
    """
    for override in OverridesParser.create().parse_overrides(overrides):
        key = override.get_key_element()
        try:
            OmegaConf.update(config, key, override.value())
        except OmegaConfBaseException as error:
            hint = nearest(key, keys_of(config))
            raise UserError(f"this run has no option {key!r}{hint}") from error


def split_word(word: str) -> tuple[str, str]:
    """The key and the value of a ``key=value`` word.

    Raises:
        UserError: It has no ``=``.
    """
    key, equals, value = word.partition("=")
    if not equals:
        raise UserError(f"{word!r} is not of the form key=value")
    return key, value


if __name__ == "__main__":
    main()
