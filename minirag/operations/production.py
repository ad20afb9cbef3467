"""What has to hold where strangers reach an installation, beyond that it works: `manage.py doctor --production`."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_network
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.core.mail import get_connection
from django.db import DatabaseError, connection

from minirag.operations import diagnosis
from minirag.operations.backing_up.nightly import check_backup
from minirag.operations.checks import find_secret_faults
from minirag.operations.findings import FAIL, OK, WARN, Finding
from minirag.operations.health import connect_redis

_FEWEST_CHARACTERS, _SHORT_TOKEN = 12, 24
_CLOCKS_APART, _CLOCKS_FAR_APART = 1.0, 30.0
_QUIET = {
    "log_min_error_statement": ("panic", "fatal", "log"), "log_error_verbosity": ("terse",),
    "log_statement": ("none", "ddl"), "log_min_duration_statement": ("-1",),
}  # fmt: skip
"""What writes statements, or rows that a constraint refuses, to PostgreSQL's log, with the values that do not."""
_SENDS_NOTHING = ("dummy", "console", "locmem", "filebased")


def check_strength() -> Finding:
    """Whether the secrets are such as nobody guesses, each for itself, and set also under DEBUG."""
    faults = find_secret_faults(always=True)
    named = {
        name: str(getattr(settings, name, "") or "") for name in ("SECRET_KEY", "JWT_SECRET_KEY")
    }
    faults += [
        f"{name} repeats few characters."
        for name, value in named.items()
        if value and len(set(value)) < _FEWEST_CHARACTERS
    ]
    if len(set(named.values())) == 1 and named["SECRET_KEY"]:
        faults.append("SECRET_KEY and JWT_SECRET_KEY are the same.")
    if faults:
        return Finding("secrets", FAIL, " ".join(faults), "Make new ones as .env.example shows.")
    return Finding("secrets", OK, "set, long, and each its own")


def check_tls() -> Finding:
    public = urlsplit(settings.PUBLIC_URL)
    if not settings.HTTPS_ONLY:
        detail = "HTTPS_ONLY is off: no redirect, no HSTS, cookies go over plain HTTP"
        return Finding("tls", FAIL, detail, "Set HTTPS_ONLY=True behind a proxy that speaks TLS.")
    if public.scheme != "https":
        detail = f"PUBLIC_URL is {settings.PUBLIC_URL or 'empty'}"
        return Finding("tls", WARN, detail, "Set PUBLIC_URL to the https address that people use.")
    return Finding("tls", OK, "redirected to https, with HSTS and secure cookies")


def check_proxies() -> Finding:
    """Whose word is taken for where a request comes from."""
    wide = [
        each for each in settings.TRUSTED_PROXIES if ip_network(each, strict=False).prefixlen == 0
    ]
    if settings.TRUST_PROXY_HEADERS and wide:
        detail = f"TRUSTED_PROXIES believes everybody ({', '.join(wide)})"
        return Finding("proxies", FAIL, detail, "Name the proxy's own address or network.")
    if settings.HTTPS_ONLY and not settings.TRUST_PROXY_HEADERS:
        detail = "TRUST_PROXY_HEADERS is off: a proxy that ends TLS would be redirected to itself"
        return Finding("proxies", WARN, detail, "Set TRUST_PROXY_HEADERS=True there.")
    believed = "believed" if settings.TRUST_PROXY_HEADERS else "not believed"
    return Finding("proxies", OK, f"headers of proxies are {believed}")


def check_hosts() -> Finding:
    hosts = settings.PLATFORM_HOSTS
    if "*" in hosts:
        return Finding("hosts", FAIL, "ALLOWED_HOSTS takes any", "Name the platform's own hosts.")
    if all(each in ("localhost", "127.0.0.1", "[::1]") for each in hosts):
        return Finding(
            "hosts", WARN, "ALLOWED_HOSTS names this machine only", "Name the host that people use."
        )
    return Finding("hosts", OK, ", ".join(hosts))


def check_sign_up() -> Finding:
    if settings.ALLOW_TENANT_SIGNUP:
        detail = "anybody may make a tenant (ALLOW_TENANT_SIGNUP)"
        return Finding(
            "sign-up", WARN, detail, "Set ALLOW_TENANT_SIGNUP=False unless that is meant."
        )
    return Finding("sign-up", OK, "closed")


def check_debug() -> Finding:
    found = diagnosis.check_debug()
    return found if found.state == OK else Finding("debug", FAIL, found.detail, found.remedy)


