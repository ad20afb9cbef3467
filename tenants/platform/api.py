"""`/v1/platform`: an operator's programs run tenants, with tokens of their own; and the audit log of both levels."""

from __future__ import annotations

from typing import Any, Literal

from django.http import Http404
from django.utils.translation import gettext
from rest_framework.request import Request

from minirag.lib.database import PASSWORDS
from minirag.lib.errors import BadInput
from minirag.lib.http_in.answering import Returned
from minirag.lib.http_in.doors import Door, Proof, fields_body
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, paginate
from minirag.lib.http_in.rest import ApiView, read_body
from tenants.models import OperatorToken, Tenant
from tenants.platform.lifecycle import ACTS, change_matching, change_tenants
from tenants.platform.maintenance import begin_maintenance, end_maintenance
from tenants.platform.operators import MayOperate, OperatorAuthentication
from tenants.platform.queues import list_queues
from tenants.platform.schemas import (
    BulkChange,
    ChangedTenantsSchema,
    Erasure,
    MaintenanceSchema,
    MatchingChange,
    NewMaintenance,
    NewPlatformTenant,
    PlatformTenantPageSchema,
    PlatformTenantSchema,
    PreviewQuery,
    ProvisionedTenantSchema,
    QueuesSchema,
    StatusChange,
    TenantChanges,
    TenantPreviewSchema,
    TenantQuery,
)
from tenants.provisioning import (
    change_tenant,
    erase_tenant,
    get_tenant,
    provision_tenant,
    require_archived,
)

NO_PLATFORM = {404: "This is a tenant's path or host."}
UNKNOWN = {404: "No such tenant."}
SLUG = {"slug": str}
ACT = {"act": Literal["archive", "suspend", "restore"]}


class PlatformView(ApiView):
    """A route of the platform's own host: on a tenant's path or host there is nothing of the kind."""

    door = Door(Proof.OPERATOR, fields_body)
    authentication_classes = (OperatorAuthentication,)
    permission_classes = (MayOperate,)

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        is_elsewhere = getattr(request._request, "tenant", None) is not None
        if is_elsewhere or kwargs.get("act", ACTS[0]) not in ACTS:
            raise Http404
        super().initial(request, *args, **kwargs)

    def actor(self, request: Request) -> str:
        token = request.auth
        return (
            f"{token.user.email} ({token.token_prefix})" if isinstance(token, OperatorToken) else ""
        )


class PlatformTenantList(PlatformView):
    thread_pool = PASSWORDS  # a new tenant costs a hash

    @describe(
        "List tenants",
        query=TenantQuery,
        answers={200: PlatformTenantPageSchema},
        errors=NO_PLATFORM,
    )
    def get(self, request: Request, query: TenantQuery) -> Page[Tenant]:
        found = query.selection.find()
        return paginate(found, query).counted(found.count())

    @describe(
        "Provision a tenant", body=NewPlatformTenant,
        answers={201: ProvisionedTenantSchema, 200: ProvisionedTenantSchema}, errors=NO_PLATFORM,
        example={
            "slug": "initech", "name": "Initech", "owner_email": "iris@initech.example.com",
            "owner_password": "correct horse battery",
        },
    )  # fmt: skip
    def post(self, request: Request, body: NewPlatformTenant) -> Returned:
        existing = Tenant.objects.filter(slug=body.slug).first()
        if (
            existing is not None
        ):  # asked again, for example after a broken connection: nothing is overwritten
            return Returned({"tenant": existing, "created": False, "api_token": None}, status=200)
        made = provision_tenant(
            name=body.name, slug=body.slug, owner_email=body.owner_email, owner_password=body.owner_password,
            owner_display_name=body.owner_display_name, actor=self.actor(request),
        )  # fmt: skip
        said = body.model_dump(include={"plan", "description", "metadata"}, exclude_unset=True)
        if said:
            change_tenant(made.tenant, said, actor=self.actor(request))
        return Returned({"tenant": made.tenant, "created": True, "api_token": made.raw_token})


class PlatformTenantDetail(PlatformView):
    @describe("Show a tenant", path=SLUG, answers={200: PlatformTenantSchema}, errors=UNKNOWN)
    def get(self, request: Request, slug: str) -> Tenant:
        return get_tenant(slug)

    @describe(
        "Change a tenant", path=SLUG, body=TenantChanges, answers={200: PlatformTenantSchema}, errors=UNKNOWN,
        example={"plan": "pro", "metadata": {"crm_id": 7}},
    )  # fmt: skip
    def patch(self, request: Request, slug: str, body: TenantChanges) -> Tenant:
        changes = body.model_dump(exclude_unset=True)
        tenant = get_tenant(slug)
        if changes:
            change_tenant(tenant, changes, actor=self.actor(request))
        return tenant

    @describe(
        "Erase a tenant", path=SLUG, body=Erasure, answers={204: None}, example={"confirm": "acme"},
        errors=UNKNOWN | {409: "Only an archived tenant can be erased."},
    )  # fmt: skip
    def delete(self, request: Request, slug: str, body: Erasure) -> None:
        """Erase a tenant that is archived already; the slug has to be repeated."""
        tenant = require_archived(get_tenant(slug))
        if body.confirm != slug:
            raise BadInput(
                gettext("confirm must be the tenant's slug."), code="confirmation_required"
            )
        erase_tenant(tenant, actor=self.actor(request))


