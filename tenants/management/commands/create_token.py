"""Make an API token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from minirag.lib.errors import BadInput, NotFound
from tenants import audit
from tenants.commands import ProductCommand
from tenants.models import ApiToken, User, normalise_email
from tenants.provisioning import get_tenant


class Command(ProductCommand):
    help = "Make an API token with the rights of one of a tenant's users. It is printed once."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--email", required=True, help="whose rights the token has")
        parser.add_argument("--name", default="command line")
        parser.add_argument("--expires-days", type=int, metavar="DAYS", help="default: it does not expire")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant, days = get_tenant(options["tenant"]), options["expires_days"]
        if days is not None and not 1 <= days <= 3650:
            raise BadInput("--expires-days is a number from 1 to 3650.")
        user = User.objects.filter(tenant=tenant, email=normalise_email(options["email"]), is_active=True).first()
        if user is None:
            raise NotFound(f"{tenant.slug} has no active user '{options['email']}'.")
        expires_at = timezone.now() + timedelta(days=days) if days else None
        token, secret = ApiToken.objects.mint(user=user, name=options["name"], expires_at=expires_at)
        audit.record(
            "token.created", tenant=tenant, actor=self.actor, detail={"user": user.email, "prefix": token.token_prefix}
        )
        self.say(secret)
        self.stderr.write("This is the only time that the token is shown.")
