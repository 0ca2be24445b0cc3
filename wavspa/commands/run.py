"""``wavspa-run``: train the run that a folder describes, resume it, or find it finished."""

from pathlib import Path

from wavspa.commands.entry_point import command, parser
from wavspa.errors import RunFailed, UserError

DESCRIPTION = """\
Train the run whose frozen configuration is in FOLDER, from that folder alone.

It starts the run, resumes it from its last checkpoint, or reports that it has finished: the same command
starts a run, resumes it after a crash, and is safe to repeat. wavspa-train makes such folders."""

EPILOG = """\
examples:
  wavspa-run runs/digits/digits-softmax-ada-s1-0a1b2c3d
  for folder in runs/digits/*/; do wavspa-run "$folder"; done

  wavspa-run runs/digits/digits-softmax-ada-s1-0a1b2c3d --again

exit codes: 0 finished, 1 failed (the reason is in status.json in the folder), 2 a mistake in the input"""


@command
def main() -> None:
    """Run the command."""
    command_line = parser("wavspa-run", DESCRIPTION, EPILOG)
    command_line.add_argument("folder", type=Path, metavar="FOLDER", help="a run's folder")
    command_line.add_argument(
        "data_root",
        nargs="?",
        metavar="data_root=FOLDER",
        help="the current data root, if the data were moved",
    )
    command_line.add_argument(
        "--again",
        action="store_true",
        help="train a finished run a second time in FOLDER-again and print whether it ends in the same "
        "weights, bit by bit; exit code 1 if not",
    )
    arguments = command_line.parse_intermixed_args()
    data_root = _data_root(arguments.data_root)
    if arguments.again:
        _train_again(arguments.folder, data_root)
        return
    # Imported here: --help need not wait for Lightning.
    from wavspa.launching.run.worker import run

    run(arguments.folder, data_root)


def _train_again(folder: Path, data_root: Path | None) -> None:
    """Train a run a second time, and print whether it came to the same weights.

    Raises:
        RunFailed: It did not.
    """
    from wavspa.launching.again import compare, machines, train_again

    again = train_again(folder, data_root)
    differences, elsewhere = compare(folder, again), machines(folder, again)
    if differences:
        raise RunFailed(
            "; ".join([f"{again} is not bit-equal", *differences, *filter(None, [elsewhere])])
        )
    print(f"bit-equal: {again}")


def _data_root(word: str | None) -> Path | None:
    """The folder that a ``data_root=FOLDER`` word names."""
    if word is None:
        return None
    key, _, value = word.partition("=")
    if key != "data_root" or not value:
        raise UserError(
            f"{word!r} cannot be changed of an existing run, only data_root=FOLDER: make another run "
            "by wavspa-train"
        )
    return Path(value)


if __name__ == "__main__":
    main()
