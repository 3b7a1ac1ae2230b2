import contextlib
import errno
import hashlib
import io
import os
import shutil
import socket
import struct
import tarfile
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from lecture_lib import download, fetch, settings
from lecture_lib.download import DownloadError, RemoteFile, fetching, unpacking

DATA = np.random.default_rng(0).bytes(300_000)
OTHER = np.random.default_rng(1).bytes(300_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
PAGE = b"<!DOCTYPE html>\n<html><body>Please log in to the hotel's network.</body></html>" + b" " * 5000


@pytest.fixture(autouse=True)
def ground(tmp_path, tmp_path_factory, monkeypatch):
    monkeypatch.setattr(settings, "_chosen", {})
    monkeypatch.setattr(settings, "_settings", None)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("LECTURE_OFFLINE", raising=False)
    settings.use(cache=tmp_path_factory.mktemp("cache"), data=tmp_path / "data", quiet=True)
    monkeypatch.setattr(fetching, "PAUSE", 0.001)
    monkeypatch.setattr(fetching, "TIMEOUT", (2, 0.5))


class Site:
    """What a server does at one address: a list of behaviours, one a request, the last one repeated."""

    def __init__(self, *behaviours):
        self.behaviours, self.requests = list(behaviours), []

    def next(self):
        return self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]


def give(content=DATA, *, ranges=True, stop_after=None, encoding=None, delay=0.0, length=True):
    """Serve content like a good server, or like one with the given faults."""

    def behave(handler):
        start = 0
        asked = handler.headers.get("Range")
        if asked and ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                return status(416)(handler)
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if length:
            handler.send_header("Content-Length", str(len(content) - start))
        if encoding:
            handler.send_header("Content-Encoding", encoding)
        handler.end_headers()
        body = content[start:][:stop_after]
        for i in range(0, len(body), 1 << 16):
            handler.wfile.write(body[i : i + (1 << 16)])
            if delay:
                handler.wfile.flush()
                time.sleep(delay)
        return None

    return behave


def status(code):
    def behave(handler):
        handler.send_response(code)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return behave


