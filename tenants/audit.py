"""The audit log: who did what to whom, in a row that nothing changes afterwards.

Every write by API, admin or command is recorded, once, by the function that does it (tests/test_audit_of_writes.py
walks them all). Who acts is bound at the edge, with `acting`, so the core passes no request on. A line joins the
caller's transaction: an act that is rolled back leaves none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal
from urllib.parse import urlsplit

from django.db.models import Model
from django.http import HttpRequest
from pydantic_core import to_json

from minirag.lib.http_in.reading import client_address
from minirag.lib.http_in.request_ids import current_request_id
from tenants.context import current_tenant
from tenants.log.models import Outcome
from tenants.models import ApiToken, AuditEvent, OperatorToken, Tenant, User

_SECRET_WORDS = (
    "password",
    "secret",
    "raw_token",
    "api_token",
    "token_hash",
    "api_key",
    "authorization",
    "credential",
    "encrypted",
)
# Of these only the length is told: they are long, or a visitor's words, which are erased with their chats.
_LONG_FIELDS = frozenset({"content", "system_prompt", "question", "before"})
_MAX_TEXT = 500
_MAX_AGENT = 200
# More than that PostgreSQL's text search, by which the log is indexed, may refuse, and with the line the act itself.
_MOST_BYTES = 200_000

_actor: ContextVar[HttpRequest | str] = ContextVar("acting", default="")


@contextmanager
def acting(who: HttpRequest | str) -> Iterator[None]:
    """Run the body in the name of a request's caller, or of a command or another actor without a request."""
    token = _actor.set(who)
    try:
        yield
    finally:
        _actor.reset(token)


def record(
    action: str, *, of: Model | None = None, changes: Mapping[str, Any] | None = None,
    actor: User | str = "", tenant: Tenant | None = None, detail: Mapping[str, Any] | None = None,
    outcome: Outcome = Outcome.DONE,
) -> AuditEvent:  # fmt: skip
    """Append "noun.done_to_it" (`token.created`) to the log; returns the row.

    Who acted is `actor`, or else the one that is `acting`; of a request its address, its agent and its API token (the
    prefix) are noted too. The tenant is the current one unless given. `of` is the row it was done to, `changes` what
    `compare` said, `detail` more JSON: ids, names and numbers. Values whose key sounds like a secret are masked. A row
    whose `str` may be somebody's words has an `audit_name`.
    """
    tenant = tenant or current_tenant()
    noted: dict[str, Any] = {}
    if of is not None:
        name = getattr(of, "audit_name", None) or str(of)
        noted = {"id": str(of.pk), "name": _show("name", name)}
    noted |= {key: _clean(key, value) for key, value in (detail or {}).items()}
    if changes is not None:
        noted["changes"] = dict(changes)
    who = _actor.get()
    if isinstance(who, HttpRequest):
        noted |= _describe_call(who)
    actor = actor or name_actor()
    return AuditEvent.objects.create(
        action=action, outcome=outcome, tenant_slug=tenant.slug if tenant else "", detail=_bound(noted),
        actor=(actor.email if isinstance(actor, User) else actor)[:320],
        request_id=current_request_id()[:64],
    )  # fmt: skip


def name_actor() -> str:
    """Who acts here, by e-mail address where it is a person; "" for nobody we know."""
    who = _actor.get()
    found = find_actor(who) if isinstance(who, HttpRequest) else who
    return (found.email if isinstance(found, User) else found)[:320]


def acts_by() -> Literal["api", "form", "command"]:
    """The way somebody acts here: with a bearer token, in the admin, or without a request."""
    who = _actor.get()
    if not isinstance(who, HttpRequest):
        return "command"
    return "api" if getattr(who, "identity", None) is not None else "form"


def compare(row: Model, fields: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return `{field: [old, new]}` of the fields that these values would change, fit for the log."""
    return {
        name: [_show(name, getattr(row, name)), _show(name, value)]
        for name, value in fields.items()
        if getattr(row, name) != value
    }


def tell_changes(before: Mapping[str, Any], row: Model) -> dict[str, list[Any]]:
    """Return what `compare` does, for a row that has changed already: `before` is what it was."""
    return {
        name: [_show(name, old), _show(name, getattr(row, name))]
        for name, old in before.items()
        if getattr(row, name) != old
    }


def find_actor(request: HttpRequest) -> User | str:
    """Return who is calling: the user behind a bearer token, or of an admin session; "" for nobody we know."""
    user = getattr(getattr(request, "identity", None), "user", None)
    user = user or getattr(request, "user", None)
    return user if isinstance(user, User) else ""


def _describe_call(request: HttpRequest) -> dict[str, str]:
    called = {"address": client_address(request)}
    if agent := request.headers.get("User-Agent", ""):
        called["agent"] = agent[:_MAX_AGENT]
    identity = getattr(request, "identity", None)
    token = getattr(identity, "token", None) or getattr(request, "auth", None)
    if isinstance(token, ApiToken | OperatorToken):
        called["token"] = token.token_prefix
    if reason := getattr(getattr(request, "user", None), "entered_for", ""):
        called["entered_for"] = reason[:_MAX_AGENT]
    return called


def _show(name: str, value: Any) -> Any:
    """A column's value as a change tells it."""
    if name in _LONG_FIELDS and isinstance(value, str | list):
        return f"{len(value)} {'characters' if isinstance(value, str) else 'entries'}"
    return _clean(name, value)


def _bound(noted: dict[str, Any]) -> dict[str, Any]:
    """What is noted, without its lists and objects where all of it is too much for a line."""
    if len(to_json(noted)) <= _MOST_BYTES:
        return noted
    return {key: "…" if isinstance(value, list | dict) else value for key, value in noted.items()}


def _clean(key: str, value: Any) -> Any:
    if any(word in key.lower() for word in _SECRET_WORDS) and not isinstance(value, bool | None):
        return "…"
    if isinstance(value, Mapping):
        return {name: _clean(name, item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(key, item) for item in value]
    if isinstance(value, bool | int | float | None):
        return value
    return _shorten_address(str(value))[:_MAX_TEXT]


def _shorten_address(text: str) -> str:
    """Of a web address only the host: the rest may be what opens the door."""
    if not text.startswith(("http://", "https://")):
        return text
    try:
        parts = urlsplit(text)
        return f"{parts.scheme}://{parts.hostname}" + ("/…" if parts.path.strip("/") else "")
    except ValueError:
        return "…"
