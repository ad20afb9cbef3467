"""A WebSocket's client who sends without end, or never reads, is dropped before it fills our memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.ports import find_port
from tests.product import CHECKOUT
from tests.raw_http import RawConnection

KB = 2**10
LONG_ENOUGH = 64 * 2**20  # more than all buffers on the way


@pytest.fixture
def daphne(tmp_path: Path):
    """Daphne with an application of sockets; yields its port and where it notes that a reader has gone."""
    port, progress = find_port(), tmp_path / "progress"
    application = "tests.fakes.sockets:application"
    command = [sys.executable, "-m", "daphne", "-p", str(port), "--verbosity", "0", application]
    server = subprocess.Popen(
        command, cwd=CHECKOUT, env={**os.environ, "PROGRESS_FILE": str(progress)}
    )
    yield port, progress
    server.terminate()
    server.wait(60)


def open_socket(port: int, path: str) -> RawConnection:
    deadline = time.monotonic() + 60
    while True:
        try:
            connection = RawConnection(port)
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    connection.send_head(
        "GET", path, Upgrade="websocket", Connection="Upgrade", Sec_WebSocket_Version=13,
        Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==",
    )  # fmt: skip
    assert connection.read().status == 101
    return connection


def frame(payload: bytes, *, opcode: int = 1, is_last: bool = True) -> bytes:
    """A client's frame, masked with zeros."""
    head = bytes([opcode | (0x80 if is_last else 0)])
    size = bytes([0x80 | 127]) + len(payload).to_bytes(8, "big")
    if len(payload) < 126:
        size = bytes([0x80 | len(payload)])
    elif len(payload) < 65536:
        size = bytes([0x80 | 126]) + len(payload).to_bytes(2, "big")
    return head + size + bytes(4) + payload


def is_dropped_while_sending(connection: RawConnection, frames: bytes) -> bool:
    """Send again and again, read nothing; tell whether the server cuts that off."""
    try:
        for _ in range(LONG_ENOUGH // len(frames)):
            connection.send(frames)
    except ConnectionError:
        return True
    return False


def answers(connection: RawConnection, size: int) -> bytes:
    """Read this many bytes, or what comes before the connection ends."""
    try:
        return connection._read.read(size)
    except ConnectionError:
        return b""


def open_heard(port: int, path: str = "/") -> RawConnection:
    """A socket to which the application has said something."""
    connection = open_socket(port, path)
    connection.send(frame(b"x"))
    assert answers(connection, 3) == b"\x81\x011"
    return connection


def test_the_first_message_is_no_longer_than_what_authenticates(daphne):
    port, _ = daphne
    with open_socket(port, "/") as connection:
        connection.send(frame(b"x" * 16 * KB))
        assert answers(connection, 7) == b"\x81\x0516384"
    with open_socket(port, "/") as connection:
        connection.send(frame(b"x" * (16 * KB + 1), is_last=False))
        assert answers(connection, 1) == b""


def test_what_waits_is_bounded_in_bytes_too(daphne):
    port, _ = daphne
    with open_socket(port, "/deaf") as connection:
        connection.send(frame(b"x" * 16 * KB) * 9)
        assert is_dropped_while_sending(connection, frame(b"x"))
    with open_heard(port, "/deaf-later") as connection:
        for _ in range(16):
            assert not is_dropped_now(connection)
        assert is_dropped_while_sending(connection, frame(b"x" * 255 * KB))


def test_a_message_of_a_quarter_mebibyte_arrives_and_no_longer_one(daphne):
    port, _ = daphne
    with open_heard(port) as connection:
        connection.send(frame(b"x" * 256 * KB) + frame(b"x" * 100))
        assert answers(connection, 13) == b"\x81\x06262144\x81\x03100"
        connection.send(frame(b"x" * (256 * KB + 1)))
        assert answers(connection, 1) == b""


def test_a_message_in_many_frames_is_no_way_around(daphne):
    port, progress = daphne
    with open_heard(port) as connection:
        connection.send(frame(b"x" * 200 * KB, is_last=False))
        connection.send(frame(b"x" * 200 * KB, opcode=0))
        assert answers(connection, 1) == b""
    deadline = time.monotonic() + 60
    while not progress.exists():
        assert time.monotonic() < deadline, "the application was not told"
        time.sleep(0.1)


def test_who_sends_faster_than_he_is_heard_is_dropped(daphne):
    port, _ = daphne
    with open_socket(port, "/deaf") as connection:
        connection.send(frame(b"{}") * 40)
        assert is_dropped_while_sending(connection, frame(b"{}"))


@pytest.mark.parametrize(("opcode", "payload"), [(1, b"{"), (9, b"x" * 100)], ids=["text", "ping"])
def test_who_sends_and_never_reads_the_answers_is_dropped(daphne, opcode, payload):
    port, _ = daphne
    with open_socket(port, "/") as connection:
        assert is_dropped_while_sending(connection, frame(payload, opcode=opcode) * 40)


def test_who_never_reads_what_is_told_without_end_is_dropped_and_who_reads_is_not(daphne):
    port, _ = daphne
    with open_socket(port, "/chatty") as reader, open_socket(port, "/chatty") as silent:
        assert len(answers(reader, LONG_ENOUGH)) == LONG_ENOUGH
        deadline = time.monotonic() + 60
        while not is_dropped_now(silent):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def is_dropped_now(connection: RawConnection) -> bool:
    try:
        connection.send(frame(b"{}"))
    except ConnectionError:
        return True
    return False