def reset_connection(handler):
    """Break the connection with a TCP reset before any answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def fall_silent(after):
    def behave(handler):
        give(stop_after=after)(handler)
        handler.wfile.flush()
        handler.server.quiet.wait(5)

    return behave


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        site = self.server.sites[self.path]
        site.requests.append(dict(self.headers))
        with contextlib.suppress(OSError):  # the client has gone
            site.next()(self)
        self.close_connection = True

    def do_HEAD(self):
        content = self.server.sites[self.path].behaviours[0]
        content(self)  # a client that asked for the head leaves the rest
        self.close_connection = True

    def log_message(self, *arguments):
        pass


@pytest.fixture
def serve():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.sites, server.quiet = True, {}, threading.Event()
    server.handle_error = lambda *arguments: None
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()

    def add(*behaviours):
        site = Site(*behaviours)
        path = f"/{len(server.sites)}/birds.tar.gz"
        server.sites[path] = site
        site.url = f"http://127.0.0.1:{server.server_address[1]}{path}"
        return site

    yield add
    server.quiet.set()
    server.shutdown()
    thread.join()
    server.server_close()


def closed_address():
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/birds.tar.gz"


def birds(*sites, sha256=SHA256, size=300_000):
    urls = tuple(site if isinstance(site, str) else site.url for site in sites)
    return RemoteFile("birds.tar.gz", urls, sha256, size, "https://birds.example/download")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


DONE = ["birds.tar.gz"]


def refused(file, folder, *parts):
    """The one sentence of a download that must fail: with the manual way, without the insides."""
    with pytest.raises(DownloadError) as caught:
        download.fetch(file, folder)
    message = str(caught.value)
    manual = f"By hand: get birds.tar.gz from https://birds.example/download, put it into {folder}, and run"
    for part in (*parts, manual):
        assert part in message, message
    assert "\n" not in message
    assert "urllib3" not in message
    assert "object at 0x" not in message
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert not (folder / "birds.tar.gz").exists()
    return message


# the good way


def test_a_file_arrives_whole_and_is_not_fetched_again(serve, tmp_path):
    site = serve(give())
    path = download.fetch(birds(site), tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "birds.tar.gz"
    assert path.read_bytes() == DATA
    assert names(path.parent) == DONE
    assert download.fetch(birds(site), path.parent) == path
    assert len(site.requests) == 1


def test_a_compressed_file_is_not_unpacked_on_the_way(serve, tmp_path):
    # Apache declares birds.tar.gz as a tar with gzip encoding: requests would store the tar
    site = serve(give(encoding="gzip"))
    assert download.fetch(birds(site), tmp_path).read_bytes() == DATA
    assert site.requests[0]["Accept-Encoding"] == "identity"


# retries and resuming


def test_errors_that_pass_are_retried(serve, tmp_path):
    site = serve(status(503), status(500), reset_connection, status(429), give())
    assert download.fetch(birds(site), tmp_path).read_bytes() == DATA
    assert len(site.requests) == 5


def test_a_connection_that_breaks_goes_on_where_it_broke(serve, tmp_path):
    site = serve(give(stop_after=100_000), give(stop_after=50_000), fall_silent(70_000), give())
    assert download.fetch(birds(site), tmp_path).read_bytes() == DATA
    *asked, last = [request.get("Range") for request in site.requests]
    assert asked == [None, "bytes=100000-", "bytes=150000-"]
    assert last > asked[-1]  # most of what came before the silence is kept
    assert names(tmp_path) == DONE


def test_a_connection_that_always_breaks_is_given_up_and_its_bytes_are_kept(serve, tmp_path):
    site = serve(give(stop_after=100_000), reset_connection)
    message = refused(birds(site), tmp_path, "broke the connection", "The 0.1 MB that arrived are kept")
    assert f"127.0.0.1:{site.url.split(':')[2].split('/')[0]} broke" in message
    assert len(site.requests) < 12
    again = serve(give())
    assert download.fetch(birds(again), tmp_path).read_bytes() == DATA
    assert again.requests[0]["Range"] == "bytes=100000-"


def test_a_long_file_over_a_bad_line_may_break_more_often_than_it_may_stand_still(serve, tmp_path):
    site = serve(*[give(stop_after=20_000)] * 14, give())
    assert download.fetch(birds(site), tmp_path).read_bytes() == DATA
    assert len(site.requests) == 15


@pytest.mark.parametrize("then", [[give(ranges=False)], [status(416), give()]])
def test_a_server_that_gives_no_ranges_starts_again(serve, tmp_path, then):
    site = serve(give(stop_after=100_000), *then)
    assert download.fetch(birds(site), tmp_path).read_bytes() == DATA
    asked = [request.get("Range") for request in site.requests]
    assert asked == [None, "bytes=100000-", None][: len(then) + 1]


@pytest.mark.parametrize("sha256", [SHA256, SHA256[:8], None])
def test_two_versions_of_a_file_are_not_spliced(serve, tmp_path, sha256):
    site = serve(give(OTHER, stop_after=100_000), give())
    assert download.fetch(birds(site, sha256=sha256), tmp_path).read_bytes() == DATA


def test_a_wrong_beginning_of_another_source_is_thrown_away(serve, tmp_path):
    first, second = serve(give(OTHER, stop_after=100_000), status(404)), serve(give())
    assert download.fetch(birds(first, second), tmp_path).read_bytes() == DATA
    assert [request.get("Range") for request in second.requests] == ["bytes=100000-", None]


@pytest.mark.parametrize("kept", [70_000, 300_000])
def test_a_killed_download_goes_on_where_it_was(serve, tmp_path, kept):
    (tmp_path / "birds.tar.gz.part").write_bytes(DATA[:kept])  # all of it: killed before its last step
    site = serve(give())
    assert download.fetch(birds(site), tmp_path).read_bytes() == DATA
    assert [request["Range"] for request in site.requests] == [f"bytes={kept}-"] * (kept < len(DATA))
    assert names(tmp_path) == DONE


def test_those_who_want_one_file_at_once_all_get_it_from_one_download(serve, tmp_path):
    site = serve(give(delay=0.05))
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: download.fetch(birds(site), tmp_path).read_bytes(), range(3)))
    assert found == [DATA] * 3
    assert len(site.requests) == 1
    assert names(tmp_path) == DONE


# wrong answers


def test_every_source_is_tried_and_named_with_its_fault(serve, tmp_path):
    bad = [closed_address(), serve(status(404)), serve(give(PAGE)), serve(give(OTHER))]
    faults = ["cannot be reached; ", "answers 404 Not Found; ", "sent what is a web page (HTML)"]
    wrong = f"has SHA-256 {hashlib.sha256(OTHER).hexdigest()[:16]}..., not {SHA256[:16]}... as published"
    refused(birds(*bad), tmp_path, *faults, wrong)
    assert names(tmp_path) == []
    assert download.fetch(birds(*bad, serve(give())), tmp_path).read_bytes() == DATA
    assert names(tmp_path) == DONE


@pytest.mark.parametrize(
    "content", [PAGE, b"\xef\xbb\xbf\r\n  <HTML><title>404", b"<!-- generated --><html>"]
)
def test_a_web_page_in_place_of_an_archive_is_seen(serve, tmp_path, content):
    file = birds(serve(give(content)), sha256=None, size=None)
    refused(file, tmp_path, "sent what is a web page (HTML)")
    assert names(tmp_path) == []


def test_a_file_of_another_size_is_not_downloaded_first(serve, tmp_path):
    site = serve(give(DATA * 2))
    refused(birds(site), tmp_path, "offers 0.6 MB where 0.3 MB were published")


@pytest.mark.parametrize(("code", "most"), [(403, 1), (404, 1), (503, 6)])
def test_a_final_no_is_not_asked_again_and_an_ill_server_only_a_few_times(serve, tmp_path, code, most):
    site = serve(status(code))
    refused(birds(site), tmp_path, f"answers {code}")
    assert len(site.requests) <= most


def test_offline_nothing_is_asked_and_the_manual_way_is_given(serve, tmp_path, monkeypatch):
    site = serve(give())
    settings.reset()
    monkeypatch.setenv("LECTURE_OFFLINE", "1")
    refused(birds(site), tmp_path, "birds.tar.gz is not there, and LECTURE_OFFLINE forbids downloads")
    assert site.requests == []
    (tmp_path / "birds.tar.gz").write_bytes(DATA)
    assert download.fetch(birds(site), tmp_path).exists()
    assert site.requests == []


# what is there already


@pytest.mark.parametrize(
    ("content", "fault"),
    [(DATA[:1000], "has 1,000 bytes, not 300,000"), (OTHER, "has SHA-256"), (PAGE, "is a web page")],
)
def test_a_file_that_is_there_but_wrong_is_reported_and_replaced(serve, tmp_path, content, fault):
    path = tmp_path / "birds.tar.gz"
    path.write_bytes(content)
    with pytest.warns(UserWarning, match=f"birds.tar.gz .*{fault}.*downloaded again"):
        download.fetch(birds(serve(give())), tmp_path)
    assert path.read_bytes() == DATA


# folders that take nothing


def test_a_read_only_folder_gives_one_sentence_and_is_read(serve, tmp_path, monkeypatch):
    # Simulated: the superuser may write despite chmod.
    def refuse(*arguments, **options):
        raise OSError(errno.EROFS, "Read-only file system")

    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    refused(birds(serve(give())), folder, "cannot be written (Read-only file system)", "LECTURE_DATA")
    (folder / "birds.tar.gz").write_bytes(DATA)
    monkeypatch.setattr(os, "replace", refuse)
    assert download.fetch(birds(), folder).read_bytes() == DATA
    assert names(folder) == ["birds.tar.gz"]


def test_a_disk_that_will_not_hold_the_file_is_noticed_before(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 1000))
    refused(birds(serve(give())), tmp_path, "The disk is full", "Free some space")
    assert names(tmp_path) == []


# archives


FILES = {f"birds/{kind}/{i}.jpg": bytes([i]) * 3000 for kind in ("owl", "wren") for i in range(5)}


def write_tar(path, mode="w:gz", files=FILES, members=()):
    with tarfile.open(path, mode) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, kind, target in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            tar.addfile(member)
    return path


def write_zip(path, files=FILES):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


ARCHIVES = {"a.tar": "w", "a.tgz": "w:gz", "b": "w:bz2", "odd name": "w:xz", "a.zip": "zip"}


def write_archive(path, mode):
    return write_zip(path) if mode == "zip" else write_tar(path, mode)


@pytest.mark.parametrize(("name", "mode"), ARCHIVES.items())
def test_archives_of_all_kinds_are_unpacked_and_what_a_killed_process_left_is_not_taken_for_it(
    tmp_path, name, mode
):
    archive, folder = write_archive(tmp_path / name, mode), tmp_path / "new" / "data"
    (folder / f".unpacking-{name}" / "birds" / "half.jpg").mkdir(parents=True)
    assert download.unpack(archive, folder) == folder
    assert tree(folder) == FILES
    assert names(folder) == ["birds"]


def test_two_archives_may_share_folders_as_those_of_voc_do(tmp_path):
    first = write_tar(tmp_path / "a.tar", "w", {"VOC/Images/1.jpg": b"1", "VOC/Sets/train.txt": b"1"})
    second = write_tar(tmp_path / "b.tar", "w", {"VOC/Images/2.jpg": b"2", "VOC/Sets/test.txt": b"2"})
    folder = tmp_path / "data"
    download.unpack(first, folder)
    download.unpack(second, folder)
    download.unpack(first, folder)
    assert len(tree(folder)) == 4


@pytest.mark.parametrize(("name", "mode"), ARCHIVES.items())
@pytest.mark.parametrize("share", [0.02, 0.5])
def test_a_truncated_archive_leaves_nothing_that_looks_whole(tmp_path, name, mode, share):
    whole = write_archive(tmp_path / name, mode).read_bytes()
    archive = tmp_path / name
    archive.write_bytes(whole[: int(len(whole) * share)])
    folder = tmp_path / "data"
    with pytest.raises(DownloadError, match=r"^.* is no archive or a damaged one \(.*\)\. Delete it"):
        download.unpack(archive, folder)
    assert names(folder) == []


@pytest.mark.parametrize("rest", [b"", b"damage" * 1000])
def test_a_plain_tar_that_ends_or_breaks_between_two_members_is_not_taken_for_whole(tmp_path, rest):
    # tarfile alone ends here without a word
    archive = write_tar(tmp_path / "a.tar", "w")
    with tarfile.open(archive) as tar:
        cut = tar.getmembers()[6].offset
    archive.write_bytes(archive.read_bytes()[:cut] + rest)
    with pytest.raises(DownloadError, match="damaged"):
        download.unpack(archive, tmp_path / "data")


@pytest.mark.parametrize(
    "content", [b"", b"hello" * 500, b"PK\x03\x04" + b"x" * 600, b"\x1f\x8b" + b"x" * 600, PAGE]
)
def test_what_is_no_archive_is_refused(tmp_path, content):
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(content)
    with pytest.raises(
        DownloadError, match=r"^[^\n]* is no archive or a damaged one \([^\n]*\)\. Delete it[^\n]*$"
    ):
        download.unpack(archive, tmp_path / "data")


@pytest.mark.parametrize("name", ["../escaped", "{}/escaped", "..\\escaped"])
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_no_member_is_written_outside_the_folder(tmp_path, name, kind):
    name, folder = name.format(tmp_path), tmp_path / "deep" / "data"
    write, files = write_tar if kind == "tar" else write_zip, FILES | {name: b"evil"}
    with contextlib.suppress(DownloadError):
        download.unpack(write(tmp_path / "a", files=files), folder)
    assert all(path.is_relative_to(folder) for path in tmp_path.rglob("*escaped*"))


@pytest.mark.parametrize(
    ("kind", "target"),
    [(tarfile.SYMTYPE, "../../../outside"), (tarfile.LNKTYPE, "/etc"), (tarfile.CHRTYPE, "")],
)
def test_links_that_lead_out_and_devices_are_refused(tmp_path, kind, target):
    archive = write_tar(tmp_path / "a.tar", "w", members=[("birds/odd", kind, target)])
    with pytest.raises(DownloadError, match=r"is not unpacked: .*fetch it from its own page"):
        download.unpack(archive, tmp_path / "deep" / "data")
    assert names(tmp_path / "deep" / "data") == []


def test_a_full_disk_while_unpacking_gives_one_sentence(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(unpacking, "_move", full)
    archive, folder = write_tar(tmp_path / "a.tgz"), tmp_path / "data"
    with pytest.raises(DownloadError, match=r"The disk is full.*a\.tgz is not unpacked"):
        download.unpack(archive, folder)
    assert names(folder) == []


# python -m lecture_lib.fetch


@pytest.fixture
def room(serve, tmp_path, monkeypatch):
    """A dataset of one archive and a network's weights on a server; the folder for a room, and the two sites."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "elsewhere"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("gulls/1.jpg", DATA)
    content = packed.getvalue()
    birds_site, weights_site = serve(give(content)), serve(give())
    table = {
        "folder": "birds/gulls",
        "archives": [
            {
                "name": "birds.zip",
                "urls": [birds_site.url],
                "sha256": hashlib.sha256(content).hexdigest(),
                "size": len(content),
                "page": "https://birds.example",
                "into": "birds",
                "holds": "birds/gulls",
            }
        ],
    }
    monkeypatch.setitem(fetch.layout.LAYOUT, "caltech101", table)
    file = RemoteFile("alexnet.pth", (weights_site.url,), SHA256)
    monkeypatch.setattr(fetch.backbones.PUBLISHED["alexnet"], "published", lambda name: file)
    return tmp_path / "room", birds_site, weights_site


