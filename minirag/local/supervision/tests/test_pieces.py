"""The supervisor's pieces, without servers."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from kombu import Connection

from minirag.local.embedded import DiskFull, StartError
from minirag.local.supervision import installation as installations
from minirag.local.supervision.broker import requeue_abandoned
from minirag.local.supervision.console import Console
from minirag.local.supervision.installation import AlreadyRunning, Installation, adopt_installation
from minirag.local.supervision.listening import is_healthy, open_listener
from minirag.local.supervision.programs import Program
from minirag.local.supervision.supervisor import Options, Supervisor

SECRET_NAMES = ("SECRET_KEY", "JWT_SECRET_KEY", "ENCRYPTION_KEY")


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    for name in SECRET_NAMES:
        monkeypatch.delenv(name, raising=False)
    installation = Installation(tmp_path / "data")
    installation.claim()
    return installation


def make_program(tmp_path: Path, source: str) -> tuple[Program, io.StringIO]:
    stream = io.StringIO()
    command = [sys.executable, "-u", "-c", source]
    return Program(
        "web", command, dict(os.environ), Console(stream), tmp_path / "web.log", grace_seconds=1.0
    ), stream


def wait_for(stream: io.StringIO, text: str) -> None:
    deadline = time.monotonic() + 60
    while text not in stream.getvalue():
        assert time.monotonic() < deadline, stream.getvalue()
        time.sleep(0.01)


def test_secrets_are_made_once_kept_private_and_good_enough(installation: Installation) -> None:
    secrets = installation.ensure_secrets()
    assert set(secrets) == set(SECRET_NAMES)
    assert len(secrets["SECRET_KEY"]) >= 32
    assert len(secrets["JWT_SECRET_KEY"]) >= 32
    Fernet(secrets["ENCRYPTION_KEY"])
    assert installation.ensure_secrets() == secrets
    assert ((installation.directory / "secrets.env").stat().st_mode & 0o777) == 0o600


def test_a_secret_of_the_environment_wins_and_is_not_kept(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_SECRET_KEY", "from-the-environment")
    assert installation.ensure_secrets()["JWT_SECRET_KEY"] == "from-the-environment"
    assert "from-the-environment" not in (installation.directory / "secrets.env").read_text()


def test_a_second_supervisor_learns_who_is_there(installation: Installation) -> None:
    with pytest.raises(AlreadyRunning, match=f"as process {os.getpid()}: stop it with Ctrl-C"):
        Installation(installation.directory).claim()
    installation.release()
    heir = Installation(installation.directory)
    heir.claim()
    heir.release()


def test_other_commands_adopt_the_running_installation_and_leave_what_is_set(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = installation.ensure_secrets()
    installation.publish_servers(
        {"DATABASE_URL": "postgres://here", "REDIS_URL": "redis://here"}, port=8080
    )
    monkeypatch.setattr(installations, "CHECKOUT", installation.directory.parent)
    (installation.directory.parent / ".env").write_text("PORT=8000\nLOG_LEVEL=ERROR\n")
    monkeypatch.setenv("DATA_DIR", str(installation.directory))
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    # Set first, so that monkeypatch takes away what the function adds.
    for name in (*SECRET_NAMES, "DATABASE_URL", "PORT", "LOG_LEVEL"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    adopt_installation()
    assert os.environ["DATABASE_URL"] == "postgres://here"
    assert os.environ["REDIS_URL"] == "redis://elsewhere"
    assert os.environ["SECRET_KEY"] == secrets["SECRET_KEY"]
    assert os.environ["PORT"] == "8080", "what runs knows better than .env"
    assert os.environ["LOG_LEVEL"] == "ERROR"


def test_lines_reach_the_console_with_their_name_and_the_log_file_without(tmp_path: Path) -> None:
    program, stream = make_program(tmp_path, "print('hello'); print('caf\\xe9')")
    program.start()
    program.child.wait(60)
    program.wait_for_output()
    assert stream.getvalue() == "web     | hello\nweb     | café\n"
    assert (tmp_path / "web.log").read_text() == "hello\ncafé\n"


def test_a_console_that_is_gone_does_not_block_the_child(tmp_path: Path) -> None:
    program, stream = make_program(tmp_path, "[print('x' * 999) for _ in range(500)]")
    stream.close()
    program.start()
    assert program.child.wait(60) == 0
    program.wait_for_output()
    assert (tmp_path / "web.log").stat().st_size == 500_000


def test_a_child_that_ignores_the_request_is_killed_with_its_session(tmp_path: Path) -> None:
    source = (
        "import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('child', subprocess.Popen(['sleep', '60']).pid); time.sleep(60)"
    )
    program, stream = make_program(tmp_path, source)
    program.start()
    wait_for(stream, "child ")
    grandchild = int(stream.getvalue().split()[-1])
    program.stop()
    assert program.child.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 60
    while (
        Path(f"/proc/{grandchild}").exists()
        and "\nState:\tZ" not in Path(f"/proc/{grandchild}/status").read_text()
    ):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_program_that_keeps_ending_is_started_again_for_ever_with_pauses_that_grow(
    tmp_path: Path,
) -> None:
    """Killed fifty times it is there again, and nobody else was stopped because of it."""
    program, stream = make_program(tmp_path, "")
    program.command = ["sh", "-c", "exit 3"]
    program.start()
    for _ in range(50):
        program.child.wait()
        program.started_at -= 16  # so long it lives, as one does that is killed again and again
        program.look_after()  # sees that it has ended
        assert program.start_again_at is not None
        program.start_again_at = 0.0
        program.look_after()  # its pause is over
        assert program.start_again_at is None
    program.child.wait()
    said = stream.getvalue()
    pauses = [float(told) for told in re.findall(r"next start in (\S+) s", said)]
    assert pauses[:6] == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0] and set(pauses[5:]) == {15.0}
    assert said.count("ended by itself (exit code 3)") == 5
    assert f"keeps ending (exit code 3); its last words are in {program.log_path}" in said
    program.command = ["/no/such/program"]  # as a machine has no room for another process
    program.start_again_at = 0.0
    program.started_at -= 120
    program.look_after()
    assert "cannot be started" in stream.getvalue() and program.start_again_at is not None
    program.start_again_at = None
    program.started_at -= 120
    program.look_after()
    assert stream.getvalue().endswith("ended by itself (exit code 3), next start in 0.5 s\n")


@pytest.mark.parametrize("port", [0, -1, 70_000])
def test_an_impossible_port_is_one_clear_sentence(port: int) -> None:
    with pytest.raises(StartError, match=f"^{port} is no port: choose one between 1 and 65535"):
        open_listener("127.0.0.1", port)


def test_nobody_listening_is_not_healthy() -> None:
    listener = open_listener("127.0.0.1", 54321)
    listener.close()
    assert not is_healthy("127.0.0.1", 54321)


def test_messages_of_a_killed_worker_go_back_to_their_queue_at_once() -> None:
    options = {"global_keyprefix": f"test:{os.getpid()}:", "visibility_timeout": 3600}
    with Connection(os.environ["REDIS_URL"], transport_options=options) as killed:
        killed.SimpleQueue("celery").put({"n": 1})
        taken = killed.SimpleQueue("celery").get(timeout=60)
        assert taken.payload == {"n": 1}
        killed.default_channel.client.set("unacked_mutex", "held by a killed worker")
        requeue_abandoned(os.environ["REDIS_URL"], options)
        again = killed.SimpleQueue("celery").get(timeout=60)
        assert again.payload == {"n": 1}
        again.ack()


class Faltering:
    """A server that ends while it starts, so many times."""

    def __init__(self, times: int, error: StartError) -> None:
        self.times, self.error, self.started = times, error, 0

    def start(self) -> None:
        self.started += 1
        if self.started <= self.times:
            raise self.error


@pytest.mark.parametrize("times", [2, 99])
def test_a_server_that_ends_while_it_starts_again_is_tried_again_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    stream, server = io.StringIO(), Faltering(times, StartError("It ended while it recovered."))
    supervisor = Supervisor(Options("127.0.0.1", 8000, tmp_path), Console(stream))
    monkeypatch.setattr(supervisor.stopping, "wait", lambda seconds: False)
    if times == 2:
        supervisor._start_again(server)
    else:
        with pytest.raises(StartError, match="while it recovered"):
            supervisor._start_again(server)
    assert (
        server.started == min(times + 1, 6) and "It ended while it recovered." in stream.getvalue()
    )


def test_a_server_that_has_no_room_on_the_disk_is_waited_for_and_starts_with_the_first_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, server = io.StringIO(), Faltering(500, DiskFull(tmp_path))
    supervisor = Supervisor(Options("127.0.0.1", 8000, tmp_path), Console(stream))
    monkeypatch.setattr(supervisor.stopping, "wait", lambda seconds: False)
    supervisor._start_again(server)
    assert server.started == 501 and stream.getvalue().count("is full: free some space") == 1
