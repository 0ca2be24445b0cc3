"""``wavspa-predict``: the class, or the embedding, of each new example by a trained run."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

from wavspa.checks import parse_bool
from wavspa.commands.entry_point import FAILURE, command, refuse_own
from wavspa.commands.overrides import apply_overrides, listed, typed_words
from wavspa.errors import UserError

DESCRIPTION = """\
Predict the class of each example in a file with the best checkpoint of a run. With task=regression it
predicts numbers, with task=multilabel labels, with task=tagging the tags of words and the spans that they
form; a run that embeds (POJ-104) returns embeddings, and a run that writes (summarization, translation)
texts with their scores.

  input=       .csv, .tsv, .jsonl, .json, .parquet (all but the last may be followed by .gz, .bz2, .xz), or
               .txt with one text per line; - reads standard input, as plain text or with kind=jsonl.
               For runs on pictures: a picture, a folder of pictures, or a table or text file of their
               paths, relative to the current folder (parquet may hold the pictures themselves); for runs
               on series .npz, .npy, .csv or .parquet; for runs on tags also one word per line (.conll)
  output=      .csv, .jsonl or .parquet; for texts also .txt, one per line; for tags also .conll;
               without it, csv goes to standard output
  column=      the column of the examples, for pairs two (column=COLUMN,COLUMN); default: as in training
  id=          columns of the input to keep: id=COLUMN[,COLUMN ...]; default for pictures: their path
  embeddings=  true: also write the vector that the classifier's head sees
  format=      csv, jsonl, parquet, txt or conll, if the output's name does not show it; or a submission:
               d2a (id=id), codexglue (id=idx, for pairs id=idx1,idx2)
  kind=        the format of the input, if its name does not show it: txt, csv, tsv, jsonl, json, parquet
               or conll
  names=       the columns of a csv or tsv without a header, whose quotes are plain characters

If wavspa-evaluate threshold= or temperature= has left a decision.json in the run, classes and probabilities
follow it. Other key=value words change single values of the run's configuration, such as
dataset.eval_batch_size=."""

EPILOG = """\
examples:
  wavspa-predict run=runs/files/NAME input=new.csv column=body id=number output=classes.csv
  wavspa-predict run=runs/tagging/NAME input=new.txt output=tags.jsonl
  wavspa-predict run=runs/image/NAME input=photos output=classes.jsonl
  wavspa-predict run=runs/translation-java-cs/NAME input=methods.jsonl column=java output=methods.txt
  echo "a text" | wavspa-predict run=runs/files/NAME input=-
  wavspa-predict run=runs/d2a-trace/NAME input=d2a_lbv1_trace_test.csv format=d2a output=trace.txt"""


@command
def main() -> None:
    """Run the command."""
    usage = "wavspa-predict run=FOLDER input=FILE [output=FILE] [column=COLUMN] [key=value ...]"
    words = typed_words("wavspa-predict", usage, DESCRIPTION, EPILOG)
    for needed, what in (("run", "FOLDER"), ("input", "FILE")):
        if needed not in words:
            raise UserError(f"{needed}={what} is missing: wavspa-predict run=FOLDER input=FILE")
    try:
        predict(words)
    except BrokenPipeError:
        # Whoever read standard output has seen enough; nothing may be flushed into it at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILURE)


def predict(words: dict[str, str]) -> None:
    """Write a run's predictions, and print on standard error how long it took.

    Args:
        words: The command's words; those that are not its own change the frozen configuration.

    Raises:
        UserError: A word, the run or the input cannot be used.
    """
    # Imported here: --help need not wait for Lightning.
    from wavspa.data.prediction_inputs import check_input
    from wavspa.launching.inference.inputs import example_columns, open_examples
    from wavspa.launching.inference.predictor import Predictor
    from wavspa.launching.inference.writers import Form, check_form, write_answers
    from wavspa.launching.run.freeze import read_config
    from wavspa.launching.run.worker import quiet_lightning

    rest = dict(words)
    folder, source = Path(rest.pop("run")), rest.pop("input")
    output, wanted = rest.pop("output", None), rest.pop("format", None)
    named, ids = listed(rest.pop("column", "")), listed(rest.pop("id", ""))
    embeddings = parse_bool("embeddings", rest.pop("embeddings", "false"))
    input_kind, names = rest.pop("kind", None), listed(rest.pop("names", ""))
    check_input(source, input_kind, names)
    config = read_config(folder)
    apply_overrides(config, [f"{key}={value}" for key, value in rest.items()])
    if output is not None:
        own = (config.dataset.get(split) for split in ("train", "val", "test"))
        _check_output(Path(output), [source, *filter(None, own)])
        refuse_own(folder, output)
    quiet_lightning()
    predictor = Predictor(folder, config, embeddings)
    if decided := predictor.decision.described(predictor.labels):
        print(f"decided by: {decided}", file=sys.stderr)
    table = open_examples(predictor.data, source, input_kind, names)
    columns = example_columns(predictor.data, table, named)
    kind = wanted or _format_of(output)
    kept = ids or _ids_of(kind, len(columns)) or (columns if predictor.has_pictures else [])
    form = Form(kind, kept, predictor.labels, predictor.writes, predictor.target_names)
    check_form(form)
    if output is None and kind == "parquet":
        raise UserError("format=parquet cannot go to standard output: name a file by output=")
    start = time.perf_counter()
    with _opened(output) as file:
        rows = write_answers(file, predictor.answers(table, columns, kept), form)
    seconds = time.perf_counter() - start
    place = output or "standard output"
    print(f"{rows:,} examples in {seconds:.1f} s: {place}", file=sys.stderr)
    if predictor.tags is not None and predictor.tags.unread:
        print(
            f"{predictor.tags.unread:,} words are empty or begin after "
            f"dataset.max_length={predictor.data.max_length} tokens and were not read",
            file=sys.stderr,
        )
    if predictor.cut_sources:
        print(
            f"{predictor.cut_sources:,} of them had more than "
            f"dataset.max_length={predictor.data.max_length} tokens: only their head was read",
            file=sys.stderr,
        )


def _check_output(output: Path, kept: Sequence[str]) -> None:
    """Refuse to write over a file that is read, or that the run was trained on."""
    for name in kept:
        path = Path(os.path.expanduser(name))
        if output.exists() and path.exists() and output.samefile(path):
            raise UserError(f"output={output} would overwrite {path}: name another file")


def _format_of(output: str | None) -> str:
    from wavspa.data.tagging.files import CONLL
    from wavspa.launching.inference.writers import LINES, TABLES

    if output is None:
        return TABLES[0]
    kind = Path(output).suffix.removeprefix(".")
    if kind not in (*TABLES, LINES, CONLL):
        raise UserError(
            f"output={output}: its name has to end in {', '.join(f'.{kind}' for kind in TABLES)}, "
            "or format= has to name the format"
        )
    return kind


def _ids_of(kind: str, texts: int) -> list[str]:
    """The columns that a submission needs; the tables need none."""
    if kind == "d2a":
        return ["id"]
    if kind == "codexglue":
        return ["idx"] if texts == 1 else ["idx1", "idx2"]
    return []


@contextmanager
def _opened(output: str | None) -> Iterator[BinaryIO]:
    """The output, which appears once it is complete."""
    from wavspa.atomic import atomic_write

    try:
        with (
            nullcontext(sys.stdout.buffer) if output is None else atomic_write(Path(output)) as file
        ):
            yield file
            file.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(
            f"output={output or '-'} cannot be written ({error.strerror or error})"
        ) from error


if __name__ == "__main__":
    main()
