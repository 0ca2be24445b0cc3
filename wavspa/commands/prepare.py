"""``wavspa-prepare``: get a data set ready, before anything trains on it."""

from wavspa.commands.entry_point import command, parser
from wavspa.commands.hydra_errors import CONFIG_MODULE
from wavspa.errors import UserError

DESCRIPTION = """\
Prepare a data set: find its files below the data root, download or generate them where that is possible,
make tokens, and print the card. What is prepared already is left alone. wavspa-train does the same by
itself when it needs to."""

EPILOG = """\
examples:
  wavspa-prepare dataset=lra/text
  wavspa-prepare dataset=lra/pathfinder32 dataset.generate=true data_root=/scratch/data"""


@command
def main() -> None:
    """Run the command."""
    command_line = parser(
        "wavspa-prepare",
        DESCRIPTION,
        EPILOG,
        usage="wavspa-prepare dataset=NAME [dataset.option=value ...] [data_root=FOLDER]",
    )
    command_line.add_argument("words", nargs="*", metavar="key=value", help="as for wavspa-train")
    words = command_line.parse_args().words
    if not any(word.startswith("dataset=") for word in words):
        raise UserError("no data set was named: wavspa-prepare dataset=NAME")
    prepare(words)


def prepare(words: list[str]) -> None:
    """Prepare the data set that a run with these overrides would train on, and print its card.

    Args:
        words: ``key=value`` in Hydra's grammar.

    Raises:
        UserError: An option or a file cannot be used.
    """
    # Imported here: --help need not wait for torch.
    from hydra import compose, initialize_config_module

    from wavspa.data.preparation import store
    from wavspa.launching.options.types import check_types
    from wavspa.launching.run.build import build
    from wavspa.launching.run.frozen_data import print_warnings
    from wavspa.launching.run.validate import check_missing
    from wavspa.reports.dataset_card import print_card
    from wavspa.reports.formats.terminal import console

    with initialize_config_module(CONFIG_MODULE, version_base="1.3"):
        config = compose("train", words)
    check_missing(config)
    check_types(config)
    data = build(config, "dataset")
    if data.folder.is_dir():
        store.verify(data.folder)
    data.prepare_data()
    out = console()
    out.print(f"prepared: {data.folder}", highlight=False, markup=False, soft_wrap=True)
    print_card(data.card, out)
    print_warnings(data.card)


if __name__ == "__main__":
    main()
