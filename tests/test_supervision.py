"""`manage.py up` as a person runs it: a terminal's Ctrl-C, a kill -9, a second copy, a port that is taken."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from minirag.local.embedded.processes import read_start_time, wait_until_gone
from minirag.local.supervision.installation import CHECKOUT, Installation
from tests.ports import find_port

pytestmark = [pytest.mark.product, pytest.mark.timeout(900)]
_OURS = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "JWT_SECRET_KEY",
    "ENCRYPTION_KEY",
    "DATA_DIR",
    "PORT",
)


class Up:
    """One run of `manage.py up` on a data directory; its output is collected in a file."""

    def __init__(
        self, data_dir: Path, *, port: int | None = None, extra: tuple[str, ...] = ()
    ) -> None:
        self.data_dir = data_dir
        self.port = port or find_port()
        self.output_path = data_dir.parent / f"output-{time.monotonic_ns()}"
        environment = {name: value for name, value in os.environ.items() if name not in _OURS}
        environment |= {"PORT": str(self.port), "WEB_PROCESSES": "1"}
        command = [
            sys.executable,
            "manage.py",
            "up",
            "--no-demo",
            "--data-dir",
            str(data_dir),
            *extra,
        ]
        with self.output_path.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    @property
    def output(self) -> str:
        return self.output_path.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 240
        while not re.search(r"is ready on \S+ after [\d.]+ s", self.output):
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.1)

    def get_health(self) -> int:
        return httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=60).status_code

    def list_children(self) -> dict[int, str]:
        """Every process below the supervisor: id → command line."""
        found: dict[int, str] = {}
        parents = [self.process.pid]
        while parents:
            for task in Path(f"/proc/{parents.pop()}/task").glob("*/children"):
                for pid in map(int, task.read_text().split()):
                    with contextlib.suppress(OSError):
                        found[pid] = (
                            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                        )
                        parents.append(pid)
        return found

    def find_child(self, part: str) -> int:
        return next(pid for pid, command in self.list_children().items() if part in command)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(120)


@contextlib.contextmanager
def make_data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="minirag-up-") as name:
        Path(name).chmod(0o711)
        yield Path(name) / "data"


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """One where nothing has run yet."""
    with make_data_dir() as directory:
        yield directory


@pytest.fixture(scope="module")
def installed() -> Iterator[Path]:
    """One that the first test to use it fills, which takes a while, and the others find filled."""
    with make_data_dir() as directory:
        yield directory


@pytest.fixture
def runs() -> Iterator[list[Up]]:
    """Whatever a test starts and puts in here is ended with it."""
    started: list[Up] = []
    yield started
    for up in started:
        if up.process.poll() is None:
            up.process.kill()
            up.process.wait()


def read_servers(data_dir: Path) -> dict[str, str]:
    lines = (data_dir / "servers.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_it_serves_stops_everything_on_ctrl_c_and_finds_its_data_again(
    installed: Path, runs: list[Up]
) -> None:
    bystander = subprocess.Popen(["sleep", "800"])
    up = Up(installed)
    runs.append(up)
    up.wait_until_ready()
    assert up.get_health() == 200
    servers = read_servers(installed)
    with psycopg.connect(servers["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("create table if not exists kept (n int)")
    secrets = (installed / "secrets.env").read_text()
    children = up.list_children()
    names = " ".join(children.values())
    assert all(
        part in names
        for part in ("daphne", "--quiet worker", "--quiet beat", "valkey-server", "postgres")
    )
    assert not any(value in names for value in re.findall("=(.+)", secrets)), (
        "no secret shows in the process list"
    )

    assert up.stop() == 0
    assert [pid for pid in children if read_start_time(pid)] == []
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    order = [
        re.search(f"{name} stopped", up.output).start()
        for name in (r"web(-\d+)?", "beat", "worker", "Valkey", "PostgreSQL")
    ]
    assert order == sorted(order)
    assert not (installed / "servers.env").exists()

    again = Up(installed)
    runs.append(again)
    again.wait_until_ready()
    assert "Applying" not in again.output, "nothing is made twice"
    assert again.get_health() == 200
    with psycopg.connect(read_servers(installed)["DATABASE_URL"]) as connection:
        connection.execute("select n from kept")
    assert (installed / "secrets.env").read_text() == secrets
    assert again.stop(signal.SIGTERM) == 0


def test_a_kill_9_leaves_no_child_and_the_next_start_recovers(
    installed: Path, runs: list[Up]
) -> None:
    up = Up(installed)
    runs.append(up)
    up.wait_until_ready()
    children = up.list_children()
    up.stop(signal.SIGKILL)
    assert [command for pid, command in children.items() if not wait_until_gone(pid, 60)] == []

    again = Up(installed, port=up.port)
    runs.append(again)
    again.wait_until_ready()
    assert again.get_health() == 200
    assert again.stop() == 0


def test_what_dies_is_started_again_and_a_second_copy_is_refused(
    installed: Path, runs: list[Up]
) -> None:
    up = Up(installed, extra=("--web-processes", "2"))
    runs.append(up)
    up.wait_until_ready()

    second = Up(installed)
    assert second.process.wait(120) == 1
    assert f"already runs on {installed} as process {up.process.pid}" in second.output

    for part in ("daphne", "bin/postgres", "valkey-server"):
        pid = up.find_child(part)
        os.kill(pid, signal.SIGKILL)
        assert wait_until_gone(pid, 60)
    deadline = time.monotonic() + 240
    while not all(
        re.search(f"{name} ended by itself", up.output)
        for name in (r"web-\d", "PostgreSQL", "Valkey")
    ):
        assert time.monotonic() < deadline, up.output
        time.sleep(0.1)
    while len([command for command in up.list_children().values() if "daphne" in command]) < 2:
        assert time.monotonic() < deadline, up.output
        time.sleep(0.1)
    assert up.get_health() == 200
    assert up.stop() == 0


def test_a_taken_port_is_said_before_anything_starts(data_dir: Path) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        up = Up(data_dir, port=stranger.getsockname()[1])
        assert up.process.wait(120) == 1
    assert f"Cannot listen on 127.0.0.1:{up.port} (Address already in use)" in up.output
    assert "for example PORT=" in up.output
    assert not (data_dir / "postgres").exists()


def test_a_data_directory_that_cannot_be_made_is_one_clear_sentence(data_dir: Path) -> None:
    data_dir.write_text("a file is in the way")
    up = Up(data_dir)
    assert up.process.wait(120) == 1
    assert up.output.count("\n") == 1
    assert f"{data_dir} cannot be used" in up.output


def test_a_stop_while_starting_leaves_nothing(data_dir: Path, runs: list[Up]) -> None:
    up = Up(data_dir)
    runs.append(up)
    while "Applying" not in up.output:
        assert up.process.poll() is None, up.output
        time.sleep(0.02)
    children = up.list_children()
    assert up.stop() == 0
    assert [pid for pid in children if read_start_time(pid)] == []
    assert "is ready" not in up.output


def test_a_lock_file_of_a_dead_supervisor_is_taken_over(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "up.lock").write_text("1")
    installation = Installation(data_dir)
    installation.claim()
    assert (data_dir / "up.lock").read_text() == str(os.getpid())
    installation.release()
