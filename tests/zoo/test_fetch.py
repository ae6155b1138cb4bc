"""Downloads against a real server that misbehaves in every way we know of."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.zoo.site import Request, Site, serving
from unripple.conventions import DownloadFailed, StoreError
from unripple.zoo import fetch, web
from unripple.zoo.fetch import Fetched, download
from unripple.zoo.lock import Entry

CONTENT = bytes(range(256)) * 12_000  # 3 MB: several chunks
SHA256 = hashlib.sha256(CONTENT).hexdigest()
DRIVE_FORM = """<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head>
<body><p>Google Drive can't scan this file for viruses.</p>
<form id="download-form" action="/download" method="get">
<input type="submit" value="Download anyway"/>
<input type="hidden" name="id" value="ABC"><input type="hidden" name="export" value="download">
<input type="hidden" name="confirm" value="t"><input type="hidden" name="uuid" value="1-2-3">
</form></body></html>"""
DRIVE_QUOTA = """<!DOCTYPE html>
<html><head><title>Google Drive - Quota exceeded</title></head><body>
<p>Sorry, you can't view or download this file at this time. Too many users have viewed or
downloaded this file recently.</p></body></html>"""


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def entry_of(*urls: str, **words: Any) -> Entry:
    facts: dict[str, Any] = {
        "name": "net",
        "what": "a net",
        "file": "weights.pth",
        "page": "https://example.org/page",
        "urls": urls,
        "licence": "MIT",
        "commercial": True,
        "layout": "flat",
        "networks": {"parser": "bisenet"},
    }
    return Entry(**{**facts, **words})


def get(entry: Entry, folder: Path, **words: Any) -> Fetched:
    waits: list[float] = []
    return download(entry, folder, **{"timeout_s": 5, "pause": waits.append, **words})


def good(request: Request) -> None:
    request.file(CONTENT, etag='"v1"')


def in_turn(*answers: Callable[[Request], None]) -> Callable[[Request], None]:
    """One answer after the other, the last one for ever."""
    left = list(answers)
    return lambda request: (left.pop(0) if len(left) > 1 else left[0])(request)


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def begun(folder: Path, content: bytes, url: str, etag: str | None = '"v1"') -> None:
    """A download that was interrupted."""
    (folder / "net.pth.part").write_bytes(content)
    origin = {"url": url, "etag": etag, "total": len(CONTENT)}
    (folder / "net.pth.part.json").write_text(json.dumps(origin))


def test_a_file_arrives_whole_and_alone(site: Site, tmp_path: Path) -> None:
    site.routes["/f"] = good
    heard: list[tuple[int, int | None]] = []
    entry = entry_of(site.root + "/f", sha256=SHA256, size=len(CONTENT))
    fetched = get(entry, tmp_path / "new", progress=lambda *said: heard.append(said))
    assert fetched == Fetched(tmp_path / "new" / "net.pth", SHA256, len(CONTENT))
    assert fetched.path.read_bytes() == CONTENT
    assert left_behind(tmp_path / "new") == ["net.pth"]
    assert heard == sorted(heard) and heard[-1] == (len(CONTENT), len(CONTENT))


def test_what_is_there_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    site.routes["/f"] = good
    entry = entry_of(site.root + "/f", sha256=SHA256)
    assert get(entry, tmp_path) == get(entry, tmp_path)
    assert len(site.asked) == 1


def test_a_wrong_file_in_its_place_is_fetched_anew(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site.routes["/f"] = good
    (tmp_path / "net.pth").write_bytes(b"something else")
    assert get(entry_of(site.root + "/f", sha256=SHA256), tmp_path).sha256 == SHA256
    assert "not what the list says; fetched anew" in caplog.text


@pytest.mark.parametrize("etag", ['"v1"', None])
def test_a_broken_connection_is_taken_up_where_it_broke(
    site: Site, tmp_path: Path, etag: str | None
) -> None:
    tags = {"ETag": etag} if etag else {}
    site.routes["/f"] = in_turn(
        lambda request: request.hang_up(len(CONTENT), CONTENT[:1_500_000], **tags),
        lambda request: request.file(CONTENT, etag),
    )
    assert get(entry_of(site.root + "/f"), tmp_path).sha256 == SHA256
    wanted = {"Range": "bytes=1500000-"} | ({"If-Range": etag} if etag else {})
    assert site.asked == [("/f", {}), ("/f", wanted)]


def test_a_later_run_goes_on_and_hashes_the_whole(site: Site, tmp_path: Path) -> None:
    site.routes["/f"] = good
    begun(tmp_path, CONTENT[:2_000_000], site.root + "/f")
    assert get(entry_of(site.root + "/f", sha256=SHA256), tmp_path).path.read_bytes() == CONTENT
    assert site.asked == [("/f", {"Range": "bytes=2000000-", "If-Range": '"v1"'})]


def test_another_version_is_fetched_from_its_start(site: Site, tmp_path: Path) -> None:
    site.routes["/f"] = good
    begun(tmp_path, b"old" * 1000, site.root + "/f", etag='"v0"')
    assert get(entry_of(site.root + "/f"), tmp_path).path.read_bytes() == CONTENT


def test_a_server_without_ranges_sends_it_all(site: Site, tmp_path: Path) -> None:
    site.routes["/f"] = lambda request: request.reply(200, CONTENT)
    begun(tmp_path, CONTENT[:1000], site.root + "/f")
    assert get(entry_of(site.root + "/f"), tmp_path).path.read_bytes() == CONTENT
    assert site.asked[0][1]["Range"] == "bytes=1000-"


def test_a_begun_file_of_another_size_is_started_over(site: Site, tmp_path: Path) -> None:
    site.routes["/f"] = lambda request: request.file(CONTENT + b"more")
    begun(tmp_path, CONTENT[:1000], site.root + "/f", etag=None)
    assert get(entry_of(site.root + "/f"), tmp_path).path.read_bytes() == CONTENT + b"more"
    assert [asked for _, asked in site.asked] == [{"Range": "bytes=1000-"}, {}]


def test_a_begun_file_longer_than_the_published_one_is_started_over(
    site: Site, tmp_path: Path
) -> None:
    site.routes["/f"] = good  # answers 416
    begun(tmp_path, CONTENT + b"tail", site.root + "/f")
    assert get(entry_of(site.root + "/f"), tmp_path).path.read_bytes() == CONTENT


def test_a_part_that_is_whole_already_needs_only_its_name(site: Site, tmp_path: Path) -> None:
    begun(tmp_path, CONTENT, site.root + "/f")
    assert get(entry_of(site.root + "/f", sha256=SHA256), tmp_path).sha256 == SHA256
    assert site.asked == []


def test_a_server_that_has_nothing_more_ends_it(site: Site, tmp_path: Path) -> None:
    site.routes["/f"] = good  # answers 416
    begun(tmp_path, CONTENT, site.root + "/f")
    note = tmp_path / "net.pth.part.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "total": None}))
    assert get(entry_of(site.root + "/f"), tmp_path).sha256 == SHA256
    assert len(site.asked) == 1


def test_a_damaged_beginning_is_noticed_and_fetched_again(site: Site, tmp_path: Path) -> None:
    site.routes["/f"] = good
    begun(tmp_path, b"x" + CONTENT[1:5000], site.root + "/f")
    assert get(entry_of(site.root + "/f", sha256=SHA256), tmp_path).path.read_bytes() == CONTENT
    assert [asked.get("Range") for _, asked in site.asked] == ["bytes=5000-", None]


def test_another_url_goes_on_only_if_the_sha256_is_known(site: Site, tmp_path: Path) -> None:
    site.routes["/mirror"] = good
    for words, wanted in (({}, {}), ({"sha256": SHA256}, {"Range": "bytes=1000-"})):
        site.asked.clear()
        folder = tmp_path / str(len(words))
        folder.mkdir()
        begun(folder, CONTENT[:1000], "https://example.org/dead")
        assert get(entry_of(site.root + "/mirror", **words), folder).sha256 == SHA256
        assert site.asked == [("/mirror", wanted)]


def test_the_next_url_is_asked_when_one_fails(site: Site, tmp_path: Path) -> None:
    site.routes["/gone"] = lambda request: request.reply(404)
    site.routes["/page"] = lambda request: request.page("<html><title>Moved</title></html>")
    site.routes["/other"] = lambda request: request.reply(200, b"other bytes")
    site.routes["/f"] = good
    urls = [site.root + path for path in ("/gone", "/page", "/other", "/f")]
    assert get(entry_of(*urls, sha256=SHA256), tmp_path).path.read_bytes() == CONTENT
    assert left_behind(tmp_path) == ["net.pth"]


def test_an_unreachable_host_is_tried_a_few_times_then_explained(
    site: Site, tmp_path: Path
) -> None:
    waits: list[float] = []
    with pytest.raises(DownloadFailed, match=r"127\.0\.0\.1 cannot be reached") as error:
        get(entry_of("http://127.0.0.1:9/f"), tmp_path, pause=waits.append)
    assert waits == [1, 2, 4]
    text = str(error.value)
    assert "\n" not in text
    assert f"save weights.pth as {tmp_path / 'net.pth'}" in text
    assert f"unripple models add {tmp_path / 'net.pth'} --as net" in text
    assert "https://example.org/page" in text


def test_a_busy_server_is_left_alone_as_long_as_it_asks(site: Site, tmp_path: Path) -> None:
    site.routes["/f"] = in_turn(
        lambda request: request.reply(503, Retry_After="7"),
        lambda request: request.reply(429, Retry_After="100000"),
        good,
    )
    waits: list[float] = []
    assert get(entry_of(site.root + "/f"), tmp_path, pause=waits.append).sha256 == SHA256
    assert waits == [7, fetch.LONGEST_WAIT_S]


def test_a_server_that_falls_silent_is_given_up(site: Site, tmp_path: Path) -> None:
    def silent(request: Request) -> None:
        request.hang_up(len(CONTENT), CONTENT[:1000])
        request.close_connection = False
        time.sleep(1)

    site.routes["/f"] = in_turn(silent, good)
    started = time.monotonic()
    assert get(entry_of(site.root + "/f"), tmp_path, timeout_s=0.3).sha256 == SHA256
    assert time.monotonic() - started < 5


def test_a_reset_connection_is_tried_again(site: Site, tmp_path: Path) -> None:
    site.routes["/f"] = in_turn(Request.reset, good)
    assert get(entry_of(site.root + "/f"), tmp_path).sha256 == SHA256


def test_slow_but_steady_is_no_failure(site: Site, tmp_path: Path) -> None:
    """Each try brings a piece; there are more tries than would be allowed in vain."""
    step = len(CONTENT) // 9

    def piece(request: Request) -> None:
        start = request.begin()
        part = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        words = {"Content_Range": part} if start else {}
        end = start + step + 1
        request.hang_up(len(CONTENT) - start, CONTENT[start:end], 206 if start else 200, **words)

    site.routes["/f"] = piece
    assert get(entry_of(site.root + "/f"), tmp_path).sha256 == SHA256
    assert len(site.asked) == 9 > fetch.TRIES


def test_a_wrong_sha256_is_told_and_nothing_is_left(site: Site, tmp_path: Path) -> None:
    site.routes["/f"] = good
    with pytest.raises(DownloadFailed, match="gave another file") as error:
        get(entry_of(site.root + "/f", sha256="0" * 64), tmp_path)
    assert SHA256 in str(error.value) and "0" * 64 in str(error.value)
    assert left_behind(tmp_path) == []


def test_the_first_digits_of_a_sha256_count(site: Site, tmp_path: Path) -> None:
    site.routes["/f"] = good
    assert get(entry_of(site.root + "/f", sha256_starts=SHA256[:8]), tmp_path).sha256 == SHA256
    with pytest.raises(DownloadFailed, match=r"the list says 00000000\.\.\."):
        get(entry_of(site.root + "/f", sha256_starts="0" * 8, name="other"), tmp_path)


def test_a_wrong_size_is_refused_before_it_is_fetched(site: Site, tmp_path: Path) -> None:
    site.routes["/f"] = good
    with pytest.raises(DownloadFailed, match=f"offers {len(CONTENT)} bytes, the list says 17"):
        get(entry_of(site.root + "/f", size=17), tmp_path)
    assert left_behind(tmp_path) == []


def test_a_file_without_length_is_measured_afterwards(site: Site, tmp_path: Path) -> None:
    def lengthless(request: Request) -> None:
        request.send_response(200)
        request.send_header("Connection", "close")
        request.end_headers()
        request.wfile.write(CONTENT)
        request.close_connection = True

    site.routes["/f"] = lengthless
    assert get(entry_of(site.root + "/f"), tmp_path / "a").size == len(CONTENT)
    with pytest.raises(DownloadFailed, match="sends more than the 17 bytes"):
        get(entry_of(site.root + "/f", size=17), tmp_path / "b")
    assert left_behind(tmp_path / "b") == []


@pytest.mark.parametrize(
    "html",
    ["<!DOCTYPE html><title>Sign in</title>", "\n<html><head><title>Sign in</title></head></html>"],
)
@pytest.mark.parametrize("told", [True, False])
def test_a_web_page_never_becomes_a_weights_file(
    site: Site, tmp_path: Path, html: str, told: bool
) -> None:
    kind = "text/html" if told else "application/octet-stream"
    site.routes["/f"] = lambda request: request.reply(200, html.encode(), Content_Type=kind)
    with pytest.raises(DownloadFailed, match="shows a web page instead of the file") as error:
        get(entry_of(site.root + "/f"), tmp_path)
    assert "'Sign in'" in str(error.value) and "https://example.org/page" in str(error.value)
    assert left_behind(tmp_path) == []


def test_a_page_does_not_spoil_what_is_begun(site: Site, tmp_path: Path) -> None:
    site.routes["/f"] = lambda request: request.page("<html>come back later</html>")
    begun(tmp_path, CONTENT[:1000], site.root + "/f")
    with pytest.raises(DownloadFailed):
        get(entry_of(site.root + "/f"), tmp_path)
    assert (tmp_path / "net.pth.part").read_bytes() == CONTENT[:1000]


def test_the_confirmation_of_google_drive_is_given_once(site: Site, tmp_path: Path) -> None:
    site.routes["/uc"] = lambda request: request.page(DRIVE_FORM)
    site.routes["/download"] = good
    assert get(entry_of(site.root + "/uc?id=ABC"), tmp_path).sha256 == SHA256
    assert site.asked[1][0] == "/download?id=ABC&export=download&confirm=t&uuid=1-2-3"

    site.routes["/download"] = lambda request: request.page(DRIVE_FORM)
    with pytest.raises(DownloadFailed, match="Virus scan warning"):
        get(entry_of(site.root + "/uc?id=ABC", name="second"), tmp_path)
    assert len(site.asked) == 4


def test_the_older_confirmation_link_is_followed(site: Site, tmp_path: Path) -> None:
    link = '<html><a id="uc-download-link" href="/uc2?confirm=x1&amp;id=ABC">Download</a></html>'
    site.routes["/uc"] = lambda request: request.page(link)
    site.routes["/uc2"] = good
    assert get(entry_of(site.root + "/uc?id=ABC"), tmp_path).sha256 == SHA256


def test_other_forms_and_other_hosts_are_not_followed() -> None:
    page = "https://drive.google.com/uc?id=1"
    login = '<form action="/login"><input type="hidden" name="confirm" value="t"></form>'
    away = DRIVE_FORM.replace("/download", "https://example.org/download")
    plain = DRIVE_FORM.replace("/download", "http://drive.google.com/download")
    assert web.confirmation(login, page) is None
    assert web.confirmation(away, page) is None
    assert web.confirmation(plain, page) is None
    content = DRIVE_FORM.replace("/download", "https://drive.usercontent.google.com/download")
    assert str(web.confirmation(content, page)).startswith("https://drive.usercontent.google.com/")


@pytest.mark.parametrize("status", [200, 403])
def test_a_used_up_quota_is_explained(site: Site, tmp_path: Path, status: int) -> None:
    site.routes["/uc"] = lambda request: request.page(DRIVE_QUOTA, status)
    with pytest.raises(DownloadFailed, match="quota for this file is used up") as error:
        get(entry_of(site.root + "/uc?id=ABC"), tmp_path)
    assert "unripple models add" in str(error.value) and "\n" not in str(error.value)


def test_redirects_are_followed_but_not_off_the_web(site: Site, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"not to be read")
    site.routes["/f"] = good
    site.routes["/there"] = lambda request: request.reply(302, Location="/f")
    site.routes["/file"] = lambda request: request.reply(302, Location=secret.as_uri())
    site.routes["/plain"] = lambda request: request.reply(302, Location="http://example.org/f")
    site.routes["/round"] = lambda request: request.reply(302, Location="/round")
    assert get(entry_of(site.root + "/there"), tmp_path).sha256 == SHA256
    refusals = {"/file": "answers 302", "/plain": "only https is followed", "/round": "answers 302"}
    for path, refusal in refusals.items():
        with pytest.raises(DownloadFailed, match=refusal):
            get(entry_of(site.root + path, name="other"), tmp_path)
    assert left_behind(tmp_path) == ["net.pth", "secret"]


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "ftp://127.0.0.1/f", "http://example.org/f"]
)
def test_only_https_is_asked(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadFailed, match="only https is asked"):
        get(entry_of(url), tmp_path)


def test_an_entry_without_urls_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match=r"nobody gives a direct link.*unripple models add"):
        get(entry_of(), tmp_path)


def test_a_proxy_of_the_environment_is_asked(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plain-http proxy gets the whole url as its path."""
    monkeypatch.setenv("http_proxy", site.root)
    monkeypatch.setenv("no_proxy", "")
    site.routes["http://localhost/f"] = good
    assert get(entry_of("http://localhost/f"), tmp_path).sha256 == SHA256
    assert site.asked[0][0] == "http://localhost/f"


