"""Find and mend drift between a tenant's rows, its files and its index."""

from __future__ import annotations

import sys
from typing import Any

from conversations.reconciling import reconcile_conversations
from knowledge.indexing.upkeep.reconciling import Finding, reconcile_knowledge
from minirag.tasks import repair_tenant
from tenants.audit import record
from tenants.commands import ProductCommand
from tenants.context import tenant_context
from tenants.provisioning import get_tenant


class Command(ProductCommand):
    help = "Find and mend drift between a tenant's rows, its files and its index, and say what was found."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--tenant", required=True, help="the tenant's slug")
        parser.add_argument("--check", action="store_true", help="look, and change nothing")

    def handle(self, *, tenant: str, check: bool, **options: Any) -> None:
        with tenant_context(get_tenant(tenant)):
            found = reconcile_all(mend=not check)
            if found and not check:
                facts = {finding.what: finding.count for finding in found}
                record("tenant.reconciled", detail=facts)
        for finding in found:
            outcome = "mended" if finding.is_mended else "found" if check else "cannot be mended"
            self.say(f"{finding.count:>7}  {finding.what}: {outcome}")
        if not found:
            self.say(f"{tenant}: rows, files and index agree.")
        if any(not finding.is_mended for finding in found):
            sys.exit(1)


def reconcile_all(*, mend: bool) -> list[Finding]:
    """Look at everything of the current tenant."""
    found = [*reconcile_knowledge(mend=mend), *reconcile_conversations(mend=mend)]
    missing = repair_tenant(mend=mend)
    return (
        [*found, Finding("reminders of due work that were missing", missing, mend)]
        if missing
        else found
    )
