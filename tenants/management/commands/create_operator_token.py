"""Make a token for the operator's programs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from minirag.lib.errors import BadInput, NotFound
from tenants import audit
from tenants.commands import ProductCommand
from tenants.models import User, normalise_email
from tenants.platform.operators import mint_operator_token


class Command(ProductCommand):
    help = (
        "Make a token for /v1/platform with the rights of a platform operator. It is printed once."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--email", required=True, help="the platform operator")
        parser.add_argument("--name", default="command line")
        parser.add_argument(
            "--read-only", action="store_true", help="it may look and not change anything"
        )
        parser.add_argument(
            "--expires-days", type=int, metavar="DAYS", help="default: it does not expire"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["expires_days"]
        if days is not None and not 1 <= days <= 3650:
            raise BadInput("--expires-days is a number from 1 to 3650.")
        user = User.objects.filter(
            tenant__isnull=True, email=normalise_email(options["email"]), is_active=True
        ).first()
        if user is None:
            raise NotFound(f"There is no active platform operator '{options['email']}'.")
        expires_at = timezone.now() + timedelta(days=days) if days else None
        token, secret = mint_operator_token(
            user, options["name"], is_read_only=options["read_only"], expires_at=expires_at
        )
        audit.record(
            "operator_token.created",
            detail={"user": user.email, "prefix": token.token_prefix},
        )
        self.say(secret)
        self.stderr.write("This is the only time that the token is shown.")
