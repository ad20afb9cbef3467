"""API tokens: make, replace and revoke them.

A token's rights are its user's present ones, cut down to those it names, its bot and its time. A caller who makes one
with a token can pass on what that token has and no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from minirag.lib.errors import BadInput, Conflict, Forbidden, NotFound
from minirag.lib.security.groups import fold_groups
from tenants import audit
from tenants.calls.permissions import INCLUDED, restricted
from tenants.models import ApiToken, Right, User
from tenants.people.changing import outranks

MAX_OVERLAP_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True)
class Grant:
    """What a token has of its user's rights. None named: all; no bot: every one; no expiry: until revoked.

    Groups are never its user's: those that are named, or with `names_groups` those that it names itself.
    """

    rights: tuple[str, ...] = ()
    bot_profile_id: UUID | None = None
    expires_at: datetime | None = None
    groups: tuple[str, ...] = ()
    names_groups: bool = False

    @classmethod
    def of(cls, token: ApiToken) -> Grant:
        return cls(
            tuple(token.rights), token.bot_profile_id, token.expires_at, tuple(token.groups), token.names_groups
        )  # fmt: skip

    def filled_up(self, maker: ApiToken | None) -> Grant:
        """This grant, with that of the token that makes one wherever nothing was asked for, but for groups."""
        if maker is None:
            return self
        return replace(
            self, rights=self.rights or tuple(maker.rights), bot_profile_id=self.bot_profile_id or maker.bot_profile_id,
            expires_at=self.expires_at or maker.expires_at,
        )  # fmt: skip


def mint_token(
    user: User, name: str, grant: Grant = Grant(), *, maker: ApiToken | None = None,
) -> tuple[ApiToken, str]:  # fmt: skip
    """Make a token for `user`; returns it with its secret, which cannot be read again.

    `maker` is the token that the caller came with; what is not asked for is inherited from it. Raises BadInput
    (`expiry_past`, `bot_not_found`) and Forbidden (`token_restricted`) for more than the maker has.
    """
    grant = grant.filled_up(maker)
    _require_within(grant, maker)
    if grant.expires_at is not None and grant.expires_at <= timezone.now():
        raise BadInput(gettext("expires_at is in the past"), code="expiry_past")
    if grant.bot_profile_id is not None and not _has_bot(user, grant.bot_profile_id):
        raise BadInput(
            gettext("Bot profile not found or belongs to a different tenant"), code="bot_not_found"
        )
    with transaction.atomic():
        token, secret = _create(user, name, grant, rate=maker.rate if maker else "")
        _note("created", token)
    return token, secret


def rotate_token(
    token_id: UUID, overlap_seconds: int, *, actor: User, maker: ApiToken | None = None,
) -> tuple[ApiToken, str]:  # fmt: skip
    """Replace a token by a new one with the same user and rights; the old one works `overlap_seconds` longer.

    Returns the new token with its secret. The caller has made sure that `actor` may see the token. Raises NotFound,
    Conflict (`token_inactive`, `token_rotated`), Forbidden (`owner_required` for an owner's token, `token_restricted`
    for one with more rights than `maker`).
    """
    with transaction.atomic():
        old = (
            ApiToken.objects.select_for_update(of=("self",))
            .select_related("user")
            .filter(pk=token_id)
            .first()
        )
        if old is None:
            raise NotFound(gettext("Token not found"))
        if old.user_id != actor.pk and outranks(old.user, actor):
            raise Forbidden(
                gettext("Only owners can hold the token of an owner"), code="owner_required"
            )
        _require_within(Grant.of(old), maker)
        if not old.is_active or old.is_expired or not old.user.is_active:
            raise Conflict(
                gettext("This token does not work any more, so it cannot be rotated"),
                code="token_inactive",
            )
        if old.replaced_by_id is not None:
            raise Conflict(gettext("This token was rotated already"), code="token_rotated")
        new, secret = _create(
            old.user, old.name, Grant.of(old), rate=old.rate, family_id=old.family
        )
        old.replace(new, timedelta(seconds=overlap_seconds))
        _note(
            "rotated",
            old,
            new_prefix=new.token_prefix,
            overlap_seconds=overlap_seconds,
        )
    return new, secret


def revoke_token(token: ApiToken) -> None:
    """Stop a token at once; it stays listed. Again is fine."""
    if token.is_active:
        with transaction.atomic():
            token.revoke()
            _note("revoked", token)


def covers(held: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether rights include others, each written as a token has them: none is all."""
    held, wanted = set(held), set(wanted) or set(Right)
    return not held or wanted <= {each for right in held for each in INCLUDED.get(right, ())}


def _require_within(grant: Grant, maker: ApiToken | None) -> None:
    if maker is None:
        return
    other_bot = maker.bot_profile_id is not None and grant.bot_profile_id != maker.bot_profile_id
    outlives = maker.expires_at is not None and (
        grant.expires_at is None or grant.expires_at > maker.expires_at
    )
    other_groups = not maker.names_groups and (
        grant.names_groups or not set(grant.groups) <= set(maker.groups)
    )
    if other_bot or outlives or other_groups or not covers(maker.rights, grant.rights):
        raise restricted(
            "A token cannot make one that may do more, is for more groups, reaches another bot or lives longer than "
            "itself."
        )


def _has_bot(user: User, bot_profile_id: UUID) -> bool:
    return user.tenant is not None and user.tenant.bot_addresses.filter(pk=bot_profile_id).exists()


def _create(
    user: User, name: str, grant: Grant, *, rate: str, family_id: UUID | None = None
) -> tuple[ApiToken, str]:
    return ApiToken.objects.mint(
        user=user, name=name, rights=[right for right in Right.values if right in grant.rights],
        bot_profile_id=grant.bot_profile_id, expires_at=grant.expires_at, rate=rate, family_id=family_id,
        groups=fold_groups(grant.groups), names_groups=grant.names_groups,
    )  # fmt: skip


def _note(
    what: str,
    token: ApiToken,
    **detail: object,
) -> None:
    audit.record(
        f"token.{what}", tenant=token.tenant,
        detail={
            "id": str(token.pk), "prefix": token.token_prefix, "name": token.name, "user": token.user.email,
            "scopes": token.rights, "groups": token.groups, "names_groups": token.names_groups, **detail,
        },
    )  # fmt: skip
