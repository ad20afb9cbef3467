"""The web processes as the supervisor has them: how many, replaced, and by what signal."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from minirag.local.embedded import StartError
from minirag.local.supervision import orders
from minirag.local.supervision.console import Console
from minirag.local.supervision.tests.test_pieces import make_program
from minirag.local.supervision.web import (
    WebProcesses,
    count_cores,
    count_web_processes,
    read_memory_bytes,
)

SERVES = (
    "import os, signal; os.write(int(os.environ['MINIRAG_TELL_THROUGH']), b'sw'); signal.pause()"
)


def go_on(rolling: Generator[None, None, bool]) -> bool:
    while True:
        try:
            next(rolling)
        except StopIteration as ended:
            return bool(ended.value)
        time.sleep(0.01)


def wait_until_serving(webs: WebProcesses) -> None:
    deadline = time.monotonic() + 60
    while not webs.are_serving():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("successor", [SERVES, "raise SystemExit('broken')"])
def test_web_processes_are_replaced_by_such_as_serve_and_stay_where_none_does(
    tmp_path: Path, successor: str
) -> None:
    sources = iter([SERVES, SERVES, successor, successor])
    webs = WebProcesses(
        lambda name: make_program(tmp_path, next(sources))[0], 2, Console(io.StringIO()), 60.0
    )
    webs.start()
    wait_until_serving(webs)
    before = [program.child.pid for program in webs.programs]
    try:
        assert go_on(webs.roll()) == (successor == SERVES)
        after = [program.child.pid for program in webs.programs]
        assert all(program.is_running() for program in webs.programs)
        assert (after == before) == (successor != SERVES) and len(after) == 2
    finally:
        for program in webs.programs:
            program.stop()


def test_one_that_hangs_when_told_to_leave_is_replaced_all_the_same(tmp_path: Path) -> None:
    hangs = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); {SERVES}"
    sources = iter([hangs, SERVES])
    webs = WebProcesses(
        lambda name: make_program(tmp_path, next(sources))[0], 1, Console(io.StringIO()), 0.0
    )
    webs.start()
    try:
        wait_until_serving(webs)
        assert go_on(webs.roll())
        assert [program.is_running() for program in webs.programs] == [True]
    finally:
        for program in webs.programs:
            program.stop()


def test_one_that_ends_before_it_served_is_said_at_once(tmp_path: Path) -> None:
    webs = WebProcesses(
        lambda name: make_program(tmp_path, "raise SystemExit(3)")[0],
        1,
        Console(io.StringIO()),
        60.0,
    )
    webs.start()
    webs.programs[0].child.wait(60)
    with pytest.raises(StartError, match=r"web ended before it served \(exit code 3\)"):
        webs.require_alive()


def test_auto_is_by_cores_and_memory_of_a_container_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)))
    assert count_cores(tmp_path) == 8
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert count_cores(tmp_path) == 2
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert count_cores(tmp_path) == 8
    (tmp_path / "memory.max").write_text(f"{4 * 2**30}\n")
    assert read_memory_bytes(tmp_path) <= 4 * 2**30
    for gigabytes, count in ((1, 1), (2, 1), (4, 4), (16, 8)):
        memory = gigabytes * 2**30
        monkeypatch.setattr("minirag.local.supervision.web.read_memory_bytes", lambda: memory)
        assert count_web_processes("auto") == count


@pytest.mark.parametrize("wanted", ["0", "-1", "65", "many", ""])
def test_an_impossible_number_of_web_processes_is_one_clear_sentence(wanted: str) -> None:
    with pytest.raises(StartError, match="WEB_PROCESSES is `auto` or a number from 1 to 64"):
        count_web_processes(wanted)


@pytest.mark.parametrize(
    ("had_terminal", "has_terminal", "expected"),
    [(False, False, "rolls"), (True, True, "rolls"), (True, False, "stops")],
)
def test_sighup_replaces_processes_unless_it_comes_of_a_closed_terminal(
    monkeypatch: pytest.MonkeyPatch, had_terminal: bool, has_terminal: bool, expected: str
) -> None:
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    monkeypatch.setattr(orders, "_has_terminal", lambda: had_terminal)
    stopping, seen = orders.Stopping(), []

    def roll() -> Generator[None, None, None]:
        seen.append("rolls")
        yield
        stopping.set()

    try:
        given = orders.Orders(stopping, hurry=lambda: seen.append("hurries"))
        monkeypatch.setattr(orders, "_has_terminal", lambda: has_terminal)
        os.kill(os.getpid(), signal.SIGHUP)
        given.watch(lambda: None, roll)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert (seen or ["stops"]) == [expected]


def test_a_signal_may_come_at_any_moment_of_the_wait_for_it() -> None:
    """The handler runs in the thread that waits, within whatever it is doing: a lock of its own would hang it."""
    program = """
import os, signal, subprocess, sys
from minirag.local.supervision.orders import Stopping

stopping = Stopping()
signal.signal(signal.SIGTERM, lambda *_: stopping.set())
many = f"import os, time\\nfor _ in range(2000): os.kill({os.getpid()}, 15), time.sleep(0.0001)"
sender = subprocess.Popen([sys.executable, "-c", many], stderr=subprocess.DEVNULL)
while sender.poll() is None:
    for _ in range(100):
        stopping.wait(0)
        stopping = Stopping()
"""
    command = [sys.executable, "-c", program]
    waits = subprocess.run(command, timeout=60, stderr=subprocess.DEVNULL, check=False)
    assert waits.returncode == 0