class PlatformTenantStatus(PlatformView):
    """POST /platform/tenants/{slug}/archive, /suspend, /restore."""

    http_method_names = ["post"]

    @describe(
        "Archive, suspend or restore a tenant", path=SLUG | ACT, body=StatusChange, answers={200: PlatformTenantSchema},
        errors=UNKNOWN, example={"reason": "the contract ended"},
    )  # fmt: skip
    def post(self, request: Request, slug: str, act: str) -> Tenant:
        body = read_body(StatusChange, request) if request._request.body else StatusChange()
        (tenant,) = change_tenants(
            act, [get_tenant(slug).slug], reason=body.reason, actor=self.actor(request)
        )
        return tenant


_MAINTENANCE = {"message": "We move to new machines.", "minutes": 30}


class PlatformTenantMaintenance(PlatformView):
    @describe(
        "Put a tenant into maintenance", path=SLUG, body=NewMaintenance, answers={200: MaintenanceSchema},
        errors=UNKNOWN, example=_MAINTENANCE,
        description="What would change anything, and questions, are answered with 503 `maintenance` and `Retry-After`.",
    )  # fmt: skip
    def put(self, request: Request, slug: str, body: NewMaintenance) -> dict[str, Any]:
        tenant, facts = get_tenant(slug), body.model_dump()
        until = begin_maintenance(tenant, actor=self.actor(request), **facts)
        return {"until": until, "tenants": 1}

    @describe(
        "End a tenant's maintenance", path=SLUG, answers={200: MaintenanceSchema}, errors=UNKNOWN
    )
    def delete(self, request: Request, slug: str) -> dict[str, Any]:
        ended = end_maintenance(get_tenant(slug), actor=self.actor(request))
        return {"until": None, "tenants": ended}


class PlatformMaintenance(PlatformView):
    @describe(
        "Put all tenants into maintenance", body=NewMaintenance, answers={200: MaintenanceSchema}, errors=NO_PLATFORM,
        example=_MAINTENANCE, description="But those that are in one of their own.",
    )  # fmt: skip
    def put(self, request: Request, body: NewMaintenance) -> dict[str, Any]:
        until = begin_maintenance(None, actor=self.actor(request), **body.model_dump())
        return {"until": until, "tenants": Tenant.objects.filter(maintenance_of_all=True).count()}

    @describe("End the maintenance of all", answers={200: MaintenanceSchema}, errors=NO_PLATFORM)
    def delete(self, request: Request) -> dict[str, Any]:
        return {"until": None, "tenants": end_maintenance(None, actor=self.actor(request))}


class PlatformQueues(PlatformView):
    @describe(
        "Show the tenants' queues", answers={200: QueuesSchema}, errors=NO_PLATFORM,
        description="Of the work that takes long: ingestions, re-embeddings, exports and evaluation runs. Tenants with "
        "nothing waiting and nothing at work are left out; the longest queue comes first.",
    )  # fmt: skip
    def get(self, request: Request) -> dict[str, Any]:
        queues = list_queues()
        return {
            "items": queues, "waiting": sum(queue.waiting for queue in queues),
            "running": sum(queue.running for queue in queues),
        }  # fmt: skip


class BulkPreview(PlatformView):
    @describe(
        "Preview a selection",
        query=PreviewQuery,
        answers={200: TenantPreviewSchema},
        errors=NO_PLATFORM,
    )
    def get(self, request: Request, query: PreviewQuery) -> dict[str, Any]:
        found = query.selection.find()
        sample = list(found.order_by("slug")[: query.sample_limit])
        return {"total": found.count(), "sample_count": len(sample), "tenants": sample}


class BulkByName(PlatformView):
    """POST /platform/bulk/archive, /suspend, /restore."""

    @describe(
        "Change named tenants", path=ACT, body=BulkChange, answers={200: ChangedTenantsSchema},
        errors={404: "One of the tenants is not there, and none was changed."}, example={"slugs": ["acme"]},
    )  # fmt: skip
    def post(self, request: Request, act: str, body: BulkChange) -> dict[str, Any]:
        return _report(
            act, change_tenants(act, body.slugs, reason=body.reason, actor=self.actor(request))
        )


class BulkMatching(PlatformView):
    """POST /platform/bulk/archive-matching, /suspend-matching, /restore-matching."""

    @describe(
        "Change matching tenants", path=ACT, body=MatchingChange, answers={200: ChangedTenantsSchema},
        errors=NO_PLATFORM | {400: "confirm is not true.", 409: "Not as many match as were expected."},
        example={"q": "acme", "expected_total": 1, "confirm": True},
    )  # fmt: skip
    def post(self, request: Request, act: str, body: MatchingChange) -> dict[str, Any]:
        changed = change_matching(
            act, body.selection, expected_total=body.expected_total, confirm=body.confirm, reason=body.reason,
            actor=self.actor(request),
        )  # fmt: skip
        return _report(act, changed)


def _report(act: str, tenants: list[Tenant]) -> dict[str, Any]:
    return {"action": act, "updated_count": len(tenants), "tenants": tenants}
