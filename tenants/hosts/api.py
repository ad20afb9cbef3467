"""`/v1/tenants/me/hosts`: the tenant's own hosts, and whether they lead here."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from minirag.lib.database import OUTBOUND
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit
from tenants.context import require_tenant
from tenants.hosts.changing import (
    add_own_host,
    find_host,
    hosts_of,
    make_primary,
    remove_host,
)
from tenants.hosts.checking import HostState, check_host, proof_of
from tenants.hosts.schemas import CheckedHostSchema, HostListSchema, HostSchema, NewHost
from tenants.models import Domain

_HOST = {"host": str}


class HostView(ApiView):
    permission_classes = (HasTenant, permit("the tenant's settings"))


class HostList(HostView):
    @describe("List the tenant's hosts", answers={200: HostListSchema})
    def get(self, request: Request) -> dict[str, Any]:
        return {"items": [_show(each) for each in hosts_of(require_tenant())]}

    @describe(
        "Add a host", body=NewHost, answers={201: HostSchema}, example={"host": "help.acme.example.com"},
        description="It is claimed. It leads to the tenant from the check on that finds `proof_content` in a TXT "
        "record of `proof_name`; others may claim it until then. The first that leads here is the primary one.",
        errors={409: "The tenant has it, it leads to another one, or is the installation's own."},
    )  # fmt: skip
    def post(self, request: Request, body: NewHost) -> dict[str, Any]:
        return _show(add_own_host(require_tenant(), body.host))


class HostDetail(HostView):
    @describe("Show a host", path=_HOST, answers={200: HostSchema})
    def get(self, request: Request, host: str) -> dict[str, Any]:
        return _show(find_host(require_tenant(), host))

    @describe("Remove a host", path=_HOST, answers={204: None})
    def delete(self, request: Request, host: str) -> None:
        remove_host(find_host(require_tenant(), host))


class HostCheck(HostView):
    thread_pool = OUTBOUND

    @describe(
        "Check a host", path=_HOST, answers={200: CheckedHostSchema},
        description="A claimed one is looked for in the DNS, and leads here once its TXT record is there. Then its "
        "name is looked up and it is asked over https, within seconds. What does not work is an answer, no error.",
    )  # fmt: skip
    def post(self, request: Request, host: str) -> dict[str, Any]:
        domain = find_host(require_tenant(), host)
        look = check_host(domain)
        return {**_show(domain), "addresses": list(look.addresses)}


class HostPrimary(HostView):
    @describe(
        "Make a host the primary one", path=_HOST, answers={200: HostSchema}, errors={409: "It is only claimed."},
    )  # fmt: skip
    def post(self, request: Request, host: str) -> dict[str, Any]:
        domain = find_host(require_tenant(), host)
        make_primary(domain)
        return _show(domain)


def _show(domain: Domain) -> dict[str, Any]:
    state = HostState(domain.check_outcome) if domain.check_outcome else None
    proof_name, proof_content = proof_of(domain)
    return {
        "host": domain.domain, "is_claim": domain.is_claim, "proof_name": proof_name, "proof_content": proof_content,
        "leads_until": domain.leads_until, "is_primary": domain.is_primary,
        "checked_at": domain.checked_at, "state": state,
        "advice": str(state.label) if state else "", "created_at": domain.created_at,
    }  # fmt: skip
