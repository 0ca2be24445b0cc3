import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from wavspa.data.sources.archives import unpack
from wavspa.errors import UserError


@pytest.fixture(params=["filtered", "unfiltered"], autouse=True)
def python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python as it is, and as it was before 3.11.4: without a filter of what a tar may hold."""
    if request.param == "unfiltered":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
        monkeypatch.delattr(tarfile, "FilterError", raising=False)
    elif not hasattr(tarfile, "data_filter"):
        pytest.skip("this Python has no filter")


def tar(path: Path, mode: str = "w:gz", **members: str) -> Path:
    with tarfile.open(path, mode) as archive:
        for name, text in members.items():
            info = tarfile.TarInfo(name.replace("__", "/"))
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


def nothing_but(archive: Path) -> bool:
    return list(archive.parent.iterdir()) == [archive]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_of_any_compression_and_name(tmp_path: Path, mode: str) -> None:
    unpack(tar(tmp_path / "lra_release.gz", mode, a__b="text"), tmp_path / "out")
    assert (tmp_path / "out/a/b").read_text() == "text"
    assert not list(tmp_path.glob(".*"))


def test_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a/b", "text")
    unpack(tmp_path / "a.zip", tmp_path / "out")
    assert (tmp_path / "out/a/b").read_text() == "text"


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil"])
def test_a_member_outside_of_the_folder(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "text")
    with pytest.raises(UserError, match=r"a\.zip cannot be trusted"):
        unpack(path, tmp_path / "out")
    assert nothing_but(path)


def test_a_tar_with_a_member_outside_of_the_folder(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", **{"..__evil": "text"})
    with pytest.raises(UserError, match=r"a\.tar cannot be trusted"):
        unpack(path, tmp_path / "out")
    assert nothing_but(path)


def test_a_tar_with_a_link_out_of_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(UserError, match="cannot be trusted"):
        unpack(path, tmp_path / "out")
    assert nothing_but(path)


def test_a_device_in_a_tar(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("device")
        info.type = tarfile.CHRTYPE
        archive.addfile(info)
    with pytest.raises(UserError, match=r"a\.tar cannot be trusted: 'device' is "):
        unpack(path, tmp_path / "out")
    assert nothing_but(path)


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_byte_that_is_wrong(tmp_path: Path, mode: str) -> None:
    path = tar(tmp_path / "a.tar", mode, a="".join(map(chr, range(128))))
    content = bytearray(path.read_bytes())
    content[content.index(b"@ABC") if b"@ABC" in content else len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.tar is not an archive or is incomplete"):
        unpack(path, tmp_path / "out")
    assert nothing_but(path)


@pytest.mark.parametrize("kept", [0, 10, 100, 0.5, 0.9])
def test_a_truncated_archive(tmp_path: Path, kept: float) -> None:
    noise = "".join(chr(33 + i * i % 89) for i in range(20_000))
    whole = tar(tmp_path / "whole.tgz", a=noise, b=noise[::-1]).read_bytes()
    (tmp_path / "whole.tgz").unlink()
    path = tmp_path / "part.tgz"
    path.write_bytes(whole[: kept if kept > 1 else int(kept * len(whole))])
    with pytest.raises(UserError, match=r"part\.tgz is not an archive or is incomplete"):
        unpack(path, tmp_path / "out")
    assert nothing_but(path)
