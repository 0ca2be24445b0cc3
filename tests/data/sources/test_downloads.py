import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from wavspa.data import Texts
from wavspa.data.sources import downloads
from wavspa.data.sources.downloads import Archive, File, HubFiles, download, download_all
from wavspa.data.sources.locate import FilesNotFound
from wavspa.data.text_datamodule import TextRow, TextSplit
from wavspa.data.tokenizers import Bytes
from wavspa.errors import UserError

CONTENT = bytes(range(256)) * 4000
PARQUET = b"a parquet file"
COMMIT = "c" * 40


def archive_bytes() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo("tree/file")
        info.size = len(CONTENT)
        tar.addfile(info, io.BytesIO(CONTENT))
    return buffer.getvalue()


class Server(ThreadingHTTPServer):
    """Serves ``files``; breaks the next ``breaks`` answers off in the middle."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"/data.bin": CONTENT, "/tree.tar.gz": archive_bytes()}
        self.breaks = 0
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/api/datasets/"):
            self._hub_api(path)
        elif path.startswith("/datasets/"):
            self._hub_file(path)
        elif path in self.server.files:
            self._file(self.server.files[path])
        else:
            self.send_error(404)

    def _file(self, content: bytes) -> None:
        wanted = self.headers["Range"]
        self.server.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = len(content)
        if self.server.breaks:
            self.server.breaks -= 1
            end = start + (len(content) - start) // 2
        self.wfile.write(content[start:end])

    def _hub_api(self, path: str) -> None:
        names = ["README.md", "plain_text/train.parquet"]
        files = [
            {"type": "file", "oid": "1" * 40, "size": len(PARQUET), "path": name} for name in names
        ]
        info = {"id": "some/set", "sha": COMMIT, "siblings": [{"rfilename": n} for n in names]}
        self._send(json.dumps(files if "/tree/" in path else info).encode())

    def _hub_file(self, path: str) -> None:
        self._send(PARQUET, {"ETag": f'"{"2" * 40}"', "X-Repo-Commit": COMMIT})

    def _send(self, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(200)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(downloads, "SECONDS_BETWEEN_TRIES", 0)
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def test_a_file(server: Server, tmp_path: Path) -> None:
    checksum = hashlib.md5(CONTENT).hexdigest()
    download(f"{server.url}/data.bin", tmp_path / "data.bin", checksum)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["data.bin"]


def test_it_goes_on_when_the_connection_breaks(server: Server, tmp_path: Path) -> None:
    server.breaks = 3
    download(f"{server.url}/data.bin", tmp_path / "data.bin")
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    starts = [int(wanted[6:-1]) if wanted else 0 for wanted in server.ranges]
    assert starts[0] == 0 < len(CONTENT) // 2 - downloads.PIECE < starts[1] < starts[2] < starts[3]


def test_a_later_command_goes_on_where_the_first_stopped(server: Server, tmp_path: Path) -> None:
    server.breaks = downloads.TRIES
    with pytest.raises(UserError, match=r"cannot be downloaded .* resumes where it stopped"):
        download(f"{server.url}/data.bin", tmp_path / "data.bin")
    assert not (tmp_path / "data.bin").exists()
    server.ranges.clear()
    download(f"{server.url}/data.bin", tmp_path / "data.bin")
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert len(server.ranges) == 1
    assert server.ranges[0] is not None


def test_all_was_there_but_its_name(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".data.bin.part").write_bytes(CONTENT)
    download(f"{server.url}/data.bin", tmp_path / "data.bin")
    assert (tmp_path / "data.bin").read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="should have 0123"):
        download(f"{server.url}/data.bin", tmp_path / "data.bin", "0123")
    assert not list(tmp_path.iterdir())


def test_an_address_that_refuses(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"404 .*gone: download it in another way .*gone"):
        download(f"{server.url}/gone", tmp_path / "gone")


def test_an_archive_is_unpacked_once(server: Server, tmp_path: Path) -> None:
    tree = Archive(f"{server.url}/tree.tar.gz", "somewhere/tree_v1")
    download_all(tmp_path, [tree, tree])
    assert (tmp_path / "somewhere/tree_v1/tree/file").read_bytes() == CONTENT
    assert len(server.ranges) == 1
    assert not (tmp_path / "tree.tar.gz").exists()


def test_an_archive_that_the_user_has_is_taken_and_kept(tmp_path: Path) -> None:
    (tmp_path / "tree.tar.gz").write_bytes(archive_bytes())
    download_all(tmp_path, [Archive("http://127.0.0.1:1/tree.tar.gz", "tree_v1")])
    assert (tmp_path / "tree_v1/tree/file").read_bytes() == CONTENT
    assert (tmp_path / "tree.tar.gz").exists()


def use_hub(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)


def test_files_of_the_hub(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_hub(monkeypatch, server.url)
    download_all(tmp_path, [HubFiles("some/set", ("plain_text/*.parquet",), "set")])
    found = [path.relative_to(tmp_path) for path in (tmp_path / "set").rglob("*") if path.is_file()]
    assert found == [Path("set/plain_text/train.parquet")]
    assert (tmp_path / "set/plain_text/train.parquet").read_bytes() == PARQUET


def test_no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_hub(monkeypatch, "http://127.0.0.1:1")
    with pytest.raises(UserError, match=r"some/set cannot be downloaded from the hub"):
        download_all(tmp_path, [HubFiles("some/set", ("*.parquet",), "set")])
    assert not (tmp_path / "set").exists()


class Letters(Texts):
    """The bytes of one file, which the server has."""

    def source_cache_key(self) -> dict[str, Any]:
        return {"data": "letters"}

    def card_facts(self, splits: Any) -> dict[str, Any]:
        return {}

    def read(self) -> dict[str, TextSplit]:
        path = self.data_root / "data.bin"
        if not path.exists():
            raise FilesNotFound("letters", self.data_root, ["data.bin"], "get it")
        rows = [TextRow((path.read_bytes()[:100].decode("latin-1"),), 0)]
        return {split: TextSplit(lambda: rows, 1) for split in ("train", "val", "test")}


@pytest.mark.parametrize("wanted", [True, False])
def test_a_data_set_gets_what_it_lacks(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    monkeypatch.setattr("wavspa.data.datamodule.download_all", download_all)
    monkeypatch.setattr(Letters, "downloads", (File(f"{server.url}/data.bin"),))
    sizes: dict[str, Any] = {"vocab_size": 257, "classes": 2, "max_length": 9, "batch_size": 1}
    data = Letters(name="letters", data_root=tmp_path, tokenizer=Bytes(), download=wanted, **sizes)
    if not wanted:
        with pytest.raises(FilesNotFound, match=r"letters: no folder .* holds data\.bin; get it"):
            data.prepare_data()
        return
    for _ in range(2):
        data.prepare_data()
    assert data.card["splits"]["test"]["examples"] == 1
    assert len(server.ranges) == 1
