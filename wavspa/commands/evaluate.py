"""``wavspa-evaluate``: the metrics of a trained run on one of its splits, or on another file."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavspa.commands.entry_point import command, refuse_own, writing
from wavspa.commands.overrides import apply_overrides, listed, typed_words
from wavspa.errors import UserError
from wavspa.run_folder import layout

if TYPE_CHECKING:
    from wavspa.launching.decisions.evaluation import Evaluation

DESCRIPTION = """\
Evaluate the best checkpoint of a run on its train, validation or test data, or on another file with
labels, on one device.

  split=       train, val or test (the default) of the run's own data
  input=       another file instead: .csv, .tsv, .jsonl, .json or .parquet with a label in each row. It is
               turned into tokens and classes as the run's own data were; nothing is learned from it
  column=      the column of the examples, for pairs two (column=COLUMN,COLUMN); default: as in training
  label=       the column of the labels, spelled as in training, or of the targets; default: as in training
  kind=        the format of the input, if its name does not show it: csv, tsv, jsonl, json, parquet, conll
  names=       the columns of a csv or tsv without a header, whose quotes are plain characters
  output=      for runs that write texts: a .csv, .jsonl or .txt for these texts
  threshold=   for two classes: the probability from which class 1 is predicted: a number, or best:f1,
               best:mcc or best:balanced_accuracy, chosen on val. The run keeps it for wavspa-predict
  temperature= what logits are divided by: a number, or fit: the best likelihood on val. The run keeps it
  resamples=   number of bootstrap resamples for the 95 % intervals (1000); 0: no intervals
  folder=      where to write; default: evaluation/test (val, train, input-NAME) in the run's folder

It prints the metrics and writes evaluation.json. For runs that classify it also prints a table of scores and
writes confusion.csv and predictions.csv; for runs that tag words it prints a table of entities by type and
writes confusion.csv.
Everything else comes from the run's folder; key=value changes single values of its configuration."""

EPILOG = """\
examples:
  wavspa-evaluate run=runs/digits/digits-softmax-ada-s1-0a1b2c3d
  wavspa-evaluate run=runs/digits/digits-softmax-ada-s1-0a1b2c3d split=val dataset.batch_size=16
  wavspa-evaluate run=runs/files/NAME threshold=best:f1 temperature=fit
  wavspa-evaluate run=runs/files/NAME input=new.csv column=body label=y"""

OF_INPUT = ("column", "label", "kind", "names")
OF_DECISION = ("threshold", "temperature")
OWN_WORDS = ("run", "split", "input", *OF_INPUT, *OF_DECISION, "resamples", "folder", "output")


@command
def main() -> None:
    """Run the command."""
    usage = "wavspa-evaluate run=FOLDER [split=test | input=FILE] [key=value ...]"
    words = typed_words("wavspa-evaluate", usage, DESCRIPTION, EPILOG)
    if "run" not in words:
        raise UserError("no run was named: wavspa-evaluate run=FOLDER")
    own = {word: words.pop(word) for word in OWN_WORDS if word in words}
    print_metrics(own, [f"{key}={value}" for key, value in words.items()])


def print_metrics(words: dict[str, str], overrides: list[str]) -> dict[str, float]:
    """Evaluate a run, print its metrics and a table of scores, and write them.

    Args:
        words: The command's own words by :data:`OWN_WORDS`; ``run`` is always there.
        overrides: ``key=value`` words that change the frozen configuration.

    Returns:
        The metrics by name.

    Raises:
        UserError: The folder, its checkpoint, its data, a word or an override cannot be used.
    """
    # Imported here: --help need not wait for Lightning.
    from wavspa.checks import one_of, whole_number
    from wavspa.launching.decisions.evaluation import Evaluator
    from wavspa.launching.run.build import build_run
    from wavspa.launching.run.freeze import read_config
    from wavspa.launching.run.frozen_data import SPLITS, check_same_data
    from wavspa.launching.run.worker import format_metrics, quiet_lightning
    from wavspa.reports.scores.intervals import RESAMPLES
    from wavspa.tasks import Seq2Seq
    from wavspa.tasks.written_texts import write_texts

    folder, split = Path(words["run"]), words.get("split", "test")
    _check_words(words)
    one_of("split", split, SPLITS)
    resamples = whole_number("resamples", _number(words.get("resamples", RESAMPLES)), least=0)
    config = read_config(folder)
    apply_overrides(config, overrides)
    quiet_lightning()
    task, data = build_run(config)
    output = _checked_output(folder, task, words)
    place = _place(folder, words, split)
    if "input" in words and "folder" not in words:
        _check_place(place, words["input"])
    evaluator = Evaluator(folder, config, task, data)
    typed = {word: words[word] for word in OF_DECISION if word in words}
    with writing(folder, "the run keeps its decision there, so copy the run to a writable place"):
        decision = evaluator.decide(typed)
    if "input" in words:
        rows = _other_rows(folder, task, data, words)
    else:
        data.prepare_data()
        check_same_data(folder, data, [split])
        rows = data
    found = evaluator.evaluate(rows, split, decision, resamples)
    print(format_metrics(found.metrics))
    _show_and_write(place, words.get("input") or split, found)
    if output is not None and isinstance(task, Seq2Seq):
        write_texts(output, task.texts)
        print(f"{len(task.texts):,} texts: {output}", file=sys.stderr)
    return found.metrics


