"""Whether hosts that were shown to be a tenant's own are still: once a day their TXT record is looked for again.

A name may go to somebody else, and then nothing of its old tenant may answer under it. Whoever runs its DNS and takes
the record away is told first, and the name leads on for HOST_PROOF_DAYS; a DNS that does not answer says nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Min, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from tenants import audit
from tenants.context import require_tenant, tenant_context
from tenants.hosts.changing import lose_host
from tenants.hosts.checking import find_proof, keep_proof, proof_of
from tenants.links.sending import language_of
from tenants.models import Domain, Tenant, User
from tenants.people.roles import May

logger = structlog.get_logger(__name__)

EVERY: Final = timedelta(days=1)


def look_again() -> int:
    """Look for the TXT records of the current tenant's hosts once a day; returns how many of them are lost."""
    if not settings.HOST_PROOF_DAYS:
        return 0
    due = _proven().filter(proof_looked_at__lte=timezone.now() - EVERY).select_related("tenant")
    return sum(_look(each) for each in due)


def next_look_again() -> datetime | None:
    if not settings.HOST_PROOF_DAYS:
        return None
    last: datetime | None = _proven().aggregate(at=Min("proof_looked_at"))["at"]
    return None if last is None else last + EVERY


def _proven() -> QuerySet[Domain]:
    return Domain.objects.proven().filter(tenant=require_tenant().pk)


def _look(domain: Domain) -> bool:
    """Keep what the DNS says of a host; whether it leads here no more."""
    told = domain.leads_until is not None
    found = find_proof(domain)
    until = keep_proof(domain, found)
    if until is None:
        return False
    if until <= timezone.now():
        is_lost = lose_host(domain)
        if is_lost:
            _tell(domain, None)
        return is_lost
    if not told:
        _tell(domain, until)
        with tenant_context(None):
            said = {"domain": domain.domain, "leads_until": until}
            audit.record("domain.proof_missing", tenant=domain.tenant, detail=said)
    return False


def _tell(domain: Domain, until: datetime | None) -> None:
    """Write to those who manage the tenant's settings. Where no mail goes out the overview and *Settings* say it."""
    people = User.objects.filter(tenant=domain.tenant, is_active=True)
    addresses = sorted(each.email for each in people if each.may(May.MANAGE_SETTINGS))
    with override(language_of(domain.tenant)):
        subject, text = _write(domain, domain.tenant, until)
    try:
        for address in addresses:  # nobody is told who else there is
            send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, [address])
    except (SMTPException, OSError) as error:
        logger.warning("nobody got a mail of a host's proof", error=type(error).__name__)


def _write(domain: Domain, tenant: Tenant, until: datetime | None) -> tuple[str, str]:
    name, content = proof_of(domain)
    facts = {
        "host": domain.domain,
        "place": " ".join(tenant.public_name.split()),
        "name": name,
        "content": content,
    }
    address = f"{settings.PUBLIC_URL.rstrip('/')}/t/{tenant.slug}/admin/settings/"
    if until is None:
        subject = _("%(host)s leads to %(place)s no more") % facts
        said = (
            _(
                "The TXT record that shows that %(host)s is yours is not there any more, so the name leads to "
                "%(place)s no longer. To have it back, make the record again and press Check now in Settings:"
            )
            % facts
        )
    else:
        facts |= {"day": f"{until:%Y-%m-%d}"}
        subject = _("%(host)s leads to %(place)s only until %(day)s") % facts
        said = (
            _(
                "The TXT record that shows that %(host)s is yours is not there any more. Make it again, or the name "
                "leads to %(place)s only until %(day)s:"
            )
            % facts
        )
    return subject, "\n".join([said, "", f'{name} TXT "{content}"', "", address, ""])
