"""Getting the files of a data set from where its authors put them."""

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import requests
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from wavspa.data.sources.archives import unpack
from wavspa.errors import UserError
from wavspa.locks import lock
from wavspa.reporting import report

TRIES = 5
SECONDS_BETWEEN_TRIES = 2.0
SECONDS_OF_SILENCE = 60
# Written at a time; what a break loses is less than this.
PIECE = 2**16


class Download(Protocol):
    """Something that can be fetched."""

    def into(self, root: Path) -> None:
        """Put it below the data root, complete or not at all; leave an existing one alone.

        Raises:
            UserError: It cannot be had.
        """


@dataclass(frozen=True)
class Archive:
    """An archive at a public address.

    Attributes:
        url: Its address.
        folder: Where its content goes, below the data root.
        md5: Its checksum, where its authors or long use have made one known.
    """

    url: str
    folder: str
    md5: str | None = None

    def into(self, root: Path) -> None:
        """Download and unpack it; an archive in the root is used instead.

        What has arrived before an interruption is kept, and the next call resumes from there.
        """
        archive, folder = root / self.url.rpartition("/")[2], root / self.folder
        with _alone(root, self.folder):
            if folder.is_dir():
                return
            if own := archive.is_file():
                report(f"unpacking {archive}")
            else:
                download(self.url, archive, self.md5)
            unpack(archive, folder)
            if not own:
                archive.unlink()


@dataclass(frozen=True)
class File:
    """A file at a public address.

    Attributes:
        url: Its address.
        md5: Its checksum, where its authors or long use have made one known.
    """

    url: str
    md5: str | None = None

    def into(self, root: Path) -> None:
        """Download it, under its own name; what has arrived before an interruption is kept."""
        name = self.url.rpartition("/")[2]
        with _alone(root, name):
            if not (root / name).is_file():
                download(self.url, root / name, self.md5)


@dataclass(frozen=True)
class HubFiles:
    """Files of a data set on the Hugging Face hub.

    Attributes:
        repo: Its id, ``owner/name``.
        patterns: Which of its files.
        folder: Where they go, below the data root.
    """

    repo: str
    patterns: tuple[str, ...]
    folder: str

    def into(self, root: Path) -> None:
        """Download them; the hub's library checks each against the hub's checksum."""
        # Imported here: it takes a second, and only downloads need it.
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
        from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars

        folder = root / self.folder
        partial = folder.with_name(f".{folder.name}.partial")
        if not sys.stderr.isatty() and not are_progress_bars_disabled():
            disable_progress_bars()
        with _alone(root, self.folder):
            if folder.is_dir():
                return
            report(
                f"downloading {', '.join(self.patterns)} of {self.repo} from the hub to {folder}"
            )
            try:
                snapshot_download(
                    self.repo,
                    repo_type="dataset",
                    allow_patterns=list(self.patterns),
                    local_dir=partial,
                )
            except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
                raise UserError(
                    f"{self.repo} cannot be downloaded from the hub ({_first_line(error)}); the same "
                    "command resumes where it stopped"
                ) from error
            shutil.rmtree(partial / ".cache", ignore_errors=True)
            os.replace(partial, folder)


# Listops, Retrieval and Pathfinder of all sizes: 8 GB. It is a tar, in spite of its name.
LRA = Archive("https://storage.googleapis.com/long-range-arena/lra_release.gz", "lra_release")


def download_all(root: Path, downloads: Sequence[Download]) -> None:
    """Download all of ``downloads``, one after the other.

    Raises:
        UserError: One cannot be had.
    """
    for item in downloads:
        item.into(root)


def download(url: str, path: Path, md5: str | None = None) -> None:
    """Download one file; resume what an earlier call has left.

    Args:
        url: Its address.
        path: Where it goes; it appears when it is complete and its checksum is right.
        md5: The checksum, if it is known.

    Raises:
        UserError: The address answers with an error, the network is down or the disk is full; or
            the checksum is wrong, and what was downloaded is removed.
    """
    part = path.with_name(f".{path.name}.part")
    report(f"downloading {url} to {path}")
    for attempt in range(1, TRIES + 1):
        try:
            _append(url, part)
            break
        except requests.HTTPError as error:
            raise UserError(
                f"{_first_line(error)}: download it in another way and save it as {path}"
            ) from error
        except requests.RequestException as error:
            if attempt == TRIES:
                raise UserError(
                    f"{url} cannot be downloaded ({_first_line(error)}); the same command resumes "
                    f"where it stopped, or download it in another way and save it as {path}"
                ) from error
            time.sleep(SECONDS_BETWEEN_TRIES)
        except OSError as error:
            raise UserError(f"{part} cannot be written ({error.strerror})") from error
    if md5 is not None:
        with part.open("rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
        if found != md5:
            part.unlink()
            raise UserError(f"{url} has the MD5 checksum {found} but should have {md5}: try again")
    os.replace(part, path)


def _append(url: str, part: Path) -> None:
    """Download what ``part`` still lacks."""
    start = part.stat().st_size if part.exists() else 0
    # Bytes as the server stores them: a length and a place in a file compressed on the way mean nothing.
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with requests.get(url, headers=headers, stream=True, timeout=SECONDS_OF_SILENCE) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return  # there is nothing after what we have
        answer.raise_for_status()
        if answer.status_code != requests.codes.partial_content:
            start = 0
        length = answer.headers.get("Content-Length")
        with part.open("ab" if start else "wb") as file, _bar(start, length) as (progress, task):
            for piece in answer.iter_content(PIECE):
                file.write(piece)
                progress.advance(task, len(piece))


@contextmanager
def _bar(start: int, length: str | None) -> Iterator[tuple[Progress, TaskID]]:
    console = Console(stderr=True)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        total = None if length is None else start + int(length)
        yield progress, progress.add_task("", total=total, completed=start)


@contextmanager
def _alone(root: Path, folder: str) -> Iterator[None]:
    """Let one process at a time fetch what goes to a folder; the others find it there."""
    path = root / folder
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})") from error
    with lock(path.with_name(f".{path.name}.lock"), path):
        yield


def _first_line(error: Exception) -> str:
    # A connection that fails does so behind many wrappings, whose text repeats the address.
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return (str(reason or error).splitlines() or [type(error).__name__])[0]
