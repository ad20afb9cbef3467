"""What globex may never see of acme: the scene of two tenants that checks each answer, and how their rows are found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from django.http.response import HttpResponseBase

from conftest import Party
from tenants.context import tenant_context
from tenants.models import ApiToken, AuditEvent, BrowserSession, Domain, EmailLink, Tenant, User
from tests.isolation_marks import IDENTITY, OPEN, PRIVATE, tenant_models

if TYPE_CHECKING:
    from tests.isolation_rows import Rows


UUIDS = re.compile(r"(?=([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}))")


@dataclass
class Scene:
    acme: Rows
    globex: Rows
    acme_ids: frozenset[str] = frozenset()
    session: str = ""
    checked: int = 0

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        token = ApiToken.objects.filter(tenant=self.acme.party.tenant).first()
        assert token is not None
        return (
            PRIVATE,
            IDENTITY,
            self.acme.party.raw_token.lower(),
            token.token_hash,
            token.token_prefix.lower(),
        )

    def check(self, response: HttpResponseBase, *, sent: str, allow: Iterable[str] = ()) -> str:
        """Fail if an answer to globex holds anything of acme's, but for ids that globex itself has sent."""
        body = b"".join(response) if response.streaming else response.content
        headers = "\n".join(f"{name}: {value}" for name, value in response.items())
        cookies = response.cookies.output()
        text = f"{headers}\n{cookies}\n{body.decode('utf-8', 'replace')}".lower()
        self.check_text(text, sent=sent, allow=allow)
        return text

    def check_text(self, text: str, *, sent: str = "", allow: Iterable[str] = ()) -> None:
        self.checked += 1
        shown, known = text.lower(), sent.lower()  # once: a page is long, and the ids are many
        found = [
            secret for secret in (*self.secrets, OPEN) if secret in shown and secret not in allow
        ]
        ids = self.acme_ids.intersection(UUIDS.findall(shown))
        found += [key for key in ids if key not in known and key not in allow]
        assert not found, f"{sent}: {found} in {text[:2000]}"


def find_rows(party: Party) -> Iterator[tuple[type[models.Model], Any]]:
    with tenant_context(party.tenant):
        for model in tenant_models():
            pk = model.objects.values_list("pk", flat=True).first()
            if pk is not None:
                yield model, pk
    yield User, party.owner.pk
    yield (
        ApiToken,
        ApiToken.objects.filter(tenant=party.tenant).values_list("pk", flat=True).first(),
    )
    yield Domain, Domain.objects.get(tenant=party.tenant).pk
    yield Tenant, party.tenant.pk
    yield EmailLink, EmailLink.objects.get(user__tenant=party.tenant).pk
    yield BrowserSession, BrowserSession.objects.get(user__tenant=party.tenant).pk
    # One that names what was made: acme's holds its marker.
    made = AuditEvent.objects.of_tenant(party.tenant).filter(detail__name__startswith="Bot ")
    yield AuditEvent, made.values_list("pk", flat=True)[0]


def find_ids(party: Party) -> set[str]:
    found: set[str] = set()
    with tenant_context(party.tenant):
        for model in tenant_models():
            found |= {
                str(key)
                for key in model.objects.values_list("pk", flat=True)
                if isinstance(key, UUID)
            }
    return found | {
        str(key)
        for key in ApiToken.objects.filter(tenant=party.tenant).values_list("pk", flat=True)
    }
