"""Fetches an embedder's folder from a model hub: the few files that are needed, each verified, all or nothing.

The hub is one that answers `api/models/…/tree/…` and `…/resolve/…`, as mirrors of the well-known one do.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from minirag.ai.builtin.folder_files import LARGEST_MODEL, rank_graph
from minirag.ai.builtin.folders import hash_file
from minirag.ai.builtin.trying import CHECKSUMS_FILE, try_folder
from minirag.lib.errors import BadInput
from minirag.lib.http_out.client import download, fetch

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
REVISION = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
NEEDED = re.compile(
    r"(?:modules|config|config_sentence_transformers|sentence_bert_config|tokenizer|tokenizer_config|"
    r"special_tokens_map)\.json|\d{1,2}_[A-Za-z]{1,40}/config\.json|README\.md|LICENSE(?:\.\w{1,10})?"
)
GRAPH = re.compile(r"(?:onnx/)?[\w-][\w.-]{0,99}\.onnx", re.ASCII)
LARGEST_LISTING = 4 * 2**20
LISTING_SECONDS, FILE_SECONDS = 30, 3600
LONGEST_LISTING = 2000


@dataclass(frozen=True)
class Listed:
    """A file at the hub. `sha256` is known of large files, of small ones `blob_id`, Git's own SHA-1."""

    path: str
    size: int
    blob_id: str
    sha256: str


def fetch_model(
    name: str, target: Path, *, hub: str, revision: str = "main", graph: str | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> list[str]:  # fmt: skip
    """Put a model's files into `target`, a folder that is not there yet, and return what `try_folder` says of it.

    `say` is told each file with its SHA-256. Raises BadInput, OutboundError, and EmbedderUnusable where the files are
    no embedder; nothing stays of a failure.
    """
    if not NAME.fullmatch(name) or ".." in name:
        raise BadInput("A model is named as OWNER/MODEL.")
    if not REVISION.fullmatch(revision) or ".." in revision:
        raise BadInput("A revision is a branch, a tag or a commit.")
    if not hub:
        raise BadInput("Name a model hub's address: --hub, or EMBEDDER_HUB_URL.")
    if target.exists() and any(target.iterdir() if target.is_dir() else [target]):
        raise BadInput(
            f"{target} is there already. Move it away, or name another folder with --to."
        )
    hub = hub.rstrip("/")
    commit, listed = list_model(hub, name, revision)
    files = choose_files(listed, graph)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
        folder = Path(scratch) / target.name
        folder.mkdir()
        sums = []
        for file in files:
            sums.append(
                f"{_fetch_file(f'{hub}/{name}/resolve/{commit}/{file.path}', file, folder)}  {file.path}"
            )
            say(f"{sums[-1]}  ({file.size:,} bytes)")
        (folder / CHECKSUMS_FILE).write_text("\n".join(sums) + "\n")
        lines = try_folder(folder)
        os.replace(folder, target)
    return lines


def list_model(hub: str, name: str, revision: str) -> tuple[str, list[Listed]]:
    """The commit that a revision is now, and its files. Raises OutboundError, BadInput."""
    facts = _read_json(f"{hub}/api/models/{name}/revision/{revision}")
    commit = str(facts.get("sha")) if isinstance(facts, dict) else ""
    if not COMMIT.fullmatch(commit):
        raise BadInput("The hub's answer cannot be understood.")
    tree = _read_json(f"{hub}/api/models/{name}/tree/{commit}?recursive=true")
    if not isinstance(tree, list):
        raise BadInput("The hub's answer cannot be understood.")
    return commit, [found for each in tree[:LONGEST_LISTING] if (found := _read_entry(each))]


def choose_files(listed: Iterable[Listed], graph: str | None = None) -> list[Listed]:
    """What is needed of a model: its descriptions, its tokenizer and one graph. Raises BadInput."""
    files = {file.path: file for file in listed}
    graphs = [path for path in files if GRAPH.fullmatch(path)]
    if graph is None:
        fitting = [path for path in graphs if suits_this_cpu(path)]
        graph = min(fitting, key=lambda path: rank_graph(path, settings.EMBEDDER_QUANTISED), default=None)  # fmt: skip
    if graph is None or graph not in graphs:
        there = ", ".join(sorted(graphs)) or "none"
        raise BadInput(f"The model has no such ONNX file. There is: {there[:500]}.")
    if "tokenizer.json" not in files:
        raise BadInput("The model has no tokenizer.json.")
    beside = [path for path in (f"{graph}_data", f"{graph}.data") if path in files]
    chosen = [*sorted(path for path in files if NEEDED.fullmatch(path)), graph, *beside]
    return [files[path] for path in chosen]


def suits_this_cpu(path: str) -> bool:
    """Whether a graph is not made for another kind of processor; bytes without VNNI would lose precision."""
    is_arm = platform.machine().lower() in ("arm64", "aarch64")
    if "arm64" in path:
        return is_arm
    if "vnni" in path or "avx512" in path:
        return not is_arm and "vnni" in _cpu_flags()
    return not (is_arm and "avx" in path)


def _cpu_flags() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def _read_json(url: str) -> Any:
    got = fetch(
        url, max_bytes=LARGEST_LISTING, timeout_seconds=LISTING_SECONDS,
        allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS),
    )  # fmt: skip
    try:
        return json.loads(got.body)
    except (ValueError, RecursionError):
        raise BadInput("The hub's answer is not JSON.") from None


def _read_entry(entry: Any) -> Listed | None:
    """A file of the listing; None for folders, and for what is not as it should be."""
    if not isinstance(entry, dict) or entry.get("type") != "file":
        return None
    path, size, lfs = entry.get("path"), entry.get("size"), entry.get("lfs")
    if not isinstance(path, str) or not isinstance(size, int) or not 0 <= size <= LARGEST_MODEL:
        return None
    sha256 = str(lfs.get("oid", "")).removeprefix("sha256:") if isinstance(lfs, dict) else ""
    return Listed(path, size, str(entry.get("oid", "")), sha256)


def _fetch_file(url: str, file: Listed, folder: Path) -> str:
    """Fetch one file, and return its SHA-256. Raises OutboundError, BadInput if it is not the one that was listed."""
    target = folder / file.path
    target.parent.mkdir(exist_ok=True)
    with target.open("xb") as stream:
        size = download(
            url, stream, max_bytes=file.size, timeout_seconds=FILE_SECONDS,
            allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS),
        )  # fmt: skip
    digest = hash_file(target)
    is_right = digest == file.sha256 if file.sha256 else _blob_id(target) == file.blob_id
    if size != file.size or not is_right:
        raise BadInput(f"{file.path} did not come as the hub lists it. Try again.")
    return digest


def _blob_id(path: Path) -> str:
    content = path.read_bytes()
    # Git's own name of the content, compared and not trusted for anything else.
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
