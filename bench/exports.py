"""Exports of a million messages: at once as CSV and JSON, and as a job; seconds, rows and the memory that it takes.

The baseline is what PostgreSQL itself needs to write the same columns as CSV (COPY), read over one connection. Memory
is the growth of a process's resident size over what it was before, at its peak.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from django.db import connection

from bench.dialogues import fill_tenant
from bench.processes import list_descendants, read_memory_bytes
from bench.product import House
from bench.report import Budget, Report
from tenants.context import tenant_context
from tenants.models import Tenant
from tests.product import TenantAccount

MEMORY = Budget(128, why="constant")
CHATS = 1000  # as many as one call may export
_COPY = """COPY (
SELECT c.id, c.title, m.id, m.role, m.content, m.feedback, m.prompt_tokens, m.completion_tokens, m.created_at
  FROM conversations_chat c JOIN conversations_message m ON m.chat_id = c.id
 ORDER BY c.created_at DESC, c.id DESC, m.created_at, m.id) TO STDOUT WITH (FORMAT csv, HEADER)"""


def measure_exports(house: House, report: Report, *, rows: int, quick: bool) -> None:
    account = fill_tenant(house, "bench-exports", messages=rows, chats=CHATS)
    baseline = time_copy("bench-exports")
    report.add(
        "exports", "COPY to CSV by PostgreSQL", baseline, "s", note=f"{rows / baseline:,.0f} rows/s"
    )
    web = [house.product.web_pid]
    for form in ("csv", "json"):
        path = f"/v1/chat/export?limit={CHATS}&format={form}"
        with watch_memory(web) as memory:
            seconds, size = read_all(account, path)
        report.add("exports", f"GET /v1/chat/export, {form}", seconds, "s", baseline=baseline,
                   note=f"{rows / seconds:,.0f} rows/s, {size / 2**20:,.0f} MiB")  # fmt: skip
        report.add(
            "exports", f"growth of the web process, {form}", memory.growth_mib, "MiB", MEMORY
        )
    with watch_memory(web) as memory:
        read_slowly(
            account, f"/v1/chat/export?limit={CHATS}&format=json", seconds=5 if quick else 15
        )
    report.add(
        "exports",
        "growth of the web process, reader who takes 1 MiB/s",
        memory.growth_mib,
        "MiB",
        MEMORY,
    )
    for form in ("csv", "jsonl"):
        measure_job(house, account, report, form, rows, baseline)


def measure_job(
    house: House, account: TenantAccount, report: Report, form: str, rows: int, baseline: float
) -> None:
    with watch_memory(find_workers(house.product.root_pid)) as memory:
        started = time.monotonic()
        job = account.client.post(
            "/v1/exports", json={"export_type": "messages", "format": form}
        ).json()
        while job["status"] in ("pending", "running"):
            time.sleep(0.2)
            job = account.client.get(f"/v1/exports/{job['id']}").json()
        seconds = time.monotonic() - started
    assert (job["status"], job["rows_done"]) == ("succeeded", rows), job
    report.add(
        "exports",
        f"export job, {form}",
        seconds,
        "s",
        baseline=baseline,
        note=f"{rows / seconds:,.0f} rows/s",
    )
    report.add("exports", f"growth of a worker, {form}", memory.growth_mib, "MiB", MEMORY)
    with watch_memory([house.product.web_pid]) as memory:
        seconds, size = read_all(account, f"/v1/exports/{job['id']}/download")
    assert size == job["size_bytes"]
    report.add("exports", f"download, {form}", seconds, "s", note=f"{size / 2**20:,.0f} MiB")
    report.add(
        "exports",
        f"growth of the web process, download of {form}",
        memory.growth_mib,
        "MiB",
        MEMORY,
    )


def time_copy(slug: str) -> float:
    started = time.monotonic()
    with (
        tenant_context(Tenant.objects.get(slug=slug)),
        connection.cursor() as cursor,
        cursor.copy(_COPY) as copy,
    ):
        for _ in copy:
            pass
    return time.monotonic() - started


def read_all(account: TenantAccount, path: str) -> tuple[float, int]:
    """Return the seconds and bytes of an answer."""
    started, size = time.monotonic(), 0
    with account.client.stream("GET", path, timeout=httpx.Timeout(600)) as response:
        assert response.status_code == 200
        for part in response.iter_bytes():
            size += len(part)
    return time.monotonic() - started, size


def read_slowly(account: TenantAccount, path: str, *, seconds: float) -> None:
    """Take 1 MiB a second for a while, and go away."""
    deadline = time.monotonic() + seconds
    with account.client.stream("GET", path, timeout=httpx.Timeout(600)) as response:
        for _ in response.iter_bytes(2**20):
            time.sleep(1)
            if time.monotonic() > deadline:
                return


def find_workers(root: int) -> list[int]:
    found = []
    for pid in list_descendants(root):
        try:
            if b"celery" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@dataclass
class Memory:
    """Resident sizes of processes in bytes, before and at their peak."""

    before: dict[int, int]
    peak: dict[int, int] = field(default_factory=dict)

    @property
    def growth_mib(self) -> float:
        return max(self.peak.get(pid, size) - size for pid, size in self.before.items()) / 2**20


@contextmanager
def watch_memory(pids: list[int]) -> Iterator[Memory]:
    """Look at processes every 20 ms while the body runs."""
    memory, over = Memory({pid: read_memory_bytes(pid) for pid in pids}), threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            for pid in pids:
                memory.peak[pid] = max(memory.peak.get(pid, 0), read_memory_bytes(pid))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield memory
    finally:
        over.set()
        watcher.join()
