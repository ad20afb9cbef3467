"""Many tenants at once: find them, say which an act would change, and suspend, archive or restore all or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from minirag.lib.errors import BadInput, Conflict, NotFound, ProductError
from tenants.context import tenant_context
from tenants.models import Tenant
from tenants.provisioning import archive_tenant, restore_tenant, suspend_tenant

MAX_MATCHES = 1000
ACTS = ("archive", "suspend", "restore")


class UnknownTenants(NotFound):
    """Some of the tenants that were named are not there; nothing was changed."""

    def __init__(self, slugs: list[str]) -> None:
        super().__init__(f"No such tenant: {', '.join(slugs[:20])}", code="tenants_not_found")


class SelectionChanged(Conflict):
    """The tenants that match are no longer as many as the caller was shown; nothing was changed."""

    def __init__(self, expected: int, current: int) -> None:
        super().__init__(
            f"{current} tenants match now and not {expected}; look at the preview again.",
            code="preview_changed",
        )


class NotConfirmed(ProductError):
    """An act on whatever matches, without the caller's word for it."""

    status, code = 400, "confirmation_required"

    def __init__(self) -> None:
        super().__init__("Set confirm to true to change every tenant that matches.")


@dataclass(frozen=True)
class Selection:
    """Which tenants are meant. `q` is contained in slug, name or description, whatever the case."""

    q: str = ""
    status: str = ""
    plan: str = ""

    def find(self) -> QuerySet[Tenant]:
        found = Tenant.objects.all()
        if self.q:
            found = found.filter(
                Q(slug__icontains=self.q)
                | Q(name__icontains=self.q)
                | Q(description__icontains=self.q)
            )
        if self.status:
            found = found.filter(status=self.status)
        return found.filter(plan=self.plan) if self.plan else found


def change_tenants(
    act: str, slugs: Iterable[str], *, reason: str = "", actor: str = ""
) -> list[Tenant]:
    """Archive, suspend or restore exactly these tenants, in the order given, each once. Raises UnknownTenants."""
    wanted = list(dict.fromkeys(slugs))
    with tenant_context(None), transaction.atomic():
        found = {tenant.slug: tenant for tenant in _lock(Tenant.objects.filter(slug__in=wanted))}
        if missing := [slug for slug in wanted if slug not in found]:
            raise UnknownTenants(missing)
        return _act(act, [found[slug] for slug in wanted], reason, actor)


def change_matching(
    act: str,
    selection: Selection,
    *,
    expected_total: int,
    confirm: bool,
    reason: str = "",
    actor: str = "",
) -> list[Tenant]:
    """Do the same to every tenant that matches, if they are as many as the caller expects.

    Raises NotConfirmed, SelectionChanged, or BadInput for more than MAX_MATCHES.
    """
    if not confirm:
        raise NotConfirmed
    with tenant_context(None), transaction.atomic():
        tenants = list(_lock(selection.find())[: MAX_MATCHES + 1])
        if len(tenants) > MAX_MATCHES:
            raise BadInput(
                gettext("More than %(max_matches)s tenants match; narrow the search.")
                % {"max_matches": MAX_MATCHES},
                code="too_many_tenants",
            )
        if len(tenants) != expected_total:
            raise SelectionChanged(expected_total, len(tenants))
        return _act(act, tenants, reason, actor)


def _lock(tenants: QuerySet[Tenant]) -> QuerySet[Tenant]:
    # Always in one order, or two operators at once would wait for each other.
    return tenants.select_for_update().order_by("slug")


def _act(act: str, tenants: list[Tenant], reason: str, actor: str) -> list[Tenant]:
    changes: dict[str, Callable[..., None]] = {
        "archive": partial(archive_tenant, reason=reason),
        "suspend": partial(suspend_tenant, reason=reason),
        "restore": restore_tenant,
    }
    change = changes[act]
    for tenant in tenants:
        change(tenant, actor=actor)
    return tenants
