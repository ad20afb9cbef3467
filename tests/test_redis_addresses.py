"""One REDIS_URL leads all of us to Redis: with TLS and a certificate that is checked, and by way of a Sentinel."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest
import redis
from asgiref.sync import async_to_sync
from kombu import Connection

from minirag.lib import redis_client
from minirag.lib.redis_client import (
    connect,
    connect_async,
    describe_for_celery,
    describe_for_channels,
    read_address,
)
from minirag.local.embedded.processes import find_free_port
from minirag.local.embedded.valkey import find_program
from tests.product import CHECKOUT
from tests.servers import SECRETS


@contextmanager
def valkey(*arguments: str):
    child = subprocess.Popen(
        [str(find_program()), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def wait_for(client: redis.Redis) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            client.ping()
            return
        except redis.RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


class TlsFront:
    """Ends TLS before a server that speaks none, as the embedded Valkey was built without it."""

    def __init__(self, port: int, behind: int, certificate: Path, key: Path) -> None:
        self.port, self.behind = port, behind
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.loop = asyncio.new_event_loop()
        Thread(target=self.loop.run_forever, daemon=True).start()
        opening = asyncio.start_server(self._serve, "127.0.0.1", port, ssl=self.context)
        self.server = asyncio.run_coroutine_threadsafe(opening, self.loop).result(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.behind)
        await asyncio.gather(
            self._pass_on(reader, inner_writer), self._pass_on(inner_reader, writer)
        )

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while block := await reader.read(65536):
                writer.write(block)
                await writer.drain()
        writer.close()

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """The address of a server behind TLS, under a certificate of our own."""
    folder, inner, port = tmp_path_factory.mktemp("tls"), find_free_port(), find_free_port()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key", "-out", folder / "cert",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    with valkey(
        "--port",
        str(inner),
        "--requirepass",
        "secret",
        "--save",
        "",
        "--dir",
        str(folder),
        "--bind",
        "127.0.0.1",
    ):
        front = TlsFront(port, inner, folder / "cert", folder / "key")
        url = f"rediss://:secret@127.0.0.1:{port}/3?ssl_ca_certs={folder / 'cert'}"
        wait_for(connect(url))
        yield url
        front.close()


@pytest.fixture(scope="module")
def sentinel(tmp_path_factory):
    """Two servers, one a copy of the other, and a Sentinel that watches them; its address and both servers."""
    folder, ports = tmp_path_factory.mktemp("sentinel"), [find_free_port() for _ in range(3)]
    first, second, watching = ports
    with ExitStack() as stack:
        common = (
            "--requirepass",
            "secret",
            "--masterauth",
            "secret",
            "--save",
            "",
            "--dir",
            str(folder),
            "--bind",
            "127.0.0.1",
        )
        servers = [stack.enter_context(valkey("--port", str(first), *common))]
        servers.append(
            stack.enter_context(
                valkey("--port", str(second), "--replicaof", f"127.0.0.1 {first}", *common)
            )
        )
        for port in (first, second):
            wait_for(redis.Redis(port=port, password="secret"))
        (folder / "sentinel.conf").write_text(
            f"port {watching}\nbind 127.0.0.1\nrequirepass watching\nsentinel monitor minirag 127.0.0.1 {first} 1\n"
            "sentinel auth-pass minirag secret\nsentinel down-after-milliseconds minirag 1000\n"
            "sentinel failover-timeout minirag 5000\n"
        )
        stack.enter_context(valkey(str(folder / "sentinel.conf"), "--sentinel"))
        wait_for(redis.Redis(port=watching, password="watching"))
        yield (
            f"sentinel://:secret@127.0.0.1:1,127.0.0.1:{watching}/2?master=minirag&sentinel_password=watching",
            servers,
            (first, second),
        )


async def _ask_async(url: str) -> bytes:
    client = connect_async(url)
    await client.set("asked", "without blocking")
    return await client.get("asked")


def _send_by_celery(url: str) -> str:
    where, tls, options = describe_for_celery(url)
    with Connection(where, ssl=tls, transport_options=options) as broker:
        queue = broker.SimpleQueue("tried")
        queue.put("a task")
        message = queue.get(timeout=10)
        message.ack()
        queue.close()
    return message.payload


def _try_settings(url: str) -> str:
    """In a process of its own: the cache and the channels as Django sets them up."""
    script = (
        "import django; django.setup()\n"
        "from asgiref.sync import async_to_sync\n"
        "from channels.layers import get_channel_layer\n"
        "from django.core.cache import cache\n"
        "from minirag.operations.health import connect_redis\n"
        "from django.conf import settings\n"
        "cache.set('kept', 'in the cache')\n"
        "async def tell():\n"
        "    layer = get_channel_layer()\n"
        "    name = await layer.new_channel()\n"
        "    await layer.send(name, {'type': 'told'})\n"
        "    return (await layer.receive(name))['type']\n"
        "print(cache.get('kept'), async_to_sync(tell)(), connect_redis(settings.REDIS_URL).ping())\n"
    )
    told = {
        **os.environ,
        **SECRETS,
        "REDIS_URL": url,
        "DJANGO_SETTINGS_MODULE": "minirag.settings",
        "LOG_LEVEL": "ERROR",
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=CHECKOUT,
        env=told,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_everything_speaks_tls_by_the_address_alone(tls):
    client = connect(tls, **redis_client.OPTIONS)
    client.set("written", "under TLS")
    assert (
        client.get("written") == b"under TLS"
        and client.connection_pool.connection_kwargs["db"] == 3
    )
    assert async_to_sync(_ask_async)(tls) == b"without blocking"
    assert _send_by_celery(tls) == "a task"
    assert _try_settings(tls) == "in the cache told True"


def test_a_certificate_of_a_stranger_is_refused(tls):
    for answer in (lambda url: connect(url).ping(), _send_by_celery):
        with pytest.raises(Exception, match=r"CERTIFICATE_VERIFY_FAILED|certificate verify failed"):
            answer(tls.partition("?")[0])


def test_a_sentinel_leads_everything_to_the_server_and_after_a_failover_to_the_other(sentinel):
    url, servers, (first, second) = sentinel
    client = connect(url, **redis_client.OPTIONS)
    client.set("written", "before")
    assert redis.Redis(port=first, password="secret", db=2).get("written") == b"before"
    assert async_to_sync(_ask_async)(url) == b"without blocking"
    assert _send_by_celery(url) == "a task"
    assert _try_settings(url) == "in the cache told True"
    client.wait(1, 2000)
    deadline = time.monotonic() + 15
    while (
        redis.Redis(port=second, password="secret").info("replication")["master_link_status"]
        != "up"
    ):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1.5)  # until the Sentinel has heard of the copy

    with connect(url, **redis_client.OPTIONS) as lent:
        lent.ping()
    assert lent.connection_pool._get_in_use_connections() == set()
    assert all(each._sock is None for each in lent.connection_pool._available_connections)

    servers[0].kill()
    deadline = time.monotonic() + 30
    while True:
        try:
            client.set("written", "after")
            break
        except redis.RedisError:
            assert time.monotonic() < deadline, "nobody took over"
            time.sleep(0.2)
    assert redis.Redis(port=second, password="secret", db=2).get("written") == b"after"


def test_an_address_is_read_once_and_for_all():
    read = read_address(
        "sentinels://app:p%40ss@one,two:26380/4?master=main&sentinel_password=s&ssl_ca_certs=/ca.pem"
    )
    assert read.sentinels == (("one", 26379), ("two", 26380)) and read.master == "main"
    assert read.options == {
        "username": "app",
        "password": "p@ss",
        "db": 4,
        "ssl": True,
        "ssl_ca_certs": "/ca.pem",
    }
    assert read.sentinel_options == {"password": "s", "ssl": True, "ssl_ca_certs": "/ca.pem"}
    assert describe_for_channels(read.url, socket_timeout=2)["master_name"] == "main"
    where, tls, options = describe_for_celery(read.url)
    assert where == "sentinel://app:p%40ss@one:26379/4;sentinel://app:p%40ss@two:26380/4"
    assert tls["ssl_ca_certs"] == "/ca.pem" and options["master_name"] == "main"
    assert describe_for_celery("redis://:a@b:1/2") == ("redis://:a@b:1/2", None, {})
    # Of redis-py's options Celery knows none, and would not start.
    assert describe_for_celery("redis://:a@b:1?db=3&socket_timeout=9")[0] == "redis://:a@b:1/3"
    assert "p@ss" not in repr(read)
    with pytest.raises(ValueError):
        describe_for_celery("rediss://one/0?ssl_cert_reqs=maybe")
    for useless in ("sentinel://one:1/0", "sentinel:///0?master=main", "http://one"):
        with pytest.raises(ValueError):
            read_address(useless)
