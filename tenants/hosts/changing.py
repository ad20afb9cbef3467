"""A tenant's own hosts: added, removed and made the primary one by its managers, as far as that is theirs to do."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from minirag.lib.errors import BadInput, Conflict, NotFound
from tenants import audit
from tenants.context import tenant_context
from tenants.models import Domain, Tenant
from tenants.plans.holding import require_feature
from tenants.plans.models import Feature
from tenants.provisioning import add_domain, normalise_host

MOST_HOSTS = 20


def hosts_of(tenant: Tenant) -> QuerySet[Domain]:
    return Domain.objects.filter(tenant=tenant).select_related("tenant").order_by("domain")


def find_host(tenant: Tenant, host: str) -> Domain:
    """Raises NotFound (`host_not_found`), for a host of another tenant as well."""
    domain = hosts_of(tenant).filter(domain=host.strip().lower().rstrip(".")).first()
    if domain is None:
        raise NotFound("There is no such host in this tenant.", code="host_not_found")
    return domain


def add_own_host(tenant: Tenant, host: str) -> Domain:
    """Lead a host to a tenant, in the name of the tenant itself.

    Raises NotInPlan, BadInput (`host_invalid`, `too_many_hosts`), or Conflict (`host_taken`) for one of another tenant
    or of the installation itself.
    """
    require_feature(Feature.HOSTS, tenant)
    name = normalise_host(host)
    if "." not in name or name.replace(".", "").isdigit():
        raise BadInput(
            f"'{name}' is no name of the Internet's DNS, such as bots.acme.com.",
            code="host_invalid",
        )
    # Whose it is otherwise is not said.
    if name in settings.PLATFORM_HOSTS or Domain.objects.filter(domain=name).exists():
        raise Conflict("This host is taken already: it leads somewhere here.", code="host_taken")
    with tenant_context(None), transaction.atomic():
        Tenant.objects.select_for_update(no_key=True).filter(pk=tenant.pk).first()
        if hosts_of(tenant).count() >= MOST_HOSTS:
            raise BadInput(f"A tenant has at most {MOST_HOSTS} hosts.", code="too_many_hosts")
        return add_domain(tenant, name)


def remove_host(domain: Domain) -> None:
    """Lead a host nowhere any more. Where it was the primary one, the oldest of the others is."""
    tenant = domain.tenant
    with tenant_context(None), transaction.atomic():
        audit.record("domain.removed", tenant=tenant, detail={"domain": domain.domain})
        was_primary = domain.is_primary
        domain.delete()
        successor = hosts_of(tenant).order_by("created_at", "pk").first() if was_primary else None
        if successor is not None:
            _make_primary(successor)


def make_primary(domain: Domain) -> None:
    """Have mails and links name this host of the tenant's."""
    with tenant_context(None), transaction.atomic():
        _make_primary(domain)
        audit.record("domain.made_primary", tenant=domain.tenant, detail={"domain": domain.domain})


def _make_primary(domain: Domain) -> None:
    Domain.objects.filter(tenant=domain.tenant).exclude(pk=domain.pk).update(is_primary=False)
    Domain.objects.filter(pk=domain.pk).update(is_primary=True)
    domain.is_primary = True
