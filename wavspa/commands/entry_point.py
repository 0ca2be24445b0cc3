"""The common part of all commands: the form of their help, and one line for an error, or a traceback."""

import argparse
import functools
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wavspa.errors import RunFailed, RunInterrupted, UserError
from wavspa.run_folder import layout

MISTAKE = 2
FAILURE = 1
# A shell's code for a command that a signal ended is this and its number.
KILLED = 128


def command(main: Callable[[], None]) -> Callable[[], None]:
    """Wrap a command's main function.

    A mistake of the user (also one that Hydra or OmegaConf found) becomes one line on standard error
    and exit code 2, a run that failed for a known reason one line and exit code 1. Anything else is
    a defect and keeps its traceback. ``WAVSPA_DEBUG=1`` shows the traceback of all.
    """

    @functools.wraps(main)
    def wrapped() -> None:
        for stream in (sys.stdout, sys.stderr):
            # What a terminal cannot show (LC_ALL=C) is not a reason to end.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            main()
        except RunFailed as error:
            _end(error, str(error), FAILURE)
        except RunInterrupted as error:
            _end(error, str(error), KILLED + error.signal)
        except KeyboardInterrupt as error:
            _end(error, "interrupted", KILLED + signal.SIGINT)
        except Exception as error:
            line = _mistake(error)
            if line is None:
                raise
            _end(error, line, MISTAKE)

    return wrapped


def parser(
    name: str, description: str, epilog: str | None = None, usage: str | None = None
) -> argparse.ArgumentParser:
    """The parser of a command, without arguments; its texts are printed as they are.

    Args:
        name: The command's.
        description: What it does.
        epilog: Examples.
        usage: The first line of its help; None: made of its arguments.
    """
    return argparse.ArgumentParser(
        name,
        usage=usage,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def typed_path(word: str) -> Path:
    """A path as typed; ``~`` is the home folder, also after the ``=`` where not every shell expands it."""
    return Path(word).expanduser()


def refuse_own(folder: Path, output: str) -> None:
    """Refuse to write over what the program keeps in a run's ``folder``."""
    if layout.is_own(folder, Path(output)):
        raise UserError(f"output={output} is the run's own: name a file outside of {folder}")


@contextmanager
def writing(path: Path, way_out: str) -> Iterator[None]:
    """Report what the system refuses below ``path`` as a mistake whose message ends in ``way_out``."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror or error}): {way_out}"
        ) from error


def _mistake(error: Exception) -> str | None:
    """The user's mistake in one line; None of a defect."""
    if isinstance(error, UserError):
        return " ".join(str(error).split())
    # Imported here: a command that makes no mistake, or starts itself again, need not wait for Hydra.
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from wavspa.commands.hydra_errors import explain_composition

    if isinstance(error, HydraException | OmegaConfBaseException):
        return " ".join(explain_composition(error).split())
    return None


def _end(error: BaseException, line: str, code: int) -> None:
    if os.environ.get("WAVSPA_DEBUG") == "1":
        traceback.print_exception(error)
    print(f"error: {line}", file=sys.stderr)
    sys.exit(code)
