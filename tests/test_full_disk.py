"""A disk without room: what is there is read, what is new is refused with a code, and it comes back by itself."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from bench.chaos.machine import Disk, can_mount
from bench.product import BenchProduct
from tests.migrated import fill_data_directory
from tests.product import TenantAccount

pytestmark = [pytest.mark.product, pytest.mark.timeout(900)]
MEGABYTES = 400


@pytest.fixture
def disk(tmp_path_factory) -> Iterator[Disk]:
    place = tmp_path_factory.mktemp("disk")
    for parent in (place, *place.parents):  # PostgreSQL runs as another user where we are root
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o111)
    disk = Disk(place)
    if not can_mount():
        pytest.skip("!!!!  SKIPPED: a full disk, because only root can mount one.  !!!!")
    try:
        with disk.mounted(MEGABYTES):
            yield disk
    except subprocess.CalledProcessError:
        pytest.skip("!!!!  SKIPPED: a full disk, because nothing can be mounted here.  !!!!")


@pytest.fixture
def product(disk) -> Iterator[BenchProduct]:
    running = BenchProduct(disk.directory, options=("--no-demo", "--web-processes", "1"))
    fill_data_directory(running.data_directory)
    try:
        running.start()
        yield running
    finally:
        disk.free()
        running.stop()


def upload(account: TenantAccount, bot_id: str, name: str, size: int) -> httpx.Response:
    # Random, or PostgreSQL would compress it away.
    files = {"file": (name, os.urandom(size // 2).hex().encode(), "text/plain")}
    return account.client.post("/v1/sources/upload", data={"bot_profile_id": bot_id}, files=files)


def wait_until(is_so: Callable[[], bool], seconds: float) -> float:
    started = time.monotonic()
    while not is_so():
        assert time.monotonic() - started < seconds
        time.sleep(0.2)
    return time.monotonic() - started


def test_what_is_there_is_read_what_is_new_is_refused_and_all_goes_on_with_the_first_room(
    disk, product
):
    acme, globex = product.sign_up("acme"), product.sign_up("globex")
    bot_id = product.make_bot(acme)
    handbook = product.upload(acme, bot_id, Path("minirag/local/demo/acme/product-handbook.md"))
    acme.client.post(f"/v1/sources/{handbook}/ingest").raise_for_status()
    product.wait_until_ready(acme, handbook)

    disk.fill()
    kept, refused = [], None
    for number in range(40):
        answer = upload(acme, bot_id, f"{number}.txt", 2_000_000)
        if not answer.is_success:
            refused = answer
            break
        kept.append(answer.json()["id"])
    assert refused is not None and refused.status_code == 503, refused and refused.text
    assert refused.json()["code"] == "database_unavailable" and refused.json()["retryable"]
    served = [account.client.get("/v1/sources").status_code for account in (acme, globex)]
    time.sleep(15)  # so long its servers try to go on
    assert product.process is not None and product.process.poll() is None

    disk.free()
    seconds = wait_until(lambda: upload(acme, bot_id, "room.txt", 1000).is_success, 120)
    listed = {row["id"] for row in acme.client.get("/v1/sources").json()}
    assert {handbook, *kept} <= listed
    for source_id in kept:
        acme.client.post(f"/v1/sources/{source_id}/ingest")
    asked = {"bot_profile_id": bot_id, "message": "How long is the warranty?"}
    assert acme.client.post("/v1/chat", json=asked).status_code == 200
    assert globex.client.get("/v1/sources").status_code == 200
    print(f"while full reads were {served}; {seconds:.1f} s after the first room it took an upload")
