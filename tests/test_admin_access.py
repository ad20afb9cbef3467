"""Every URL of both admins, opened by each role, another tenant, an operator and nobody, against `admin_access.py`.

What a page says is not rendered here, only whether it opens: tests/test_admin.py and its siblings read the pages.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.test.utils import override_script_prefix

from bots.models import BotProfile
from conftest import PASSWORD, Party
from conversations.models import Message
from knowledge.models import Chunk
from tenants.context import tenant_context
from tenants.models import Role, User
from tests.admin_access import PLATFORM, TENANT
from tests.admin_sessions import log_in_to_admin
from tests.test_admin import operator, platform_rows, rows
from tests.test_isolation import MODEL_ROUTE, admin_routes

__all__ = ["operator", "platform_rows", "rows"]
COOKIES = ("sessionid", "sessionid_acme", "sessionid_globex")


@pytest.fixture
def unrendered(monkeypatch) -> Iterator[None]:
    """Of what is asked nothing but the status is made: no page, and no log of what was refused."""
    monkeypatch.setattr(
        SimpleTemplateResponse, "rendered_content", property(lambda self: "not rendered here")
    )
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def people_of(acme: Party, globex: Party, olga: User) -> Iterator[Client]:
    """One browser each; a thief's has its session under every name."""
    where = {"SCRIPT_NAME": "/t/acme"}
    for role in sorted(
        set(Role) - {Role.MEMBER}, key=list(Role).index
    ):  # who looks as viewers do, and reads chats
        user = User.objects.create_user(
            f"{role}.too@acme.example.com", PASSWORD, tenant=acme.tenant, role=role
        )
        yield log_in_to_admin(user, *COOKIES, **where)
    yield log_in_to_admin(olga, *COOKIES, **where)
    yield log_in_to_admin(globex.owner, *COOKIES, **where)
    yield Client(**where)


@pytest.fixture
def pks(rows, acme) -> dict[type, Any]:
    with tenant_context(acme.tenant):
        message = Message.objects.values_list("pk", flat=True).first()
        rows[LogEntry] = LogEntry.objects.create(
            user_id=acme.owner.pk, object_repr="x", action_flag=2, change_message="changed"
        )
    return {model: row.pk for model, row in rows.items()} | {Message: message}


def test_every_url_of_a_tenants_admin_opens_for_whom_the_table_says(
    acme, globex, olga, pks, unrendered
):
    found: dict[str, list[str]] = {}
    ways: dict[str, str] = {}
    for browser in people_of(acme, globex, olga):
        for route in admin_routes("minirag.tenant_urls"):
            with override_script_prefix("/t/acme/"):  # as the server has it, for links
                answer = browser.get(url_of(route, pks))
            found.setdefault(route, []).append(str(answer.status_code))
            ways[route] = answer.get("Location", "")
    compare(found, TENANT)
    require_log_in(ways, "/t/acme")


def test_every_url_of_the_platforms_admin_opens_for_operators_alone(
    acme, olga, platform_rows, unrendered
):
    pks = {model: row.pk for model, row in platform_rows.items()}
    people = (log_in_to_admin(olga, *COOKIES), log_in_to_admin(acme.owner, *COOKIES), Client())
    found: dict[str, list[str]] = {}
    ways: dict[str, str] = {}
    for browser in people:
        for route in admin_routes("minirag.urls"):
            answer = browser.get(url_of(route, pks))
            found.setdefault(route, []).append(str(answer.status_code))
            ways[route] = answer.get("Location", "")
    compare(found, PLATFORM)
    require_log_in(ways, "")


def compare(found: dict[str, list[str]], table: dict[str, str]) -> None:
    said = {
        f"admin/{route.removeprefix('index')}": key
        for key, routes in table.items()
        for route in routes.split()
    }
    seen = {route: " ".join(statuses) for route, statuses in found.items()}
    assert not seen.keys() - said.keys(), "say in tests/admin_access.py who may open these"
    assert not said.keys() - seen.keys(), "stale rows of tests/admin_access.py"
    assert not {route: (said[route], now) for route, now in seen.items() if said[route] != now}


def require_log_in(ways: dict[str, str], prefix: str) -> None:
    """Nobody, who came last, is sent to the log-in of the same site, and from there back to what was asked for."""
    home = f"{prefix}/admin/"
    log_in = f"{home}login/?next={home}"
    elsewhere = {route: way for route, way in ways.items() if way and not way.startswith(log_in)}
    assert elsewhere == {"admin/logout/": home}


def url_of(route: str, pks: dict[type, Any]) -> str:
    """A URL of a route, with rows that are there; an unknown kind of part fails."""
    match = MODEL_ROUTE.fullmatch(route)
    if match and match["app"] not in apps.app_configs:
        match = None  # such as `sso/start/`
    own = pks.get(apps.get_model(match["app"], match["model"]), 1) if match else 1
    parts = {
        "<path:object_id>": own,
        "<uuid:bot_id>": pks.get(BotProfile), "<uuid:message_id>": pks.get(Message), "<uuid:chunk_id>": pks.get(Chunk),
        "<uuid:note_id>": uuid4(), "<str:name>": "guessed", "<str:request_id>": "guessed", "<slug:form>": "csv",
        "<slug:act>": "end-session", "<slug:page>": "people", "(?P<url>.*)$": "nothing/here/",
    }  # fmt: skip
    url = re.sub(r"\^\(\?P<app_label>([\w]+)[\w|]*\)/\$", r"\1/", route)
    for part, value in parts.items():
        url = url.replace(part, str(value))
    assert not set(url) & set("<>()^"), f"{route}: say in url_of what stands there"
    return f"/{url}"