def test_a_room_is_filled_after_sizes_were_said_and_somebody_agreed(room, monkeypatch, capsys):
    folder, birds_site, weights_site = room
    answers = iter(["", "y"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    what = ["caltech101", "alexnet", "--to", str(folder)]
    assert fetch.main(what) == 1
    said = capsys.readouterr().out
    assert "0.3 MB  birds.zip" in said
    assert "0.3 MB  alexnet.pth" in said  # its server was asked
    assert not birds_site.requests
    assert not folder.exists()
    assert fetch.main(what) == 0
    assert (folder / "birds/gulls/1.jpg").read_bytes() == DATA
    assert (folder / "torch_home/hub/checkpoints/alexnet.pth").read_bytes() == DATA
    before = len(birds_site.requests) + len(weights_site.requests)
    assert fetch.main(what) == 0  # nothing is asked, nothing fetched again
    assert len(birds_site.requests) + len(weights_site.requests) == before


def test_filling_a_room_goes_on_where_it_stopped_and_counts_what_is_there(room, capsys):
    folder, _, weights_site = room
    part = folder / "torch_home/hub/checkpoints/alexnet.pth.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(DATA[:200_000])
    assert fetch.main(["alexnet", "--to", str(folder), "--yes"]) == 0
    assert "0.1 MB  alexnet.pth" in capsys.readouterr().out
    assert weights_site.requests[-1]["Range"] == "bytes=200000-"
    assert part.with_suffix("").read_bytes() == DATA


def test_a_room_without_answer_or_with_wrong_bytes_is_not_ready(room, monkeypatch, capsys):
    folder, _, weights_site = room

    def nobody(prompt):
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)
    assert fetch.main(["alexnet", "--to", str(folder)]) == 1
    assert "--yes" in capsys.readouterr().out
    weights_site.behaviours = [give(OTHER)]
    assert fetch.main(["alexnet", "caltech101", "--to", str(folder), "--yes"]) == 1
    said = capsys.readouterr().out
    assert "as published" in said
    assert (folder / "birds/gulls/1.jpg").exists()  # the other one came all the same
    assert fetch.main(["ilsvrc2012", "--to", str(folder), "--yes"]) == 1
    assert "image-net.org" in capsys.readouterr().out