def test_a_disk_that_is_too_small_is_told_before(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.routes["/f"] = good
    usage = SimpleNamespace(total=10**9, used=10**9, free=10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DownloadFailed, match=r"3\.1 MB are to come for net\.pth, and 1\.0 MB"):
        get(entry_of(site.root + "/f"), tmp_path)
    assert left_behind(tmp_path) == []


def test_a_disk_that_fills_up_keeps_what_came(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.routes["/f"] = good
    opened = Path.open

    class Full:
        """Takes one megabyte and a half, the last of it in half a write."""

        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *error: object) -> None:
            self.file.close()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def write(self, piece: bytes) -> int:
            room = 1_500_000 - self.file.tell()
            if room <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return int(self.file.write(piece[:room]))

    def small(path: Path, mode: str = "r", **words: Any) -> Any:
        file = opened(path, mode, **words)
        return Full(file) if path.suffix == ".part" and "b" in mode and mode != "rb" else file

    monkeypatch.setattr(Path, "open", small)
    with pytest.raises(DownloadFailed, match="No space left on device; free some space and fetch"):
        get(entry_of(site.root + "/f", sha256=SHA256), tmp_path)
    monkeypatch.undo()
    assert (tmp_path / "net.pth.part").stat().st_size == 1_500_000
    assert get(entry_of(site.root + "/f", sha256=SHA256), tmp_path).path.read_bytes() == CONTENT
    assert site.asked[1][1]["Range"] == "bytes=1500000-"


def test_a_folder_that_cannot_be_made_is_told(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot write"):
        get(entry_of(site.root + "/f"), tmp_path / "file" / "folder")


SCRIPT = """
import sys
from pathlib import Path
from tests.zoo.test_fetch import entry_of
from unripple.zoo.fetch import download
download(entry_of(sys.argv[1]), Path(sys.argv[2]), progress=lambda *said: print(said, flush=True))
"""


def test_ctrl_c_keeps_the_part_and_the_next_run_goes_on(
    site: Site, tmp_path: Path, repo: Path
) -> None:
    def stalling(request: Request) -> None:
        request.hang_up(len(CONTENT), CONTENT[:1_200_000], ETag='"v1"')
        request.close_connection = False
        time.sleep(3)

    site.routes["/f"] = in_turn(stalling, good)
    words = [sys.executable, "-c", SCRIPT, site.root + "/f", str(tmp_path)]
    process = subprocess.Popen(
        words,
        cwd=repo,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background may have been told to ignore Ctrl-C, and hands that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    while process.stdout.readline().startswith("(0,"):
        pass  # nothing has come yet
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode != 0
    kept = (tmp_path / "net.pth.part").read_bytes()
    assert 0 < len(kept) < len(CONTENT) and CONTENT.startswith(kept)
    assert not (tmp_path / "net.pth").exists()
    assert get(entry_of(site.root + "/f"), tmp_path).path.read_bytes() == CONTENT
    assert site.asked[1][1] == {"Range": f"bytes={len(kept)}-", "If-Range": '"v1"'}


def _fetch_into(url: str, folder: Path, done: Any) -> None:
    done.put(get(entry_of(url), folder).sha256)


def test_two_at_once_do_not_spoil_each_other(site: Site, tmp_path: Path) -> None:
    def slow(request: Request) -> None:
        time.sleep(0.3)
        good(request)

    site.routes["/f"] = slow
    context = multiprocessing.get_context("fork")
    done = context.Queue()
    both = [
        context.Process(target=_fetch_into, args=(site.root + "/f", tmp_path, done), daemon=True)
        for _ in range(2)
    ]
    for process in both:
        process.start()
    assert [done.get(timeout=20), done.get(timeout=20)] == [SHA256, SHA256]
    for process in both:
        process.join(timeout=20)
        assert process.exitcode == 0
    assert len(site.asked) == 1
    assert left_behind(tmp_path) == ["net.pth"]


def test_the_page_type_is_read_from_its_words() -> None:
    assert web.explain("<html>nothing said</html>") == "shows a web page instead of the file"
    assert "used up" in web.explain(DRIVE_QUOTA)


def test_what_happens_is_logged_not_printed(
    site: Site,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    site.routes["/gone"] = lambda request: request.reply(410)
    site.routes["/f"] = good
    with caplog.at_level(logging.INFO):
        get(entry_of(site.root + "/gone", site.root + "/f"), tmp_path)
    assert "net: 127.0.0.1 answers 410 Gone" in caplog.text
    assert capsys.readouterr().out == ""
