"""Whether a host is a tenant's own and leads here, by name and by certificate, and what to do where it does not.

A claim is asked for in the DNS alone: a TXT record that only whoever runs the name can write. What such a name leads
to is nobody's business before that, so a tenant learns nothing of names that are not its own.

Asked from outside, as a visitor would: the name is looked up, and then the host is asked for a word that only this
installation knows. So a proxy or a balancer in between is fine, and nobody has to say which addresses are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db.models import TextChoices
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from minirag.lib.errors import Conflict
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.doors import OPEN_DOOR, door
from minirag.lib.http_out.addresses import is_public_address
from minirag.lib.http_out.client import OutboundError, fetch
from minirag.lib.http_out.network import resolve_host
from minirag.lib.http_out.texts import read_texts
from tenants import audit
from tenants.context import tenant_context
from tenants.hosts.changing import lead_claim
from tenants.log.models import Outcome
from tenants.models import Domain

SECONDS: Final = 5.0
PATH: Final = "/.well-known/minirag-host"
_MOST_BYTES: Final = 1024


class HostState(TextChoices):
    """What a look at a host found; each label says what to do."""

    UNPROVEN = (
        "unproven",
        _(
            "It is not shown yet that this name is yours. Make the TXT record that stands beside it, wait until it is "
            "known, and check again."
        ),
    )
    TAKEN = (
        "taken",
        _("The name leads to another tenant here. Ask whoever runs this installation."),
    )
    READY = "ready", _("It leads here, and its certificate is good.")
    NO_ADDRESS = (
        "no_address",
        _("The name has no address yet. Make a DNS entry (CNAME, or A and AAAA) that leads here."),
    )
    ELSEWHERE = (
        "elsewhere",
        _("The name leads to another server. Change its DNS entry so that it leads here."),
    )
    NO_CERTIFICATE = (
        "no_certificate",
        _(
            "It leads here, but not by https: the proxy before this server needs a certificate for this name. Ask "
            "whoever runs this installation."
        ),
    )
    UNREACHABLE = (
        "unreachable",
        _(
            "The name has an address, but nobody answers there. Look whether it is the right one, and whether ports 80 "
            "and 443 are open."
        ),
    )
    PRIVATE = (
        "private",
        _(
            "The name leads to an address of a private network, which is not asked from here. Whoever is in that "
            "network may reach it all the same."
        ),
    )


@dataclass(frozen=True)
class Look:
    """What was found, and the public addresses that the name has."""

    state: HostState
    addresses: tuple[str, ...] = ()

    @property
    def advice(self) -> str:
        return str(self.state.label)


def proof_of(domain: Domain) -> tuple[str, str]:
    """Name and content of the TXT record that shows a host to be a tenant's own."""
    told = f"{domain.tenant_id}:{domain.domain}"
    word = salted_hmac("tenants.hosts.proof", told, algorithm="sha256").hexdigest()[:40]
    return f"_minirag.{domain.domain}", f"minirag-host={word}"


def look_at(host: str) -> Look:
    """Ask the host itself, in at most a few seconds; never raises."""
    allowed = frozenset(settings.OUTBOUND_ALLOWED_HOSTS)
    state = _ask("https", host, allowed)
    if state != HostState.READY:
        plain = _ask("http", host, allowed)
        state = HostState.NO_CERTIFICATE if plain == HostState.READY else plain
    return Look(state, _public_addresses(host) if state != HostState.NO_ADDRESS else ())


def _ask(scheme: str, host: str, allowed: frozenset[str]) -> HostState:
    try:
        answer = fetch(
            f"{scheme}://{host}{PATH}", max_bytes=_MOST_BYTES, timeout_seconds=SECONDS, allowed_hosts=allowed,
            may_follow=lambda url: False,
        )  # fmt: skip
    except OutboundError as error:
        if error.code == "dns_failed":
            return HostState.NO_ADDRESS
        if error.code == "address_refused":
            return HostState.PRIVATE
        is_somebody = error.code in ("http_status", "too_many_redirects", "too_large")
        return HostState.ELSEWHERE if is_somebody else HostState.UNREACHABLE
    said = answer.body.decode("ascii", "replace").strip()
    return HostState.READY if constant_time_compare(said, _word_for(host)) else HostState.ELSEWHERE


def _public_addresses(host: str) -> tuple[str, ...]:
    try:
        found = resolve_host(host, 443)
    except (OSError, UnicodeError):
        return ()
    return tuple(each for each in dict.fromkeys(found) if is_public_address(each))[:8]


def find_proof(domain: Domain) -> bool | None:
    """Whether the DNS has a host's TXT record; None where it does not answer."""
    name, content = proof_of(domain)
    told = read_texts(name, seconds=SECONDS)
    return None if told is None else content in told


def keep_proof(domain: Domain, found: bool | None) -> datetime | None:
    """Keep what `find_proof` said of a proven host; returns until when it leads here, if its record is missing.

    What was removed, led by an operator or proven anew while the DNS was asked stays as it is.
    """
    same = Domain.objects.proven().filter(pk=domain.pk, proof_seen_at=domain.proof_seen_at)
    seen_before = domain.proof_seen_at
    if found:
        domain.see_proof()
    elif found is None:
        domain.proof_looked_at = timezone.now()
    else:
        domain.miss_proof()
    names = ("proof_seen_at", "proof_missed_at", "proof_looked_at")
    if not same.update(**{name: getattr(domain, name) for name in names}):
        domain.proof_seen_at, domain.proof_missed_at = seen_before, None
    return None if found is None else domain.leads_until


def _prove(domain: Domain) -> Look | None:
    """Have a claim lead to its tenant where its TXT record is there; returns what is in the way."""
    if not find_proof(domain):
        return Look(HostState.UNPROVEN)
    try:
        lead_claim(domain)
    except Conflict:
        return Look(HostState.TAKEN)
    return None


def check_host(domain: Domain) -> Look:
    """Look at a host, and keep what was found and when. A claim that is shown to be right leads here from then on."""
    if not domain.is_claim and domain.proof_missed_at is not None:
        keep_proof(
            domain, find_proof(domain)
        )  # whoever has made the record again waits for no other day
    look = (_prove(domain) if domain.is_claim else None) or look_at(domain.domain)
    domain.checked_at, domain.check_outcome = timezone.now(), look.state
    with tenant_context(None):
        # Not `save`, which would make it the primary host again where another one has become it meanwhile.
        found = {"checked_at": domain.checked_at, "check_outcome": domain.check_outcome}
        Domain.objects.filter(pk=domain.pk).update(**found)
        audit.record(
            "domain.checked",
            tenant=domain.tenant,
            detail={"domain": domain.domain, "state": look.state.value},
            outcome=Outcome.DONE if look.state == HostState.READY else Outcome.FAILED,
        )
    return look


@door(OPEN_DOOR)
@require_safe
def show_word(request: HttpRequest) -> HttpResponse:
    """Answer what only this installation can, on whatever host: it tells that the host leads here, and no more."""
    word = _word_for(Arrival.of_request(request).host)
    return HttpResponse(word, content_type="text/plain", headers={"Cache-Control": "no-store"})


def _word_for(host: str) -> str:
    return salted_hmac("tenants.hosts", host.lower(), algorithm="sha256").hexdigest()
