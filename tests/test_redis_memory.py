"""A Redis at its memory limit answers, and refuses every write: whoever looks is told of it."""

from __future__ import annotations

import pytest
from django.test import Client

from minirag.lib.redis_client import connect
from minirag.local.embedded.processes import find_free_port
from minirag.operations import diagnosis
from minirag.operations.findings import FAIL, OK, WARN
from minirag.operations.health import _measure_once
from tests.test_redis_addresses import valkey, wait_for

TOKEN = "a-token-of-the-operator's-Prometheus"


@pytest.fixture
def server(settings, tmp_path):
    port = find_free_port()
    settings.REDIS_URL, settings.METRICS_TOKEN = f"redis://127.0.0.1:{port}/0", TOKEN
    with (
        valkey("--port", str(port), "--save", "", "--dir", str(tmp_path)),
        connect(settings.REDIS_URL) as client,
    ):
        wait_for(client)
        yield client


def look() -> tuple[str, str, dict, list[str]]:
    """What doctor, the health route and Prometheus are told."""
    _measure_once.cache_clear()
    finding = diagnosis.check_redis()
    part = Client().get("/v1/system/health").json()["redis"]
    told = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    lines = [line for line in told.splitlines() if "redis" in line and not line.startswith("#")]
    return finding.state, finding.detail, part, lines


def test_a_redis_without_memory_left_is_told_of_before_and_when_it_refuses(db, server):
    state, _, part, lines = look()
    assert (state, part["status"]) == (OK, "ok")
    assert 'minirag_up{server="redis"} 1.0' in lines
    assert not [line for line in lines if line.startswith("minirag_redis_memory_limit_bytes")]

    used = server.info("memory")["used_memory"]
    server.config_set("maxmemory", int(used * 1.05))
    state, detail, part, lines = look()
    assert (state, part["status"]) == (WARN, "ok") and "bytes" in detail

    server.config_set("maxmemory", used // 2)
    state, _, part, lines = look()
    assert (state, part["status"], part["detail"]) == (FAIL, "error", "It has no memory left.")
    assert 'minirag_up{server="redis"} 0.0' in lines
    assert [line for line in lines if line.startswith("minirag_redis_memory_limit_bytes ")]

    server.config_set("maxmemory-policy", "allkeys-lru")  # drops what it holds, and so takes more
    state, detail, part, _ = look()
    assert (state, part["status"]) == (WARN, "ok") and "drop" in detail
