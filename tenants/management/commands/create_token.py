"""Make an API token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone

from minirag.lib.errors import BadInput, NotFound
from minirag.lib.security.groups import fold_groups
from tenants.commands import ProductCommand
from tenants.models import ApiToken, Right, User, normalise_email
from tenants.provisioning import get_tenant
from tenants.tokens.changing import Grant, mint_token


class Command(ProductCommand):
    help = "Make an API token with the rights of one of a tenant's users. It is printed once."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--email", required=True, help="whose rights the token has")
        parser.add_argument("--name", default="command line")
        parser.add_argument(
            "--scopes",
            metavar="SCOPES",
            help="chat, read, manage; several with commas; default: all",
        )
        parser.add_argument(
            "--bot", metavar="ID", help="the id of the only bot that it is good for"
        )
        parser.add_argument(
            "--groups", default="", metavar="GROUPS",
            help="in which groups its askers are; several with commas; default: none",
        )  # fmt: skip
        parser.add_argument(
            "--names-groups", action="store_true",
            help="it may say itself with each question in which groups its visitor is",
        )  # fmt: skip
        parser.add_argument(
            "--expires-days", type=int, metavar="DAYS", help="default: it does not expire"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tenant, days = get_tenant(options["tenant"]), options["expires_days"]
        if days is not None and not 1 <= days <= 3650:
            raise BadInput("--expires-days is a number from 1 to 3650.")
        user = User.objects.filter(
            tenant=tenant, email=normalise_email(options["email"]), is_active=True
        ).first()
        if user is None:
            raise NotFound(f"{tenant.slug} has no active user '{options['email']}'.")
        expires_at = timezone.now() + timedelta(days=days) if days else None
        grant = Grant(
            read_rights(options["scopes"]), read_bot(options["bot"]), expires_at,
            read_groups(options["groups"]), options["names_groups"],
        )  # fmt: skip
        _, secret = mint_token(user, options["name"], grant)
        self.say(secret)
        self.stderr.write("This is the only time that the token is shown.")


def read_rights(text: str | None) -> tuple[str, ...]:
    rights = tuple(right.strip() for right in text.split(",")) if text is not None else ()
    if not set(rights) <= set(Right.values):
        raise BadInput("--scopes are chat, read or manage, several with commas.")
    return rights


def read_groups(text: str) -> tuple[str, ...]:
    groups = fold_groups(text.split(","))
    column: Any = ApiToken._meta.get_field("groups")
    try:
        column.run_validators(groups)
    except ValidationError as error:
        raise BadInput(f"--groups: {' '.join(error.messages)}") from None
    return tuple(groups)


def read_bot(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text is not None else None
    except ValueError:
        raise BadInput("--bot is the id of a bot.") from None
