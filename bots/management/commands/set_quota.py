"""Set or remove one of the operator's quotas of a tenant."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from bots.quotas.changing import platform_quotas, put_quota, remove_quotas
from bots.quotas.counting import plain_number
from bots.quotas.models import LARGEST_LIMIT, Quota, QuotaPeriod, QuotaResource, QuotaSubject
from minirag.lib.errors import BadInput
from tenants.commands import ProductCommand
from tenants.context import tenant_context
from tenants.provisioning import get_tenant


class Command(ProductCommand):
    help = "Set how much a tenant, one of its bots or API tokens may use up. The tenant sees it and cannot change it."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--resource", required=True, choices=QuotaResource.values)
        parser.add_argument("--period", choices=QuotaPeriod.values, default=QuotaPeriod.MONTH.value)
        parser.add_argument("--limit", metavar="NUMBER", help="without one, the quota is removed")
        parser.add_argument("--warning-percent", type=int, default=80, metavar="PERCENT")
        parser.add_argument("--bot", metavar="ID", help="for this bot alone")
        parser.add_argument("--token", metavar="ID", help="for this API token alone")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = get_tenant(options["tenant"])
        fields = read_options(options)
        with tenant_context(tenant):
            if options["limit"] is None:
                removed = remove_quotas(platform_quotas(fields))
                done = "removed" if removed else "not there"
            else:
                quota = put_quota(
                    {
                        **fields,
                        "limit": read_limit(options["limit"]),
                        "warning_percent": read_percent(options),
                    }
                )
                done = f"{plain_number(quota.limit)}"
        what = f"{fields['resource']} per {fields['period']} of this {fields['subject']}"
        self.say(f"{tenant.slug}: {what}: {done}.")


def read_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return which quota is meant. Raises BadInput."""
    if options["bot"] and options["token"]:
        raise BadInput("A quota is for a bot or for a token, not for both.")
    subject = (
        QuotaSubject.BOT
        if options["bot"]
        else QuotaSubject.TOKEN
        if options["token"]
        else QuotaSubject.TENANT
    )
    subject_id = options["bot"] or options["token"]
    try:
        key = UUID(subject_id) if subject_id else None
    except ValueError:
        raise BadInput(f"'{subject_id}' is no id.") from None
    return {
        "subject": subject.value,
        "subject_id": key,
        "resource": options["resource"],
        "period": options["period"],
    }


def read_limit(text: str) -> Decimal:
    try:
        limit = Decimal(text)
        _check("limit", limit)
    except (InvalidOperation, ValidationError):
        raise BadInput(f"--limit is a number from 0 to {LARGEST_LIMIT}.") from None
    return limit


def read_percent(options: dict[str, Any]) -> int:
    percent: int = options["warning_percent"]
    try:
        _check("warning_percent", percent)
    except ValidationError:
        raise BadInput("--warning-percent is a number from 1 to 100.") from None
    return percent


def _check(column: str, value: Any) -> None:
    field: Any = Quota._meta.get_field(column)
    field.run_validators(value)
