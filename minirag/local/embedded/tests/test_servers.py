"""The embedded servers, as real processes in a temporary directory."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from minirag.local.embedded import (
    PostgresServer,
    StartError,
    ValkeyServer,
    errors,
    identity,
    postgres,
    processes,
)

FAST = {"fsync": "off"}


@pytest.fixture
def directory() -> Iterator[Path]:
    """Where an unprivileged user may pass, which pytest's own tmp_path is not."""
    with tempfile.TemporaryDirectory(prefix="minirag-embedded-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
def server(directory: Path) -> Iterator[PostgresServer]:
    server = make_postgres(directory)
    yield server
    server.stop()


@pytest.fixture
def valkey(directory: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(directory / "valkey", directory / "valkey.log")
    yield server
    server.stop()


def make_postgres(directory: Path, port: int | None = None) -> PostgresServer:
    return PostgresServer(directory / "postgres", directory / "postgres.log", port=port, flags=FAST)


def query(server: PostgresServer, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_postgres_brings_pgvector_listens_on_the_loopback_and_asks_for_a_password(
    server: PostgresServer,
) -> None:
    server.start()
    assert query(server, "select extname from pg_extension where extname = 'vector'")
    assert query(server, "show listen_addresses") == [("127.0.0.1",)]
    assert query(server, "show unix_socket_directories") == [("",)]
    assert query(server, "show server_version_num")[0][0].startswith("18")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            host="127.0.0.1", port=server.port, user="postgres", password="wrong", dbname="minirag"
        )


def test_the_log_of_postgres_tells_that_something_failed_and_nothing_of_what_was_written(
    server: PostgresServer, directory: Path
) -> None:
    server.start()
    query(server, "create table said (text text check (length(text) < 5))")
    for statement in ("insert into said values ('my secret')", "select 'my secret', 1 / 0"):
        with pytest.raises(psycopg.Error):
            query(server, statement)
    log = (directory / "postgres.log").read_text()
    assert "violates check constraint" in log and "division by zero" in log
    assert "my secret" not in log


def test_postgres_keeps_its_data_over_a_stop_and_a_kill(server: PostgresServer) -> None:
    server.start()
    query(server, "create table kept (n int)")
    query(server, "insert into kept values (1)")
    server.stop()
    server.start()
    query(server, "insert into kept values (2)")
    port = server.port
    os.kill(server.child.pid, signal.SIGKILL)
    server.child.wait()
    server.start()
    assert query(server, "select n from kept order by n") == [(1,), (2,)]
    assert server.port == port, "processes that know the URL must find the server again"


def test_postgres_never_runs_as_root_and_opens_no_directory(
    server: PostgresServer, directory: Path
) -> None:
    server.start()
    status = Path(f"/proc/{server.child.pid}/status").read_text()
    if os.geteuid() == 0:
        assert "\nUid:\t0\t" not in status
    assert (directory.stat().st_mode & 0o777) == 0o711
    assert (server.directory.stat().st_mode & 0o777) == 0o700
    assert ((server.directory / "password").stat().st_mode & 0o777) == 0o600


@pytest.mark.parametrize("allows_namespaces", [True, False])
def test_the_data_may_lie_below_a_private_directory(
    directory: Path, allows_namespaces: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not allows_namespaces:
        monkeypatch.setattr(identity, "_NAMESPACE", ("false",))
    directory.chmod(0o700)
    server = make_postgres(directory)
    try:
        server.start()
        assert query(server, "select 1") == [(1,)]
        assert (directory.stat().st_mode & 0o777) == 0o700
    finally:
        server.stop()


def test_a_place_that_nobody_can_reach_is_one_clear_sentence(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(identity, "_NAMESPACE", ("false",))
    monkeypatch.setattr(identity, "_build_setpriv", lambda uid, gid: ("false",))
    directory.chmod(0o700)
    with pytest.raises(StartError, match=r"refuses to run as root.*such as /srv"):
        make_postgres(directory).start()


def test_a_taken_port_is_one_clear_sentence(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_RETRY_SECONDS", 0.2)
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        with pytest.raises(StartError, match=f"^Port {port} is taken, so PostgreSQL"):
            make_postgres(directory, port).start()
        with pytest.raises(StartError, match=f"^Port {port} is taken, so Valkey"):
            ValkeyServer(directory / "valkey", directory / "valkey.log", port=port).start()


def test_data_of_another_major_version_is_refused_and_left_alone(server: PostgresServer) -> None:
    server.start()
    server.stop()
    (server.cluster / "PG_VERSION").write_text("17\n")
    with pytest.raises(StartError, match="made by PostgreSQL 17, this installation brings 18"):
        server.start()
    server.cluster.rename(server.cluster.with_name("17"))
    with pytest.raises(StartError, match="holds data of PostgreSQL 17"):
        server.start()
    assert not server.cluster.exists()


def test_a_full_disk_is_one_clear_sentence(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_FREE_BYTES_NEEDED", 2**60)
    with pytest.raises(StartError, match=r"has \d+ MB left .* free some space"):
        server.start()
    server.directory.mkdir(parents=True, exist_ok=True)
    ended = errors.explain_end("FATAL: could not write: No space left on device", server.directory)
    assert isinstance(ended, errors.DiskFull) and "is full: free some space" in str(ended)
    assert errors.explain_end("FATAL: the roof is on fire", server.directory) is None
    monkeypatch.setattr(errors, "_LEAST_BYTES", 2**60)  # a server finds no room for its last words
    assert isinstance(errors.explain_end("", server.directory), errors.DiskFull)
    assert "is full: free some space" in errors.describe_os_error(
        OSError(28, "No space left on device"), "/data"
    )


def test_a_server_that_ends_before_it_has_shown_its_database_is_one_clear_sentence(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the supervisor tries it again, as it does one that ends a moment sooner."""
    server.start()
    server.stop()
    start_on = server._start_on

    def start_and_die(*arguments: int) -> None:
        start_on(*arguments)
        server.stop()

    monkeypatch.setattr(server, "_start_on", start_and_die)
    with pytest.raises(StartError, match=r"PostgreSQL did not start .* last words"):
        server.start()


def test_a_directory_that_cannot_be_made_is_one_clear_sentence(directory: Path) -> None:
    (directory / "file").write_text("in the way")
    with pytest.raises(StartError, match="cannot be used: Not a directory"):
        PostgresServer(directory / "file" / "postgres", directory / "postgres.log").start()
    with pytest.raises(StartError, match="cannot be used: Not a directory"):
        ValkeyServer(directory / "file" / "valkey", directory / "valkey.log").start()


def test_a_half_made_cluster_is_made_anew(server: PostgresServer) -> None:
    draft = server.directory / "18.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    server.start()
    assert query(server, "select 1") == [(1,)]
    assert not draft.exists()


def test_a_stale_lock_with_the_number_of_a_stranger_is_recovered(server: PostgresServer) -> None:
    server.start()
    os.kill(server.child.pid, signal.SIGKILL)
    server.child.wait()
    time.sleep(0.2)
    stranger = subprocess.Popen(["sleep", "60"], **_as_owner_of(server))
    try:
        pid_file = server.cluster / "postmaster.pid"
        lines = pid_file.read_text().splitlines(keepends=True)
        pid_file.write_text("".join([f"{stranger.pid}\n", *lines[1:]]))
        server.start()
        assert query(server, "select 1") == [(1,)]
        assert stranger.poll() is None, "a stranger must be left alone"
    finally:
        stranger.kill()
        stranger.wait()


def _as_owner_of(server: PostgresServer) -> dict[str, object]:
    owner = server.directory.stat()
    return (
        {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        if os.geteuid() == 0
        else {}
    )


CHILD = """
import sys, time
from pathlib import Path
from minirag.local.embedded import PostgresServer, ValkeyServer
directory = Path(sys.argv[1])
servers = [PostgresServer(directory / "postgres", directory / "p.log", flags={"fsync": "off"}),
           ValkeyServer(directory / "valkey", directory / "v.log")]
for server in servers:
    server.start()
print(*[server.child.pid for server in servers], flush=True)
time.sleep(60)
"""


def test_both_end_when_their_parent_is_killed_and_start_again_after_it(
    server: PostgresServer, valkey: ValkeyServer, directory: Path
) -> None:
    command = [sys.executable, "-c", CHILD, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        pids = [int(word) for word in parent.stdout.readline().split()]
        parent.kill()
    assert len(pids) == 2
    assert all(processes.wait_until_gone(pid, 60) for pid in pids)
    server.start()
    valkey.start()


def test_valkey_keeps_what_it_was_told_and_needs_its_password(valkey: ValkeyServer) -> None:
    valkey.start()
    client = redis.Redis.from_url(valkey.url)
    client.set("kept", "yes")
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert client.config_get("bind") == {"bind": "127.0.0.1"}
    url = valkey.url
    valkey.stop()
    valkey.start()
    assert valkey.url == url
    assert redis.Redis.from_url(url).get("kept") == b"yes"
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=valkey.port).ping()
    assert ((valkey.directory / "valkey.conf").stat().st_mode & 0o777) == 0o600


def test_an_orphaned_valkey_is_ended_before_another_writes_its_file(valkey: ValkeyServer) -> None:
    valkey.start()
    orphan, valkey.child = valkey.child, None
    redis.Redis.from_url(valkey.url).set("kept", "yes")
    heir = ValkeyServer(valkey.directory, valkey.log_path)
    try:
        heir.start()
        assert orphan.wait(60) == 0
        assert redis.Redis.from_url(heir.url).get("kept") == b"yes"
    finally:
        heir.stop()
