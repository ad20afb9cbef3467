"""The embedders' folders as they are now: a folder is read again when its files change.

Its fingerprint stands for everything that its vectors depend on.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from minirag.ai.builtin.folder_files import (
    EmbedderUnusable,
    Folder,
    list_files,
    read_folder,
    weights_of,
)

MOST_FILES = 200
# So long what was read of a folder is believed without another look at its files.
LOOK_AGAIN_SECONDS = 2.0


def describe(directory: Path, *, prefers_quantised: bool = True) -> Folder:
    """What the folder is now. Raises EmbedderUnusable; blocks for a second or so when it holds new, large files."""
    key = (directory, prefers_quantised)
    with _looking:
        known = _known.get(key)
        if known is None or time.monotonic() - known.looked_at > LOOK_AGAIN_SECONDS:
            known = _known[key] = _look(directory, prefers_quantised, known)
    if isinstance(known.found, str):
        raise EmbedderUnusable(directory, known.found)
    return known.found


@dataclass(frozen=True)
class _Known:
    stamp: tuple[Any, ...]
    looked_at: float
    found: Folder | str


_known: dict[tuple[Path, bool], _Known] = {}
_looking = threading.Lock()


def _forget_after_fork() -> None:
    global _looking
    _looking = threading.Lock()


os.register_at_fork(after_in_child=_forget_after_fork)


def forget(directory: Path) -> None:
    """Read the folder anew the next time."""
    with _looking:
        for key in [key for key in _known if key[0] == directory]:
            del _known[key]


def _look(directory: Path, prefers_quantised: bool, before: _Known | None) -> _Known:
    try:
        stamp = tuple(_stamp(directory))
        if before is not None and before.stamp == stamp:
            return replace(before, looked_at=time.monotonic())
        found: Folder | str = _read(directory, prefers_quantised)
    except EmbedderUnusable as error:
        stamp, found = (), error.reason
    except OSError as error:
        stamp, found = (), f"{error.strerror or 'it cannot be read'}."
    return _Known(stamp, time.monotonic(), found)


def _stamp(directory: Path) -> Iterator[tuple[Any, ...]]:
    if not directory.is_dir():
        raise EmbedderUnusable(directory, "there is no such folder.")
    names = list_files(directory)
    if len(names) > MOST_FILES:
        raise EmbedderUnusable(directory, f"it holds more than {MOST_FILES} files.")
    for name in names:
        facts = (directory / name).stat()
        yield name, facts.st_size, facts.st_mtime_ns, facts.st_ino


def is_as_described(folder: Folder) -> bool:
    """Whether its files are still those of which `describe` told."""
    with _looking:
        known = [each for key, each in _known.items() if key[0] == folder.directory]
    try:
        now = tuple(_stamp(folder.directory))
    except (EmbedderUnusable, OSError):
        return False
    return any(each.stamp == now and each.found == folder for each in known)


def _read(directory: Path, prefers_quantised: bool) -> Folder:
    folder = read_folder(directory, prefers_quantised=prefers_quantised)
    return replace(folder, fingerprint=_fingerprint(folder))


def _fingerprint(folder: Folder) -> str:
    """Twelve hexadecimal digits of the files' content and of what is done with them; not of floors or languages."""
    facts = asdict(replace(folder, directory=Path(), languages=(), floor=None, cosine_weight=None))
    del facts["abroad_floor"], facts["tokenizer_file"]  # of the latter the content counts
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    for name in (*weights_of(folder.directory, folder.model_file), folder.tokenizer_file):
        digest.update(hash_file(folder.directory / name).encode())
    return digest.hexdigest()[:12]


def hash_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