def check_clocks() -> Finding:
    """How far apart the clocks are by which work is due, tokens end and answers are dated."""
    try:
        seen = {"PostgreSQL": _compare(_ask_postgres), "Redis": _compare(_ask_redis)}
    except (DatabaseError, redis.RedisError):
        return Finding(
            "clocks", FAIL, "unknown, a server does not answer", "See database and redis."
        )
    shown = ", ".join(f"{name} {seconds:+.1f} s" for name, seconds in seen.items())
    worst = max(abs(seconds) for seconds in seen.values())
    if worst <= _CLOCKS_APART:
        return Finding("clocks", OK, f"within {_CLOCKS_APART:g} s ({shown})")
    state = FAIL if worst > _CLOCKS_FAR_APART else WARN
    return Finding("clocks", state, f"apart: {shown}", "Have every machine keep its time by NTP.")


def _compare(ask: Callable[[], float]) -> float:
    """By how many seconds another clock is ahead; half of the way there and back is taken off."""
    before = time.time()
    there = ask()
    return there - (before + time.time()) / 2


def _ask_postgres() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    return row[0].timestamp() if row else datetime.now(UTC).timestamp()


def _ask_redis() -> float:
    seconds, microseconds = connect_redis(settings.REDIS_URL).time()  # type: ignore[misc]
    return float(seconds) + float(microseconds) / 1e6


def check_log() -> Finding:
    """Whether PostgreSQL's log may come to hold what visitors write: a statement has its values in it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [[*_QUIET]])
        loud = [
            f"{name} is {value}" for name, value in cursor.fetchall() if value not in _QUIET[name]
        ]
    if loud:
        shown = ", ".join(sorted(loud))
        remedy = ", ".join(f"{name} = {values[0]}" for name, values in _QUIET.items())
        return Finding("log", WARN, f"may hold messages: {shown}", f"Set {remedy} in PostgreSQL.")
    return Finding("log", OK, "PostgreSQL's holds no statements")


def check_mail() -> Finding:
    """Whether mail can be sent: a forgotten password and an invitation depend on it."""
    if any(each in settings.EMAIL_BACKEND for each in _SENDS_NOTHING):
        return Finding(
            "e-mail", WARN, "none is sent: no invitations, no new passwords", "Set EMAIL_URL."
        )
    try:
        server = get_connection()
        server.open()
        server.close()
    except (OSError, smtplib.SMTPException) as error:
        return Finding(
            "e-mail",
            FAIL,
            f"the server does not take us: {type(error).__name__}",
            "Correct EMAIL_URL.",
        )
    if settings.DEFAULT_FROM_EMAIL.endswith("@localhost"):
        return Finding(
            "e-mail", WARN, f"it comes from {settings.DEFAULT_FROM_EMAIL}", "Set EMAIL_FROM."
        )
    return Finding("e-mail", OK, f"sent from {settings.DEFAULT_FROM_EMAIL}")


def check_metrics() -> Finding:
    token = settings.METRICS_TOKEN
    if not token:
        return Finding(
            "metrics",
            WARN,
            "there are none: nobody is woken",
            "Set METRICS_TOKEN, see docs/monitoring.md.",
        )
    if len(token) < _SHORT_TOKEN:
        return Finding(
            "metrics",
            FAIL,
            f"METRICS_TOKEN is shorter than {_SHORT_TOKEN} characters",
            "Make a longer one.",
        )
    return Finding("metrics", OK, "behind a token")


_TAKEN = (
    "database",
    "pooler",
    "pgvector",
    "migrations",
    "tenants",
    "redis",
    "worker",
    "embedder",
    "files",
    "disk",
)
PRODUCTION: dict[str, Callable[[], Finding]] = {
    "secrets": check_strength,
    "debug": check_debug,
    "tls": check_tls,
    "proxies": check_proxies,
    "hosts": check_hosts,
    "sign-up": check_sign_up,
    **{part: diagnosis.CHECKS[part] for part in _TAKEN},
    "beat": diagnosis.check_beat,
    "backup": check_backup,
    "clocks": check_clocks,
    "log": check_log,
    "e-mail": check_mail,
    "metrics": check_metrics,
    "provider": diagnosis.CHECKS["provider"],
}
"""What an operator reads before strangers come, in the order in which it is worth mending."""


def judge() -> list[Finding]:
    return [check() for check in PRODUCTION.values()]
