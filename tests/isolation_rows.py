"""What the two tenants of the tests of isolation are called by, and the ids of what each of them has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.test import Client

from conftest import Party
from tests.isolation_marks import IDENTITY, PRIVATE

ACME_HOST, GLOBEX_HOST = f"{IDENTITY}.acme.example.com", "bots.globex.example.com"
ACME_PAGE, GLOBEX_PAGE = "https://www.acme.example.com", "https://www.globex.example.com"
API_KEY, NYXCORE_TOKEN = f"key-{PRIVATE}-0123456789", f"nyx-{PRIVATE}-0123456789"
GIT_TOKEN = f"git-{PRIVATE}-0123456789"
ACME_VISITOR, GLOBEX_VISITOR = f"{PRIVATE}-visitor", "gina-visitor"
JSON = "application/json"
LOGO = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@dataclass
class Rows:
    """What one tenant has: the ids that requests name, and the primary key of one row of every model."""

    party: Party
    bot: str = ""
    source: str = ""
    nyxcore: str = ""
    site: str = ""
    git: str = ""
    sync: str = ""
    upload: str = ""
    dataset: str = ""
    document: str = ""
    chunk: str = ""
    correction: str = ""
    version: str = ""
    external_id: str = ""
    chat: str = ""
    message: str = ""
    turn: str = ""
    token: str = ""
    webhook: str = ""
    quota: str = ""
    provider: str = ""
    golden: str = ""
    curated: str = ""
    run: str = ""
    gap: str = ""
    handoff: str = ""
    note: str = ""
    canned: str = ""
    pks: dict[type[models.Model], Any] = field(default_factory=dict)


def post(client: Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = client.post(path, body, content_type=JSON)
    assert response.status_code in (200, 201), response.content
    return response.json()
