"""A pytest plugin: a PostgreSQL and a Valkey for each test run, on free ports in a temporary directory.

Loaded by `-p tests.servers`, before pytest-django reads the settings. Several runs may go on side by side.
PostgreSQL starts from a copy of a directory that is migrated already (`tests.migrated`).
With DATABASE_URL or REDIS_URL set, that server is used instead.
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from minirag.local.embedded import PostgresServer, ValkeyServer
from minirag.local.embedded.processes import read_start_time
from tests.migrated import CHECKOUT, UNSAFE_BUT_FAST, copy_migrated

SECRETS = {
    "SECRET_KEY": "sign-tests-only-and-never-an-installation-0123456789",
    "JWT_SECRET_KEY": "jwt-tests-only-and-never-an-installation-0123456789",
    "ENCRYPTION_KEY": "dGVzdC1lbmNyeXB0aW9uLWtleS0zMi1ieXRlcy1sb24=",
}


_PREFIX = "minirag-tests-"


def _remove_leftovers() -> None:
    """Directories of runs that were killed outright; their servers died with them."""
    for directory in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        pid = directory.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and read_start_time(int(pid)) is None:
            shutil.rmtree(directory, ignore_errors=True)


class TestServers:
    """The servers of this run and the directory that goes with them."""

    __test__ = False

    def __init__(self) -> None:
        _remove_leftovers()
        self.directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        # The unprivileged user that PostgreSQL runs as must be able to pass, and to do nothing else.
        self.directory.chmod(0o711)
        self.started: list[PostgresServer | ValkeyServer] = []
        self.is_migrated = False

    def start(self) -> None:
        logs = self.directory / "logs"
        if not os.environ.get("DATABASE_URL"):
            data = self.directory / "postgres"
            self.is_migrated = copy_migrated(data, SECRETS)
            postgres = PostgresServer(data, logs / "postgres.log", flags=UNSAFE_BUT_FAST)
            os.environ["DATABASE_URL"] = self._start(postgres)
        if not os.environ.get("REDIS_URL"):
            valkey = ValkeyServer(self.directory / "valkey", logs / "valkey.log", durable=False)
            os.environ["REDIS_URL"] = self._start(valkey)

    def _start(self, server: PostgresServer | ValkeyServer) -> str:
        server.start()
        self.started.append(server)
        return server.url

    def stop(self) -> None:
        for server in reversed(self.started):
            server.stop()
        self.started.clear()
        shutil.rmtree(self.directory, ignore_errors=True)


_owner_pid = os.getpid()
_servers: TestServers | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    global _servers
    if _servers is not None:
        return
    gc.disable()  # until all tests are collected: what is imported and collected stays
    _servers = TestServers()
    atexit.register(_stop)
    _servers.start()
    os.environ.update(
        SECRETS,
        DEBUG="False",
        DATA_DIR=str(_servers.directory / "data"),
        EMBEDDER_DIR=str(CHECKOUT / ".data" / "models" / "minilm"),
        MULTILINGUAL_EMBEDDING_MODEL="",  # whoever has made it gets the same tests as who has not
        LITELLM_LOCAL_MODEL_COST_MAP="True",
    )


def is_migrated() -> bool:
    """Whether this run's server has the migrated databases of `tests.migrated`."""
    return _servers is not None and _servers.is_migrated


def _stop() -> None:
    # A forked child (a worker pool, a test that forks) leaves the servers to the process that started them.
    if _servers is not None and os.getpid() == _owner_pid:
        _servers.stop()
