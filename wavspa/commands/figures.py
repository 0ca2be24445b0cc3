"""``wavspa-figures``: pictures of what a run has learned."""

from collections.abc import Sequence
from pathlib import Path

from wavspa.checks import one_of
from wavspa.commands.entry_point import command, writing
from wavspa.commands.overrides import apply_overrides, typed_words
from wavspa.errors import UserError
from wavspa.reports.figures.registry import FIGURES
from wavspa.run_folder import layout

DESCRIPTION = """\
Draw what a run has learned. The figures are written to figures/ in the run's folder, or to output=FOLDER;
formats= lists their formats (png,svg), and split= chooses where examples come from (val or test).

what=…  one or more of (without what=, all that fit the run):
{figures}

Other key=value words change single values of the run's configuration, such as data_root=."""

EPILOG = """\
examples:
  wavspa-figures run=runs/digits/digits-softmax-ada-s1-0a1b2c3d
  wavspa-figures run=runs/digits/digits-softmax-ada-s1-0a1b2c3d what=filters,attention formats=pdf"""


@command
def main() -> None:
    """Run the command."""
    usage = (
        "wavspa-figures run=FOLDER [what=NAME,...] [split=val] [formats=png,svg] [output=FOLDER] "
        "[key=value ...]"
    )
    figures = "\n".join(f"  {name:14} {figure.shows}" for name, figure in FIGURES.items())
    words = typed_words("wavspa-figures", usage, DESCRIPTION.format(figures=figures), EPILOG)
    if "run" not in words:
        raise UserError("no run was named: wavspa-figures run=FOLDER")
    folder = Path(words.pop("run"))
    output = words.pop("output", None)
    draw(
        folder,
        [name for name in words.pop("what", "").split(",") if name],
        words.pop("split", "val"),
        words.pop("formats", "png,svg").split(","),
        [f"{key}={value}" for key, value in words.items()],
        None if output is None else Path(output),
    )


def draw(
    folder: Path,
    what: Sequence[str],
    split: str,
    formats: Sequence[str],
    overrides: list[str],
    output: Path | None = None,
) -> None:
    """Draw figures of a run and print where they are, and why some are not.

    Args:
        folder: The run's folder.
        what: Names of figures; none: all.
        split: Where examples come from, ``val`` or ``test``.
        formats: Suffixes of the files.
        overrides: ``key=value`` words that change the frozen configuration.
        output: Where to; None is the run's own folder of figures.

    Raises:
        UserError: A word cannot be used, or nothing could be drawn.
    """
    # Imported here: --help need not wait for Lightning.
    from wavspa.launching.analysis.figures import FigureData
    from wavspa.launching.analysis.trained_run import TrainedRun
    from wavspa.launching.run.freeze import read_config
    from wavspa.launching.run.worker import quiet_lightning
    from wavspa.reports.figures.style import check_format, save

    place = output or folder / layout.FIGURES
    for name in what:
        one_of("what", name, FIGURES)
    one_of("split", split, ("val", "test"))
    for suffix in formats:
        check_format(suffix)
    config = read_config(folder)
    apply_overrides(config, overrides)
    quiet_lightning()
    run, drawn = FigureData(TrainedRun(folder, config, split)), 0
    for name in what or FIGURES:
        try:
            figures = FIGURES[name].of(name, run)
        except UserError as error:
            print(f"not drawn: {name}: {error}")
            continue
        for stem, figure in figures.items():
            paths = [place / f"{stem}.{suffix}" for suffix in formats]
            for path in paths:
                with writing(path, "name a writable place by output=FOLDER"):
                    save(figure, path)
                print(f"figure: {path}")
            drawn += 1
    if not drawn:
        raise UserError(f"nothing could be drawn of {folder}")


if __name__ == "__main__":
    main()
