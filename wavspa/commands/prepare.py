"""``wavspa-prepare``: get data sets ready, before anything trains on them."""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from wavspa.commands.entry_point import command, parser
from wavspa.commands.hydra_errors import CONFIG_MODULE
from wavspa.errors import UserError
from wavspa.launching.presets.store import with_presets

if TYPE_CHECKING:
    from omegaconf import DictConfig

DESCRIPTION = """\
Prepare data sets: find their files below the data root, download or generate them where that is possible,
tokenize them, and print their cards. Data that are already prepared are left alone, and data that several
runs share are prepared once. wavspa-train does the same automatically when it needs to.

  dataset=NAME,...      data sets by name
  experiment=NAME,...   the data of these presets; a folder of presets means all in it
  FOLDER ...            the data of these runs"""

EPILOG = """\
examples:
  wavspa-prepare dataset=lra/text
  wavspa-prepare dataset=lra/text,lra/listops
  wavspa-prepare experiment=paper/table data_root=/scratch/data
  wavspa-prepare dataset=lra/pathfinder32 dataset.generate=true"""

_LISTS = ("dataset", "experiment")


@command
def main() -> None:
    """Run the command."""
    command_line = parser(
        "wavspa-prepare",
        DESCRIPTION,
        EPILOG,
        usage="wavspa-prepare dataset=NAME,... | experiment=NAME,... | FOLDER ... [key=value ...]",
    )
    command_line.add_argument("words", nargs="*", metavar="key=value", help="as for wavspa-train")
    prepare(command_line.parse_args().words)


def prepare(words: Sequence[str]) -> None:
    """Prepare the data sets that some runs would train on, and print their cards.

    Args:
        words: ``key=value`` in Hydra's grammar, where ``dataset`` and ``experiment`` may list names; or
            folders of runs.

    Raises:
        UserError: Nothing is named, or an option or a file cannot be used.
    """
    # Imported here: --help need not wait for torch.
    from wavspa.launching.run.datasets import prepare_each
    from wavspa.launching.run.frozen_data import print_warnings
    from wavspa.reports.dataset_card import print_card
    from wavspa.reports.formats.terminal import console

    out = console()
    for data in prepare_each(_configs(words)):
        out.print(f"prepared: {data.folder}", highlight=False, markup=False, soft_wrap=True)
        print_card(data.card, out)
        print_warnings(data.card)


def _configs(words: Sequence[str]) -> list["DictConfig"]:
    from wavspa.launching.run.freeze import read_config

    folders = [Path(word) for word in words if "=" not in word or Path(word).is_dir()]
    choices = [word for word in words if Path(word) not in folders]
    if folders and choices:
        raise UserError(f"{choices[0]} cannot be combined with {folders[0]}: a run has its options")
    if folders:
        return [read_config(folder) for folder in folders]
    if not any(word.partition("=")[0] in _LISTS for word in choices):
        raise UserError(
            "no data set was named: wavspa-prepare dataset=NAME, experiment=NAME or the folder of a run"
        )
    return list(_composed(choices))


def _composed(words: Sequence[str]) -> Iterator["DictConfig"]:
    from hydra import compose, initialize_config_module

    from wavspa.launching.options.plugins import check_plugins, offer_plugins
    from wavspa.launching.options.types import check_types
    from wavspa.launching.run.validate import check_missing
    from wavspa.plugins import import_plugins

    offer_plugins(words)
    with initialize_config_module(CONFIG_MODULE, version_base="1.3"):
        for combination in product(*map(_alternatives, words)):
            _check_single(combination)
            config = compose("train", list(combination))
            check_missing(config)
            import_plugins(check_plugins(config.plugins))
            check_types(config)
            yield config


def _check_single(words: Sequence[str]) -> None:
    """Refuse values of which a sweep would take one after another: nothing is swept here."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    for override in OverridesParser.create().parse_overrides(list(words)):
        if override.is_sweep_override():
            raise UserError(
                f"{override.input_line} is several values, which only {' and '.join(_LISTS)} take here, as "
                "names with commas between them: give one"
            )


def _alternatives(word: str) -> list[str]:
    """The words that a word with several names expands to."""
    key, _, value = with_presets(word).partition("=")
    return [f"{key}={name}" for name in value.split(",")] if key in _LISTS else [word]


if __name__ == "__main__":
    main()