def _show_and_write(place: Path, rows: str, found: "Evaluation") -> None:
    """Print the scores on a split or a file, and write them next to the answers."""
    from wavspa.reports.formats.evaluation import print_evaluation, write_evaluation
    from wavspa.reports.formats.tags import print_tags
    from wavspa.reports.formats.terminal import console

    if found.answers is not None and found.estimates is not None:
        described = found.decision.described(found.answers.names)
        print_evaluation(found.answers, found.estimates, described, console())
    if found.tags is not None:
        print_tags(found.tags, console())
    facts = found.facts(rows)
    with writing(place, "name a writable place by folder=FOLDER"):
        for path in write_evaluation(place, facts, found.answers, found.estimates, found.tags):
            print(f"written: {path}")


def _place(folder: Path, words: dict[str, str], split: str) -> Path:
    """The folder that the results are written into."""
    if "folder" in words:
        return Path(words["folder"])
    rows = f"input-{Path(words['input']).stem}" if "input" in words else split
    return layout.evaluation(folder, rows)


def _check_place(place: Path, source: str) -> None:
    """Refuse to write over the results for another file of the same name."""
    from wavspa.reports.formats.evaluation import evaluated_rows

    before = evaluated_rows(place)
    if before is not None and os.path.realpath(before) != os.path.realpath(source):
        raise UserError(
            f"input={source}: {place} has the results for {before}: name another place by folder=FOLDER"
        )


def _number(word: Any) -> Any:
    """The whole number that a word spells; any other word as it is."""
    return int(word) if str(word).isdecimal() else word


def _checked_output(folder: Path, task: Any, words: dict[str, str]) -> Path | None:
    from wavspa.tasks import Seq2Seq
    from wavspa.tasks.written_texts import check_output

    if "output" not in words:
        return None
    if not isinstance(task, Seq2Seq):
        raise UserError(f"output= is for runs that write texts, and {folder} is not one")
    check_output(Path(words["output"]))
    refuse_own(folder, words["output"])
    return Path(words["output"])


def _check_words(words: dict[str, str]) -> None:
    from wavspa.data.prediction_inputs import check_input

    if "input" not in words:
        if alone := [word for word in OF_INPUT if word in words]:
            raise UserError(f"{alone[0]}= is for input=FILE, which was not given")
        return
    if "split" in words:
        raise UserError("split= and input= cannot be combined: choose the run's data or a file")
    check_input(words["input"], words.get("kind"), listed(words.get("names", "")))


def _other_rows(folder: Path, task: Any, data: Any, words: dict[str, str]) -> Any:
    """The labelled rows of a file in place of the run's own test."""
    from wavspa.launching.inference.inputs import (
        example_columns,
        labelled_batches,
        names_of_classes,
        open_examples,
        tagged_batches,
        target_batches,
    )
    from wavspa.launching.run.evaluate import OtherRows
    from wavspa.launching.run.frozen_data import open_vocabulary, training_card
    from wavspa.tasks import Classification, Seq2Seq, Tagging
    from wavspa.tasks.targets.base import TargetTask

    answering = Classification | Seq2Seq | Tagging | TargetTask
    if not data.input_columns or not isinstance(task, answering):
        raise UserError(
            f"{folder} is a run on {data.name}, which does not classify new examples: input= is for "
            "runs that do"
        )
    open_vocabulary(folder, data)
    table = open_examples(data, words["input"], words.get("kind"), listed(words.get("names", "")))
    columns = example_columns(data, table, listed(words.get("column", "")))
    if isinstance(task, Seq2Seq):
        batches = target_batches(data, table, columns, words.get("label"))
    elif isinstance(task, Tagging):
        known = training_card(folder, data)
        batches = tagged_batches(data, table, columns[0], words.get("label"), known)
    else:
        card = {**training_card(folder, data)}
        if isinstance(task, Classification):
            card["label_names"] = names_of_classes(folder, data, task.classes)
        batches = labelled_batches(data, table, columns, listed(words.get("label", "")), card)
    return OtherRows(lambda: batches, lambda: training_card(folder, data))


if __name__ == "__main__":
    main()
