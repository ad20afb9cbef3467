"""Runs the product in the foreground: servers, migrations, demo, then web, worker and beat until told to
stop.

Order is the point. Everything starts after what it needs and stops before it: web (no new work), beat (no new
schedules), worker (finishes its task), Valkey, PostgreSQL. Whatever dies by itself is started again, with
growing pauses. Told to (SIGHUP), it replaces web, beat and worker one after the other
while the others go on. Nothing is left behind when this process is killed: the kernel
ends its children, and the next start takes back what they had begun.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from conversations.following.lasting import longest_turn_seconds
from minirag.local.embedded import DiskFull, PostgresServer, StartError, ValkeyServer
from minirag.local.embedded.errors import describe_os_error
from minirag.local.embedded.processes import die_with_parent
from minirag.local.supervision.broker import requeue_abandoned
from minirag.local.supervision.console import Console
from minirag.local.supervision.installation import CHECKOUT, Installation
from minirag.local.supervision.listening import is_healthy, open_listener
from minirag.local.supervision.orders import Orders, Stopping
from minirag.local.supervision.programs import Program
from minirag.local.supervision.web import (
    AUTO,
    WEB_ENVIRONMENT,
    WEB_MARGIN_SECONDS,
    WebProcesses,
    count_web_processes,
    daphne_command,
)

_READY_SECONDS = 120.0
_STARTS_TRIED = 6
_ROOM_SECONDS = 5.0  # between two looks whether the disk has room again
_WORKER_GRACE_SECONDS = 30.0
_WORKER_PATIENCE_SECONDS = 120.0  # while it is replaced: for its running tasks


@dataclass(frozen=True)
class Options:
    """What the person chose."""

    host: str
    port: int
    data_dir: Path
    demo: bool = True
    web_processes: str = AUTO
    broker_options: dict[str, Any] | None = None


class Stopped(Exception):
    """Somebody asked to stop while the start was still going on."""


class Supervisor:
    """One run of the product; `run()` returns the exit code."""

    def __init__(self, options: Options, console: Console | None = None) -> None:
        self.options = options
        self.console = console or Console()
        self.installation = Installation(options.data_dir)
        self.stopping = Stopping()
        self.postgres: PostgresServer | None = None
        self.valkey: ValkeyServer | None = None
        self.webs: WebProcesses | None = None
        self.workers: list[Program] = []  # beat, worker: the order in which they stop
        self._environment: dict[str, str] = {}
        self._listener: socket.socket | None = None
        self._web_count = 1

    def run(self) -> int:
        """Starts, watches and stops everything. 0: stopped as asked; 1: a sentence on the console says why."""
        started = time.monotonic()
        orders = Orders(self.stopping, self._hurry)
        exit_code = 0
        try:
            self._start()
            self._announce(time.monotonic() - started)
            orders.watch(self._look_after_everything, self._roll)
        except Stopped:
            pass
        except StartError as error:
            self.console.say(str(error))
            exit_code = 1
        except OSError as error:
            self.console.say(
                describe_os_error(error, error.filename or self.installation.directory)
            )
            exit_code = 1
        finally:
            self._stop()
        return exit_code

    # --- starting
    # -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._web_count = count_web_processes(self.options.web_processes)
        self.installation.claim()
        # Listening from the start answers "is the port free" once and for all; browsers that come early wait.
        self._listener = open_listener(self.options.host, self.options.port)
        self._environment = self._build_environment()
        self._start_servers()
        self._run_once("migrate", "migrate", "--verbosity", "1")
        if self.options.demo and not self.installation.has_demo():
            self._run_once("demo", "demo")
            self.installation.remember_demo()
        if self.valkey is not None:
            requeue_abandoned(self.valkey.url, self.options.broker_options or {})
        self.webs = WebProcesses(
            self._make_web, self._web_count, self.console, longest_turn_seconds()
        )
        self.workers = self._list_workers()
        for program in reversed(self.workers):
            program.start()
        self.webs.start()
        self._wait_until_serving(self.webs)

    def _build_environment(self) -> dict[str, str]:
        directory = self.installation.directory
        own_embedder = directory / "models" / "minilm"
        defaults = {
            "LOG_FORMAT": "console",
            "EMAIL_URL": "consolemail://",  # links of invitations are printed
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "EMBEDDER_DIR": str(
                own_embedder if own_embedder.exists() else CHECKOUT / ".data" / "models" / "minilm"
            ),
            # Advice for servers that others reach, and for images that collected their static files.
            "PYTHONWARNINGS": "ignore:You're running the worker,ignore:No directory at",
            "PYTHONUNBUFFERED": "1",
        }
        fixed = {
            "DATA_DIR": str(directory),
            "PORT": str(self.options.port),
            "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "minirag.settings"),
        }
        return defaults | os.environ | self.installation.ensure_secrets() | fixed

    def _start_servers(self) -> None:
        """Starts what the environment does not name, PostgreSQL and Valkey each on its own."""
        directory, logs = self.installation.directory, self.installation.logs
        urls: dict[str, str] = {}
        if not os.environ.get("DATABASE_URL"):
            self.postgres = PostgresServer(
                directory / "postgres",
                logs / "postgres.log",
                flags={"max_connections": str(100 + 20 * self._web_count)},
            )
            self.postgres.start()
            urls["DATABASE_URL"] = self.postgres.url
            self.console.say(f"PostgreSQL with pgvector listens on 127.0.0.1:{self.postgres.port}")
        if not os.environ.get("REDIS_URL"):
            self.valkey = ValkeyServer(directory / "valkey", logs / "valkey.log")
            self.valkey.start()
            urls["REDIS_URL"] = self.valkey.url
            self.console.say(f"Valkey listens on 127.0.0.1:{self.valkey.port}")
        self._environment |= urls
        self.installation.publish_servers(urls, port=self.options.port)
        self._give_up_if_stopped()

    def _run_once(self, name: str, *arguments: str) -> None:
        """Runs a management command to its end. Raises StartError when it fails."""
        program = self._make_program(name, [str(CHECKOUT / "manage.py"), *arguments])
        program.start()
        while program.is_running():
            if self.stopping.wait(0.05):
                program.stop()
        program.wait_for_output()
        self._give_up_if_stopped()
        if program.child is None or program.child.returncode != 0:
            raise StartError(
                f"`manage.py {' '.join(arguments)}` failed; its last words are in {program.log_path}."
            )

    def _make_web(self, name: str) -> Program:
        assert self._listener is not None  # noqa: S101 - for the type checker
        descriptor = self._listener.fileno()
        return self._make_program(
            name,
            daphne_command(descriptor),
            WEB_ENVIRONMENT,
            grace_seconds=settings.SHUTDOWN_GRACE_SECONDS + WEB_MARGIN_SECONDS,
            inherited_files=(descriptor,),
        )

    def _list_workers(self) -> list[Program]:
        celery = ["-m", "celery", "--app", "minirag", "--quiet"]
        beat = self._make_program("beat", [*celery, "beat", "--loglevel", "WARNING"])
        concurrency = str(min(4, os.cpu_count() or 1))
        worker = self._make_program(
            "worker",
            [
                *(*celery, "worker", "--loglevel", "INFO", "--concurrency", concurrency),
                *("--without-mingle", "--without-gossip", "--hostname", "worker@%h"),
            ],
            grace_seconds=_WORKER_GRACE_SECONDS,
        )
        return [beat, worker]

    def _make_program(
        self,
        name: str,
        arguments: list[str],
        environment: dict[str, str] | None = None,
        *,
        grace_seconds: float = 12.0,
        inherited_files: tuple[int, ...] = (),
    ) -> Program:
        return Program(
            name=name,
            command=[sys.executable, *arguments],
            environment=(environment or {}) | self._environment,
            console=self.console,
            log_path=self.installation.logs / f"{name}.log",
            grace_seconds=grace_seconds,
            inherited_files=inherited_files,
        )

    def _wait_until_serving(self, webs: WebProcesses) -> None:
        """Returns when every web process takes connections."""
        deadline = time.monotonic() + _READY_SECONDS
        while not (webs.are_serving() and is_healthy(self.options.host, self.options.port)):
            self._give_up_if_stopped()
            self._look_after_everything()
            if time.monotonic() > deadline:
                raise StartError(
                    f"The web processes did not become ready within {_READY_SECONDS:.0f} s; "
                    f"see {self.installation.logs}/web*.log."
                )
            self.stopping.wait(0.1)

    def _announce(self, seconds: float) -> None:
        everywhere = ("127.0.0.1", "0.0.0.0")  # noqa: S104  compared with, not bound to
        shown_host = "localhost" if self.options.host in everywhere else self.options.host
        lines = [
            "",
            f"MiniRAG is ready on http://{shown_host}:{self.options.port} after {seconds:.1f} s"
            + (f", with {self._web_count} web processes." if self._web_count > 1 else "."),
        ]
        if self.options.demo:
            lines.append(self._read_demo())
        lines += [f"Data and logs: {self.installation.directory} · stop with Ctrl-C", ""]
        self.console.print("\n".join(lines))

    def _read_demo(self) -> str:
        """What `manage.py demo --show` prints: URLs and log-ins."""
        shown = subprocess.run(
            [sys.executable, str(CHECKOUT / "manage.py"), "demo", "--show", "--skip-checks"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
            timeout=60,
            check=False,
        )
        return shown.stdout.decode(errors="replace").rstrip()

    # --- watching
    # -----------------------------------------------------------------------------------------------

    def _look_after_everything(self) -> None:
        for name, server in (("PostgreSQL", self.postgres), ("Valkey", self.valkey)):
            if server is not None and not server.is_running():
                self.console.say(f"{name} ended by itself and is started again")
                self._start_again(server)
        if self.webs is not None:
            self.webs.look_after()
        for program in self.workers:
            program.look_after()

    def _roll(self) -> Generator[None, None, None]:
        """Replaces web, beat and worker; nobody is refused and no answer is cut meanwhile."""
        assert self.webs is not None  # noqa: S101 - for the type checker
        started = time.monotonic()
        self.console.say("replacing web, beat and worker one after the other")
        if (yield from self.webs.roll()):
            for program in self.workers:
                yield from program.replace_softly(_WORKER_PATIENCE_SECONDS)
            self.console.say(f"all are replaced, after {time.monotonic() - started:.1f} s")

    def _start_again(self, server: PostgresServer | ValkeyServer) -> None:
        """Start a server that ended; one that ends while it starts is tried again, for ever only on a full disk."""
        failures, said = 0, ""
        while True:
            try:
                server.start()
                return
            except StartError as error:
                failures += not isinstance(error, DiskFull)
                if failures == _STARTS_TRIED:
                    raise
                if str(error) != said:
                    self.console.say(said := str(error))
                pause = _ROOM_SECONDS if isinstance(error, DiskFull) else 0.25 * 2**failures
            if self.stopping.wait(pause):
                raise Stopped

    # --- stopping
    # -----------------------------------------------------------------------------------------------

    @property
    def _programs(self) -> list[Program]:
        """In the order in which they stop."""
        return [*(self.webs.programs if self.webs else []), *self.workers]

    def _hurry(self) -> None:
        for program in self._programs:
            program.hurry()

    def _give_up_if_stopped(self) -> None:
        if self.stopping.is_set():
            raise Stopped

    def _stop(self) -> None:
        if self._listener is not None:
            self._listener.close()
        anything: list[tuple[str, Callable[[], object]]] = [
            (program.name, program.stop) for program in self._programs if program.is_running()
        ]
        anything += [
            (name, server.stop)
            for name, server in (("Valkey", self.valkey), ("PostgreSQL", self.postgres))
            if server is not None and server.is_running()
        ]
        if anything:
            self.console.say("stopping; Ctrl-C again stops without waiting for running work")
        for web in self.webs.programs if self.webs else []:
            web.begin_to_stop()
        for name, stop in anything:
            stop()
            self.console.say(f"{name} stopped")
        self.installation.release()
