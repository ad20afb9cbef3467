"""What the largest files that are taken cost in memory: the peak of the process that ingests them.

What reads them is a process of its own, of which no more than `MEMORY_MB` is ever taken.
"""

from __future__ import annotations

import csv
import io
import os
import signal
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from bench.exports import find_workers
from bench.product import House
from bench.report import Budget, Report
from bench.synthetic import make_text
from knowledge.indexing.ingestion import ingest
from knowledge.models import Source
from minirag.ai.builtin.local import MINILM

MIB = 1024 * 1024
_PICTURE = b"\x89PNG\r\n\x1a\n"


def measure_large_files(house: House, report: Report, *, quick: bool) -> None:
    """An archive and a table of the largest size that is taken (the table: half of it), or a fifth of that."""
    size = 1 if quick else 5
    for name, data, most in (
        ("knowledge.zip", make_archive(size), 1024),
        ("orders.csv", make_table(size), 1024),
    ):
        with (
            holding_workers(house),
            tempfile.TemporaryDirectory(prefix="minirag-bench-file-") as directory,
        ):
            path = Path(directory) / name
            path.write_bytes(data)
            bot_id = house.product.make_bot(house.account, name="Reader", embedding_model=MINILM)
            source_id = UUID(house.product.upload(house.account, bot_id, path))
            megabytes = len(data) / MIB
            del data
            before, started = forget_peak(), time.monotonic()
            ingest(source_id)
            seconds = time.monotonic() - started
        peak, source = read_peak(), Source.objects.get(pk=source_id)
        assert source.status == "ready", source.error_message
        report.add(
            "ingestion", f"a {path.suffix[1:]} of {megabytes:.0f} MB: peak memory", peak, "MiB", Budget(most),
            note=f"{before:.0f} before; {source.chunk_count} chunks in {seconds:.0f} s",
        )  # fmt: skip


@contextmanager
def holding_workers(house: House) -> Iterator[None]:
    """Keep the product's own workers from what is measured here."""
    workers = find_workers(house.product.root_pid)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)


def make_archive(fifths: int) -> bytes:
    """Of ten million bytes for each fifth: texts for less than 50,000 chunks in all, and pictures, which are named."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for number in range(fifths):
            text = make_text(6200, seed=900 + number).encode()
            archive.writestr(f"part {number}.md", text)
            archive.writestr(f"picture {number}.png", _PICTURE + bytes(10_000_000 - len(text)))
    return whole.getvalue()


def make_table(fifths: int) -> bytes:
    """Of two million bytes for each fifth; long rows, since each is a record."""
    rows = io.StringIO()
    writer = csv.writer(rows)
    writer.writerow(["number", "customer", "notes"])
    for number in range(fifths):
        words = make_text(1200, seed=800 + number).split()
        for start in range(0, len(words) - 80, 80):
            writer.writerow(
                [f"{number}-{start}", words[start], " ".join(words[start : start + 80])]
            )
    return rows.getvalue().encode()


def forget_peak() -> float:
    """Let the peak begin at what the process has now; returns that."""
    Path("/proc/self/clear_refs").write_text("5")
    return read_peak()


def read_peak() -> float:
    """This process's highest memory so far, in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")
