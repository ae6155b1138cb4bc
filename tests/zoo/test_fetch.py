"""Downloads against a real server that misbehaves in every way we know of."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.zoo.downloads import CONTENT, SHA256, begun, entry_of, get, good, in_turn, left_behind
from tests.zoo.site import Request, Site
from unripple.conventions import DownloadFailed
from unripple.zoo import fetch
from unripple.zoo.fetch import Fetched


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


def test_where_no_network_leads_nothing_is_tried_twice(tmp_path: Path) -> None:
    waits: list[float] = []
    lost: set[str] = set()
    entry = entry_of("https://no-such-host.invalid/f")
    with pytest.raises(DownloadFailed, match="no network leads there"):
        get(entry, tmp_path, pause=waits.append, lost=lost)
    assert waits == [] and lost == {"no-such-host.invalid"}
    with pytest.raises(DownloadFailed, match="invalid was out of reach just now"):
        get(entry, tmp_path, lost=lost)


def test_a_host_that_is_dead_for_one_file_is_not_asked_for_the_next(
    site: Site, tmp_path: Path
) -> None:
    lost: set[str] = set()
    with pytest.raises(DownloadFailed, match="cannot be reached"):
        get(entry_of("http://127.0.0.1:9/f"), tmp_path, lost=lost)
    assert lost == {"127.0.0.1"}
    site.routes["/gone"] = lambda request: request.reply(404)
    lost.clear()
    with pytest.raises(DownloadFailed, match="answers 404"):
        get(entry_of(site.root + "/gone"), tmp_path, lost=lost)
    assert lost == set()  # it lives


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
