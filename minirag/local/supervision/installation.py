"""The data directory of an installation on one machine: its lock, its secrets, and the addresses of its
servers.

`secrets.env` stays for good; `servers.env` exists while `manage.py up` runs. Every other management command
adopts both, so that `manage.py ask` in a second terminal finds the embedded servers.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from pathlib import Path
from typing import IO

import environ
from cryptography.fernet import Fernet

from minirag.local.embedded.errors import StartError, describe_os_error

CHECKOUT = Path(__file__).resolve().parents[3]
_SECRETS_FILE = "secrets.env"
_SERVERS_FILE = "servers.env"


class AlreadyRunning(StartError):
    """Another supervisor owns the data directory."""


class Installation:
    """Everything that `manage.py up` keeps is below `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self.logs = self.directory / "logs"
        self._lock: IO[str] | None = None

    def claim(self) -> None:
        """Makes the directory and locks it until this process ends, however it ends. Raises StartError."""
        try:
            # Others may pass and not look: PostgreSQL, as another user, has to reach its own folder in here.
            self.directory.mkdir(mode=0o711, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
            lock = (self.directory / "up.lock").open("a+")
        except OSError as error:
            raise StartError(describe_os_error(error, self.directory)) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            pid = lock.read().strip() or "unknown"
            lock.close()
            raise AlreadyRunning(
                f"MiniRAG already runs on {self.directory} as process {pid}: stop it with Ctrl-C in its "
                "terminal or "
                f"with `kill {pid}`, or start another one with its own --data-dir and PORT."
            ) from error
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def release(self) -> None:
        """Lets the next supervisor in. The lock file stays: removing it would let two in at once."""
        self.forget_servers()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def ensure_secrets(self) -> dict[str, str]:
        """The installation's secrets: the environment's where given, else those kept here, made on first start."""
        path = self.directory / _SECRETS_FILE
        kept = _read_env_file(path)
        missing = {
            name: make
            for name, make in _SECRET_MAKERS.items()
            if not os.environ.get(name) and not kept.get(name)
        }
        if missing:
            kept |= {name: make() for name, make in missing.items()}
            _write_private(path, kept)
        return {name: os.environ.get(name) or kept[name] for name in _SECRET_MAKERS}

    def publish_servers(self, urls: dict[str, str], *, port: int) -> None:
        """Tells other commands here where the embedded servers and the product listen. The file is private."""
        _write_private(self.directory / _SERVERS_FILE, {**urls, "PORT": str(port)})

    def forget_servers(self) -> None:
        with contextlib.suppress(OSError):
            (self.directory / _SERVERS_FILE).unlink(missing_ok=True)

    def has_demo(self) -> bool:
        return (self.directory / "demo.seeded").exists()

    def remember_demo(self) -> None:
        (self.directory / "demo.seeded").touch()


def adopt_installation() -> None:
    """Puts the local installation's secrets and addresses into the environment, wherever it does not say otherwise.

    What runs knows better than `.env` where it listens: `PORT=8080 make run` did not ask it.
    """
    given = set(os.environ)
    environ.Env.read_env(CHECKOUT / ".env")
    directory = Path(os.environ.get("DATA_DIR") or CHECKOUT / ".data")
    running = _read_env_file(directory / _SERVERS_FILE)
    os.environ.update({name: value for name, value in running.items() if name not in given})
    for variable, value in _read_env_file(directory / _SECRETS_FILE).items():
        os.environ.setdefault(variable, value)


def _make_secret() -> str:
    return secrets.token_urlsafe(48)


_SECRET_MAKERS = {
    "SECRET_KEY": _make_secret,
    "JWT_SECRET_KEY": _make_secret,
    "ENCRYPTION_KEY": lambda: Fernet.generate_key().decode(),
}


def _read_env_file(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except OSError:  # missing, or another user's
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _write_private(path: Path, values: dict[str, str]) -> None:
    """Replaces the file in one step, readable by its owner only."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
