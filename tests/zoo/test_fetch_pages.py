"""Web pages instead of files, ways round them, and where downloads may go at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.zoo.downloads import CONTENT, SHA256, begun, entry_of, get, good, left_behind
from tests.zoo.site import Site
from unripple.conventions import DownloadFailed
from unripple.zoo import web

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


def test_the_page_type_is_read_from_its_words() -> None:
    assert web.explain("<html>nothing said</html>") == "shows a web page instead of the file"
    assert "used up" in web.explain(DRIVE_QUOTA)
