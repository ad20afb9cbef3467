"""Tries an embedder's folder without a network: what it is, how fast, and whether its vectors tell texts apart."""

from __future__ import annotations

import time
from pathlib import Path

from django.conf import settings

from minirag.ai.builtin import exported, folders
from minirag.ai.builtin.folder_files import EmbedderUnusable

CHECKSUMS_FILE = "SHA256SUMS"
PAIRS = (
    ("How long do I have to send a product back?", "Goods may be returned within thirty days."),
    ("When does the town hall open?", "Opening hours of the city administration: 8 am to 4 pm."),
)


def try_folder(directory: Path) -> list[str]:
    """What there is to say about a folder, a line each. Raises EmbedderUnusable."""
    folders.forget(directory)
    folder = folders.describe(directory, prefers_quantised=settings.EMBEDDER_QUANTISED)
    checked = verify_checksums(directory)
    embedder = exported.load(folder, threads=settings.EMBED_THREADS)
    questions, answers = zip(*PAIRS, strict=True)
    started = time.perf_counter()
    asked, _ = embedder.encode_counted(questions, prefix=folder.query_prefix)
    found, _ = embedder.encode_counted(answers, prefix=folder.passage_prefix)
    milliseconds = (time.perf_counter() - started) * 1000 / (2 * len(PAIRS))
    cosines = asked @ found.T
    right, wrong = cosines.diagonal().mean(), (cosines.sum() - cosines.trace()) / 2
    lines = [
        f"model        {folder.model_file}",
        f"dimensions   {embedder.dimensions}",
        f"pooling      {embedder.pooling}",
        f"prefixes     questions {folder.query_prefix!r}, passages {folder.passage_prefix!r}",
        f"tokens       {folder.max_tokens} of a text are read",
        f"languages    {', '.join(folder.languages[:40]) or 'its files do not say'}",
        f"fingerprint  {folder.fingerprint}",
        f"checksums    {checked} files are as {CHECKSUMS_FILE} says"
        if checked
        else f"checksums    there is no {CHECKSUMS_FILE}",
        f"time         {milliseconds:.1f} ms for a short text",
        f"cosines      {right:.3f} where question and answer belong together, {wrong:.3f} where not",
    ]
    if right <= wrong:
        lines.append("These cosines do not tell the pairs apart: look at pooling and prefixes.")
    return lines


def verify_checksums(directory: Path) -> int:
    """How many files were found to be as they were fetched. Raises EmbedderUnusable for the first that is not."""
    path = directory / CHECKSUMS_FILE
    if not path.is_file():
        return 0
    count = 0
    for line in path.read_text("utf-8", "replace").splitlines()[: folders.MOST_FILES]:
        wanted, _, name = line.partition("  ")
        file = directory / name
        if not name or ".." in Path(name).parts or Path(name).is_absolute():
            raise EmbedderUnusable(directory, f"{CHECKSUMS_FILE} cannot be read.")
        if not file.is_file() or folders.hash_file(file) != wanted:
            raise EmbedderUnusable(directory, f"{name} is not as {CHECKSUMS_FILE} says.")
        count += 1
    return count
