"""Static files go out packed, from a checkout and from an image alike, and pages with a policy."""

from __future__ import annotations

import functools
import gzip
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client, RequestFactory

from minirag.serving import static_files
from tests.conftest import WITHOUT_NODE
from widget.build import CHAT, pin

WIDGET = "/static/minirag/widget.js"


def fetch(path: str, encoding: str) -> tuple[str, str, bytes]:
    answer = Client().get(path, headers={"accept-encoding": encoding})
    assert answer.status_code == 200
    body = b"".join(answer.streaming_content)
    return answer.headers.get("Content-Encoding", ""), answer.headers.get("Vary", ""), body


@pytest.mark.parametrize(
    "path", [WIDGET, "/static/minirag/admin.css", "/static/admin/css/base.css"]
)
def test_a_text_is_packed_for_who_takes_it_so(db, path):
    kind, vary, packed = fetch(path, "gzip, deflate, br")
    plain_kind, _, plain = fetch(path, "")
    assert (kind, plain_kind, vary) == ("gzip", "", "Accept-Encoding")
    assert gzip.decompress(packed) == plain and len(packed) < len(plain) / 2


@pytest.mark.skipif(WITHOUT_NODE, reason="there is no Node here; make node installs it")
def test_browsers_keep_a_script_that_is_asked_for_by_its_own_version_and_no_other(db):
    name, integrity = pin(CHAT)
    version = re.sub(r"\W", "", integrity.removeprefix("sha384-")[:12])
    kept = Client().get(f"/static/minirag/{name}.js?v={version}").headers["Cache-Control"]
    assert "immutable" in kept
    for other in ("?v=ofanolderone", ""):
        answer = Client().get(f"/static/minirag/{name}.js{other}")
        assert "immutable" not in answer.headers.get("Cache-Control", "")


@pytest.mark.parametrize("name", ["words/de.json", "words/en.json", "seldom.js", "chat.js"])
def test_a_page_of_another_origin_may_read_what_a_widget_fetches(db, name):
    """Large and small, since each is served in a way of its own."""
    answer = Client().get(f"/static/minirag/{name}", headers={"origin": "https://shop.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_what_is_small_or_packed_already_goes_out_as_it_is(db):
    for path in ("/static/minirag/icon.svg", "/static/unfold/fonts/inter/Inter-Regular.woff2"):
        assert fetch(path, "gzip")[0] == ""


def test_files_that_a_page_asks_for_at_once_share_one_folder(db, monkeypatch):
    folders: list[str] = []

    class SlowFolder(tempfile.TemporaryDirectory[str]):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            folders.append(self.name)
            time.sleep(0.2)  # so that all threads would be in here, were they let

    monkeypatch.setattr(static_files.tempfile, "TemporaryDirectory", SlowFolder)
    monkeypatch.setattr(
        static_files, "_packed_files", functools.cache(static_files._packed_files.__wrapped__)
    )
    serving = static_files.StaticFilesMiddleware(lambda request: HttpResponse(status=404))
    paths = [WIDGET, "/static/minirag/admin.css", "/static/admin/css/base.css", WIDGET]
    with ThreadPoolExecutor(len(paths)) as threads:
        answers = list(threads.map(lambda path: serving(RequestFactory().get(path)), paths))
    assert [answer.status_code for answer in answers] == [200] * len(paths)
    assert len(folders) == 1
    for answer in answers:
        answer.close()


def test_an_image_packs_what_it_collects():
    assert settings.STORAGES["staticfiles"]["BACKEND"].endswith("CompressedStaticFilesStorage")


@pytest.mark.parametrize(
    ("path", "script"),
    [("/", "'self'"), ("/admin/login/", "'self' 'unsafe-eval'"), ("/nothing", "'self'")],
)
def test_every_page_has_a_policy(db, client, path, script):
    policy = client.get(path, headers={"accept": "text/html"})["Content-Security-Policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["script-src"] == script and parts["default-src"] == "'none'"
    assert parts["frame-ancestors"] == "'none'" and "ws://testserver" in parts["connect-src"]


def test_a_host_writes_nothing_into_the_policy(db, client):
    answer = client.get("/", headers={"host": "a.example; script-src *", "accept": "text/html"})
    assert "script-src *" not in answer.headers.get("Content-Security-Policy", "")


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_uses_stays(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    own = static_files._packed_files.__wrapped__()
    code = (
        "import os, tempfile; from minirag.serving import static_files\n"
        f"tempfile.tempdir = {str(tmp_path)!r}\n"
        "static_files._packed_files(); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code], env=_environment(), check=False)
    assert killed.returncode == -9 and len(list(tmp_path.iterdir())) == 2
    other = static_files._packed_files.__wrapped__()
    left = {str(each) for each in tmp_path.iterdir()}
    assert left == {own.name, other.name}


def test_a_folder_that_another_process_takes_for_left_while_it_is_made_is_made_again(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    lock, taken = static_files.fcntl.flock, []

    def lock_late(file: Any, how: int) -> None:
        if not taken:
            taken.append(file.name)
            with open(file.name, "rb") as other:
                lock(other, how)
                static_files.shutil.rmtree(Path(file.name).parent)
                lock(file, how)
        lock(file, how)

    monkeypatch.setattr(static_files.fcntl, "flock", lock_late)
    own = static_files._packed_files.__wrapped__()
    assert taken and [str(each) for each in tmp_path.iterdir()] == [own.name]


def _environment() -> dict[str, str]:
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "minirag.settings"}
