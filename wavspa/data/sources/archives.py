"""Unpacking of archives: completely or not at all, and never outside the folder."""

import gzip
import lzma
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from wavspa.errors import UserError, first_line

_DAMAGES = (
    tarfile.ReadError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,  # of a zip that is locked, or packed in an unknown way
)
PIECE = 2**20


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar, compressed in any way, or a zip into a new folder.

    Args:
        archive: The file; the format is found by its content, not its name.
        folder: Appears when everything is unpacked. It may not be there yet.

    Raises:
        UserError: The archive is damaged, is not an archive, holds a member that points outside the
            folder, or the disk is full.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        if zipfile.is_zipfile(archive):
            _unpack_zip(archive, partial)
        else:
            _unpack_tar(archive, partial)
        os.replace(partial, folder)
    except OSError as error:
        raise UserError(f"{archive} cannot be unpacked to {folder} ({error.strerror})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def open_tar(archive: Path) -> Iterator[tarfile.TarFile]:
    """A tar, compressed in any way; a truncated one raises when it is closed.

    Raises:
        UserError: It is damaged or no tar at all.
    """
    with _whole(archive), tarfile.open(archive) as tar:
        yield tar
        # The checksum of a compressed tar follows its last member.
        while tar.fileobj and tar.fileobj.read(PIECE):
            pass


@contextmanager
def _whole(archive: Path) -> Iterator[None]:
    """Name the archive when what is read of it shows that it is damaged or none at all."""
    try:
        yield
    except _DAMAGES as error:
        why = first_line(error).rstrip(":")
        raise UserError(
            f"{archive} is not an archive or is incomplete ({why}): delete it and download it again"
        ) from error


def _untrusted(archive: Path, name: str, why: str = "points outside its folder") -> UserError:
    return UserError(f"{archive} cannot be trusted: {name!r} {why}")


def _leads_out(name: str) -> bool:
    return name.startswith("/") or ".." in PurePosixPath(name).parts


def _unpack_zip(archive: Path, folder: Path) -> None:
    with _whole(archive), zipfile.ZipFile(archive) as members:
        for name in members.namelist():
            # zipfile would write it under another name, without a warning.
            if _leads_out(name):
                raise _untrusted(archive, name)
        members.extractall(folder)


def _unpack_tar(archive: Path, folder: Path) -> None:
    with open_tar(archive) as tar:
        if not hasattr(tarfile, "data_filter"):
            _unpack_plain(tar, archive, folder)
            return
        try:
            tar.extractall(folder, filter="data")
        except tarfile.SpecialFileError as error:
            raise _untrusted(archive, error.tarinfo.name, "is a device") from error
        except tarfile.FilterError as error:
            raise _untrusted(archive, error.tarinfo.name) from error


def _unpack_plain(tar: tarfile.TarFile, archive: Path, folder: Path) -> None:
    """Unpack files and folders without their owners and modes: Python before 3.11.4 has no filter."""
    for member in tar:
        if _leads_out(member.name):
            raise _untrusted(archive, member.name)
        if not (member.isfile() or member.isdir()):
            why = "is neither a file nor a folder, which only Python 3.11.4 and later can check"
            raise _untrusted(archive, member.name, why)
        tar.extract(member, folder, set_attrs=False)
