"""Programs of the product as children: started in a session of their own, read line by line, stopped in order."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from minirag.local.embedded import processes
from minirag.local.supervision.console import Console
from minirag.local.supervision.progress import Progress

_LOG_BYTES = 10 * 1024 * 1024
_FAILURES_UNTIL_IT_KEEPS_ENDING = 5
_WELL_SECONDS = 60.0  # who has run for so long has not kept ending
_LONGEST_PAUSE_SECONDS = 15.0


@dataclass
class Program:
    """One child and its restart record. Start it from the main thread only (see `die_with_parent`).

    Its output is relayed to the console and to `log_path`; without one it goes where ours goes, as it is.
    """

    name: str
    command: list[str]
    environment: dict[str, str]
    console: Console
    log_path: Path | None
    grace_seconds: float = 10.0
    inherited_files: tuple[int, ...] = ()
    child: subprocess.Popen[bytes] | None = None
    failures: int = 0  # in a row
    started_at: float = 0.0
    start_again_at: float | None = None
    progress: Progress = field(default_factory=Progress)
    _relay_thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the child."""
        self.start_again_at, self.started_at = None, time.monotonic()
        with self.progress.begin() as told_through:
            self.child = subprocess.Popen(
                self.command,
                env=self.environment | {Progress.VARIABLE: str(told_through)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if self.log_path else None,
                stderr=subprocess.STDOUT if self.log_path else None,
                start_new_session=True,
                # Outright: a child that lingers over its last task would hold the port and the queue of the next
                # start.
                preexec_fn=processes.die_with_parent(signal.SIGKILL),
                pass_fds=(*self.inherited_files, told_through),
            )
        if self.log_path is not None:
            self._relay_thread = threading.Thread(
                target=self._relay, args=(self.child, self.log_path), daemon=True
            )
            self._relay_thread.start()

    def is_running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def look_after(self) -> None:
        """Starts a child that has ended by itself again, after a pause that grows while it keeps ending."""
        if self.start_again_at is not None:
            if time.monotonic() >= self.start_again_at:
                self._try_to_start()
            return
        if self.is_running():
            return
        code = self.child.returncode if self.child else None
        wait_seconds = self.note_failure()
        how, where = "ended by itself", ""
        if self.failures > _FAILURES_UNTIL_IT_KEEPS_ENDING:
            how = "keeps ending"
            where = f"; its last words are in {self.log_path}" if self.log_path else ""
        self.console.say(
            f"{self.name} {how} (exit code {code}){where}, next start in {wait_seconds:.1f} s"
        )

    def _try_to_start(self) -> None:
        """A machine may have no memory or no number left for a process, for a while."""
        try:
            self.start()
        except OSError as error:
            wait_seconds = self.note_failure()
            self.console.say(
                f"{self.name} cannot be started ({error}), next try in {wait_seconds:.1f} s"
            )

    def replace_softly(self, patience_seconds: float) -> Iterator[None]:
        """Has the child end its work, and starts it anew: go on with this until it ends. Killed after the patience."""
        self.begin_to_stop()
        self.start_again_at = math.inf  # nobody else is to start it
        deadline = time.monotonic() + patience_seconds
        while self.is_running():
            if time.monotonic() > deadline:
                self.hurry()
            yield
        self.start()

    def ask_to_leave(self) -> None:
        """Asks a web process to end when whoever it serves has been served (see `minirag.serving.shared_port`)."""
        self._send(signal.SIGHUP)

    def begin_to_stop(self) -> None:
        """Asks the child to end and does not wait, so that several end at the same time."""
        self.start_again_at = None
        self._send(signal.SIGTERM)

    def stop(self) -> None:
        """Asks the child to end and waits; kills its whole session after the grace."""
        self.start_again_at = None
        if self.child is not None:
            processes.stop_child(self.child, signal.SIGTERM, self.grace_seconds)

    def hurry(self) -> None:
        """Ends the child at once; safe in a signal handler while `stop` waits for it."""
        if self.child is not None and self.is_running():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)

    def wait_for_output(self) -> None:
        """Returns when the ended child's last line was relayed."""
        if self._relay_thread is not None:
            self._relay_thread.join(5)

    def note_failure(self) -> float:
        """Records that the child ended by itself. Returns the seconds to wait before the next start.

        It is never given up: that would end all others, which go on without it, and whatever ends it may pass.
        """
        now = time.monotonic()
        self.failures = 1 if now - self.started_at > _WELL_SECONDS else self.failures + 1
        wait_seconds = min(_LONGEST_PAUSE_SECONDS, 0.25 * 2.0 ** min(self.failures, 10))
        self.start_again_at = now + wait_seconds
        return wait_seconds

    def _send(self, number: signal.Signals) -> None:
        if self.child is not None and self.is_running():
            self.child.send_signal(number)

    def _relay(self, child: subprocess.Popen[bytes], log_path: Path) -> None:
        """Runs in a thread of its own until the child closes its output."""
        _rotate(log_path)
        with log_path.open("ab", buffering=0) as log:
            for line in child.stdout or ():
                text = line.decode(errors="replace").rstrip()
                if text:
                    self.console.say(text, self.name)
                    _append(log.fileno(), line)


def _append(descriptor: int, line: bytes) -> None:
    """A full disk must not stop the reading, or the child would block on its output."""
    try:
        os.write(descriptor, line)
    except OSError:
        return


def _rotate(path: Path) -> None:
    """Keeps one earlier log, so that a long life does not fill the disk."""
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.replace(path.with_name(path.name + ".1"))
