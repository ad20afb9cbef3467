"""A tenant's own hosts: claimed, shown to be its own, removed and made the primary one by its managers.

Whoever runs a host's DNS has it, and nobody else: a tenant claims it, writes a word of ours into a TXT record of its
name, and from the look that finds it there the host leads to the tenant. Operators lead hosts without that.
"""

from __future__ import annotations

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from minirag.lib.errors import BadInput, Conflict, NotFound
from tenants import audit
from tenants.context import tenant_context
from tenants.due import DueKind, make_all_due
from tenants.models import Domain, Tenant
from tenants.plans.holding import require_feature
from tenants.plans.models import Feature
from tenants.provisioning import normalise_host

MOST_HOSTS = 20


def hosts_of(tenant: Tenant) -> QuerySet[Domain]:
    return Domain.objects.filter(tenant=tenant).select_related("tenant").order_by("domain")


def find_host(tenant: Tenant, host: str) -> Domain:
    """Raises NotFound (`host_not_found`), for a host of another tenant as well."""
    domain = hosts_of(tenant).filter(domain=host.strip().lower().rstrip(".")).first()
    if domain is None:
        raise _gone()
    return domain


def _gone() -> NotFound:
    return NotFound(gettext("There is no such host in this tenant."), code="host_not_found")


def add_own_host(tenant: Tenant, host: str) -> Domain:
    """Claim a host for a tenant, in the name of the tenant itself.

    Raises NotInPlan, BadInput (`host_invalid`, `too_many_hosts`), or Conflict (`host_taken`) for one that the tenant
    has, or that leads to another one or is the installation's own.
    """
    require_feature(Feature.HOSTS, tenant)
    name = normalise_host(host)
    if "." not in name or name.replace(".", "").isdigit():
        raise BadInput(
            gettext("'%(name)s' is no name of the Internet's DNS, such as bots.acme.com.")
            % {"name": name},
            code="host_invalid",
        )
    # Whose it is otherwise is not said.
    if name in settings.PLATFORM_HOSTS or Domain.objects.leading().filter(domain=name).exists():
        raise _taken()
    with tenant_context(None), transaction.atomic():
        Tenant.objects.select_for_update(no_key=True).filter(pk=tenant.pk).first()
        if hosts_of(tenant).count() >= MOST_HOSTS:
            raise BadInput(
                gettext("A tenant has at most %(most_hosts)s hosts.") % {"most_hosts": MOST_HOSTS},
                code="too_many_hosts",
            )
        if hosts_of(tenant).filter(domain=name).exists():
            raise Conflict(gettext("Your tenant has this host already."), code="host_taken")
        domain = Domain.objects.create(tenant=tenant, domain=name, is_claim=True)
        audit.record("domain.claimed", tenant=tenant, detail={"domain": name})
    return domain


def lead_claim(domain: Domain) -> None:
    """Lead a claimed host to its tenant, which has shown that it is its own.

    Raises Conflict (`host_taken`), NotInPlan, or NotFound (`host_not_found`) where the claim was removed meanwhile.
    """
    require_feature(Feature.HOSTS, domain.tenant)
    try:
        with tenant_context(None), transaction.atomic():
            # The DNS took its time to answer, and nothing that is gone may come back by that.
            claims = Domain.objects.filter(pk=domain.pk, is_claim=True).select_for_update()
            if claims.first() is None:
                raise _gone()
            domain.lead(is_proven=True)
            audit.record("domain.added", tenant=domain.tenant, detail={"domain": domain.domain})
            make_all_due(domain.tenant_id, [DueKind.HOSTS])
    except IntegrityError:
        domain.is_claim = True
        raise _taken() from None


def _taken() -> Conflict:
    return Conflict(
        gettext("This host is taken already: it leads somewhere here."), code="host_taken"
    )


def remove_host(domain: Domain) -> None:
    """Lead a host nowhere any more. Where it was the primary one, the oldest of the others is."""
    tenant = domain.tenant
    with tenant_context(None), transaction.atomic():
        audit.record("domain.removed", tenant=tenant, detail={"domain": domain.domain})
        was_primary = domain.is_primary
        domain.delete()
        if was_primary:
            _choose_primary(tenant)


def lose_host(domain: Domain) -> bool:
    """Lead a host nowhere any more, since nothing shows that it is the tenant's: it is a claim again.

    Returns whether it was: not where it was removed, led by an operator or proven anew since `domain` was read.
    """
    tenant = domain.tenant
    with tenant_context(None), transaction.atomic():
        same = Domain.objects.proven().filter(pk=domain.pk, proof_seen_at=domain.proof_seen_at)
        held = same.select_for_update().first()
        if held is None:
            return False
        was_primary = held.is_primary
        held.lose()
        audit.record("domain.lost", tenant=tenant, detail={"domain": held.domain})
        if was_primary:
            _choose_primary(tenant)
    return True


def _choose_primary(tenant: Tenant) -> None:
    others = hosts_of(tenant).filter(is_claim=False).order_by("created_at", "pk")
    if (successor := others.first()) is not None:
        _make_primary(successor)


def make_primary(domain: Domain) -> None:
    """Have mails and links name this host of the tenant's. Raises Conflict (`host_unproven`) for a claim."""
    if domain.is_claim:
        said = gettext("This host is only claimed so far: show that it is yours first.")
        raise Conflict(said, code="host_unproven")
    with tenant_context(None), transaction.atomic():
        _make_primary(domain)
        audit.record("domain.made_primary", tenant=domain.tenant, detail={"domain": domain.domain})


def _make_primary(domain: Domain) -> None:
    Domain.objects.filter(tenant=domain.tenant).exclude(pk=domain.pk).update(is_primary=False)
    Domain.objects.filter(pk=domain.pk).update(is_primary=True)
    domain.is_primary = True
