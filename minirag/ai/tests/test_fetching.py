"""Fetching an embedder from a hub: what is taken of it, and that nothing stays of what went wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from minirag.ai import fetching
from minirag.ai.builtin import local
from minirag.ai.embeddings import embed_texts
from tests.embedder_folder import make_folder

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "acme/toy-multilingual"


class FakeHub:
    """A model hub on this machine; `files` are what it hands out, `listed` what it says they are."""

    def __init__(self, folder: Path) -> None:
        paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
        self.files = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
        self.files |= {"pytorch_model.bin": b"never fetched", ".gitattributes": b""}
        self.listed = [self.entry(path, content) for path, content in self.files.items()]
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.asked.append(self.path)
                status, body = hub.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @staticmethod
    def entry(path: str, content: bytes) -> dict[str, object]:
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        entry: dict[str, object] = {"type": "file", "path": path, "size": len(content), "oid": blob}
        if path.endswith(".onnx"):
            entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
        return entry

    def answer(self, path: str) -> tuple[int, bytes]:
        if path == f"/api/models/{NAME}/revision/main":
            return 200, json.dumps({"sha": COMMIT}).encode()
        if path == f"/api/models/{NAME}/tree/{COMMIT}?recursive=true":
            return 200, json.dumps(self.listed).encode()
        content = self.files.get(path.removeprefix(f"/{NAME}/resolve/{COMMIT}/"))
        return (404, b"") if content is None else (200, content)


@pytest.fixture
def hub(settings, tmp_path) -> Iterator[FakeHub]:
    settings.EMBEDDER_DIR = tmp_path / "models"
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    running = FakeHub(make_folder(tmp_path / "at-the-hub"))
    settings.EMBEDDER_HUB_URL = running.url
    Thread(target=running.server.serve_forever, args=(0.01,), daemon=True).start()
    yield running
    running.server.shutdown()
    running.server.server_close()


def refuse(*arguments: str, **options: object) -> str:
    with pytest.raises(CommandError) as caught:
        call_command("fetch_embedder", *arguments, **options)
    return str(caught.value)


def test_a_model_is_fetched_verified_and_ready_to_be_named(hub, settings, capsys):
    call_command("fetch_embedder", NAME)
    told = capsys.readouterr().out
    assert "dimensions   8" in told and "Name it minirag/local:toy-multilingual." in told
    folder = settings.EMBEDDER_DIR / "toy-multilingual"
    graph = (folder / "onnx" / "model.onnx").read_bytes()
    assert f"{hashlib.sha256(graph).hexdigest()}  onnx/model.onnx" in told
    assert not any("pytorch" in path or "gitattributes" in path for path in hub.asked)
    assert embed_texts("minirag/local:toy-multilingual", ["pump"], kind="query").vectors.any()
    assert local.list_folders() == ["minirag/local:toy-multilingual"]


def test_what_is_there_already_is_left_alone(hub, settings):
    call_command("fetch_embedder", NAME)
    before = len(hub.asked)
    assert "is there already" in refuse(NAME)
    assert len(hub.asked) == before


def spoil_content(hub: FakeHub) -> None:
    hub.files["onnx/model.onnx"] = hub.files["onnx/model.onnx"][:-1] + b"x"


def spoil_small_file(hub: FakeHub) -> None:
    hub.files["config.json"] = hub.files["config.json"].replace(b"8", b"9")


def send_more(hub: FakeHub) -> None:
    hub.files["tokenizer.json"] += b" " * 1000


def lose_tokenizer(hub: FakeHub) -> None:
    hub.listed = [entry for entry in hub.listed if entry["path"] != "tokenizer.json"]


def lose_graph(hub: FakeHub) -> None:
    hub.listed = [entry for entry in hub.listed if entry["path"] != "onnx/model.onnx"]


def lie_about_dimensions(hub: FakeHub) -> None:
    content = json.dumps({"word_embedding_dimension": 9}).encode()
    hub.files["1_Pooling/config.json"] = content
    hub.listed = [entry for entry in hub.listed if entry["path"] != "1_Pooling/config.json"]
    hub.listed.append(hub.entry("1_Pooling/config.json", content))


def answer_nonsense(hub: FakeHub) -> None:
    hub.answer = lambda path: (200, b"<html>")  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "spoil, reason",
    [(spoil_content, "did not come as the hub lists it"), (spoil_small_file, "did not come as the hub lists it"),
     (send_more, "is larger than"), (lose_tokenizer, "has no tokenizer.json"), (lose_graph, "no such ONNX file"),
     (lie_about_dimensions, "files say 9"), (answer_nonsense, "is not JSON")],
)  # fmt: skip
def test_what_is_not_right_is_told_and_nothing_stays_of_it(hub, settings, spoil, reason):
    spoil(hub)
    assert reason in refuse(NAME)
    kept = settings.EMBEDDER_DIR
    assert not kept.exists() or list(kept.iterdir()) == []


def test_a_listing_cannot_write_elsewhere(hub, settings, tmp_path):
    for path in (
        "../evil.json",
        "/tmp/evil.json",
        "onnx/../../evil.onnx",
        "1_Pooling/../../config.json",
    ):
        hub.listed.append(hub.entry(path, b"{}"))
    hub.listed += [{"type": "file", "path": 7}, {"type": "directory", "path": "onnx"}, "x", None]
    call_command("fetch_embedder", NAME)
    assert not list(tmp_path.rglob("evil*"))
    assert not any("evil" in path for path in hub.asked)


@pytest.mark.parametrize(
    "name", ["toy", "../x/y", "a/b/c", "a/..", "a /b", "/etc/passwd", "a/b?x=1"]
)
def test_a_name_is_owner_and_model(hub, name):
    assert "OWNER/MODEL" in refuse(name)
    assert hub.asked == []


def test_without_a_hub_the_setting_is_named(hub, settings):
    settings.EMBEDDER_HUB_URL = ""
    assert "EMBEDDER_HUB_URL" in refuse(NAME)


def test_a_hub_that_is_away_is_said_so(hub, settings):
    hub.server.shutdown()
    hub.server.server_close()
    assert refuse(NAME) and not settings.EMBEDDER_DIR.exists()


def test_a_graph_made_for_another_processor_is_not_taken(monkeypatch):
    monkeypatch.setattr(fetching.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(fetching, "_cpu_flags", lambda: "flags: avx2")
    paths = ["onnx/model.onnx", "onnx/model_qint8_avx512_vnni.onnx", "onnx/model_qint8_arm64.onnx"]
    listed = [fetching.Listed(path, 1, "", "") for path in [*paths, "tokenizer.json"]]
    assert fetching.choose_files(listed)[-1].path == "onnx/model.onnx"
    monkeypatch.setattr(fetching, "_cpu_flags", lambda: "flags: avx2 avx512_vnni")
    assert fetching.choose_files(listed)[-1].path == "onnx/model_qint8_avx512_vnni.onnx"
    assert fetching.choose_files(listed, paths[2])[-1].path == paths[2]


def test_a_folder_is_tried_without_a_network(hub, settings, tmp_path, capsys):
    call_command("fetch_embedder", NAME)
    capsys.readouterr()
    folder = settings.EMBEDDER_DIR / "toy-multilingual"
    hub.server.shutdown()
    call_command("fetch_embedder", check=folder)
    told = capsys.readouterr().out
    assert "files are as SHA256SUMS says" in told and "ms for a short text" in told
    (folder / "config.json").write_text('{"hidden_size": 8}')
    assert "config.json is not as SHA256SUMS says." in refuse(check=folder)
    (folder / "SHA256SUMS").write_text("0  ../../etc/passwd\n")
    assert "SHA256SUMS cannot be read." in refuse(check=folder)
    assert "there is no such folder" in refuse(check=tmp_path / "nowhere")
    assert "Give either" in refuse()
