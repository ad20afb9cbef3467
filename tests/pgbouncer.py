"""Debian's PgBouncer in front of a PostgreSQL server, for the tests that go through a pooler."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg

from tests.ports import find_port

NOBODY = 65534  # PgBouncer refuses to run as root
_WAIT_SECONDS = 15.0


def find_pgbouncer() -> str | None:
    """The program, which Debian keeps where only root's PATH looks."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@dataclass
class PgBouncer:
    """A running pooler; `url` leads through it to the database that `server_url` names."""

    server_url: str
    directory: Path
    mode: str
    pool_size: int
    process: subprocess.Popen[bytes] | None = None
    port: int = 0

    @property
    def url(self) -> str:
        parts = urlsplit(self.server_url)
        credentials = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{self.port}"))

    def start(self) -> None:
        program = find_pgbouncer()
        assert program, (
            "PgBouncer is missing: sudo apt-get install --no-install-recommends pgbouncer"
        )
        self.port = find_port()
        self.directory.mkdir(mode=0o700, parents=True)
        configuration = self._write_configuration()
        identity = (
            {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        )
        with (self.directory / "output.log").open("wb") as output:
            self.process = subprocess.Popen(
                [program, "-q", str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                **identity,
            )
        self._wait_until_ready()

    def _write_configuration(self) -> Path:
        parts = urlsplit(self.server_url)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        (self.directory / "users.txt").write_text(f'"{user}" "{password}"\n')
        configuration = self.directory / "pgbouncer.ini"
        configuration.write_text(
            f"""[databases]
* = host={parts.hostname} port={parts.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {self.directory / "users.txt"}
pool_mode = {self.mode}
default_pool_size = {self.pool_size}
max_client_conn = 200
server_login_retry = 1
query_wait_timeout = 5
log_connections = 0
log_disconnections = 0
"""
            + ("" if self.mode == "session" else "server_round_robin = 1\n")
        )
        for path in (self.directory, *self.directory.iterdir()):
            if os.geteuid() == 0:
                os.chown(path, NOBODY, NOBODY)
        return configuration

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            assert self.process and self.process.poll() is None, self._read_log()
            try:
                psycopg.connect(self.url, connect_timeout=60).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, self._read_log()
            time.sleep(0.05)

    def _read_log(self) -> str:
        return (self.directory / "output.log").read_text(errors="replace")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()  # asked in order, it would wait for its clients
            self.process.wait(60)
