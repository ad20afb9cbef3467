"""A tenant's people: who may make, change and disable whom.

The API and the admin pages both come through here, so the same rules hold in both: managers manage, only owners touch
owners, a tenant never loses its last active owner, and nobody takes the rights away from himself. Changes to the
people of one tenant happen one after the other (its row is locked), so two owners who demote each other at the same
moment do not leave it without one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from minirag.lib.errors import Conflict, Forbidden, NotFound
from minirag.lib.security.passwords import check_password
from tenants import audit
from tenants.calls.permissions import require_manager_of
from tenants.due import DueKind, make_all_due
from tenants.models import ApiToken, EmailLink, Role, SsoIdentity, Tenant, User, normalise_email
from tenants.plans.holding import require_room_for_person


def outranks(user: User, actor: User) -> bool:
    """Whether `user` has rights that `actor` must not touch: only owners and operators reach owners."""
    return not actor.is_superuser and actor.role != Role.OWNER and user.role == Role.OWNER


def create_user(
    actor: User, tenant: Tenant, *, email: str, password: str, display_name: str = "", role: str = Role.MEMBER,
) -> User:  # fmt: skip
    """Make a user of a tenant.

    Raises PasswordWeak, Forbidden (`role_forbidden`, `owner_required`), or Conflict (`email_taken`) where the tenant
    has the e-mail.
    """
    user = User(tenant=tenant, email=normalise_email(email), display_name=display_name, role=role)
    check_password(password, user)
    user.set_password(password)
    insert_user(actor, user)
    return user


def require_reach(actor: User, user: User) -> None:
    """Raise Forbidden (`owner_required`) where `user` is an owner and `actor` may not make or touch one."""
    _require_owner_for(actor, user.role == Role.OWNER, gettext("make or change an owner"))


def find_in_reach(actor: User, tenant: Tenant | None, user_id: UUID) -> User:
    """Return somebody of a tenant whom the actor may change, or is. Raises NotFound, Forbidden (`owner_required`)."""
    user = User.objects.filter(tenant=tenant, pk=user_id).first()
    if user is None:
        raise NotFound(gettext("User not found"))
    if user.pk != actor.pk:
        require_reach(actor, user)
    return user


def insert_user(actor: User, user: User) -> None:
    """Save a new user, of a tenant or a platform operator, by the rules and with the errors of `create_user`."""
    with people_locked(user.tenant, actor) as actor, email_taken_is_a_conflict():
        _require_owner_for(actor, user.role == Role.OWNER, gettext("make an owner"))
        require_room_for_person(user.tenant)
        user.save(force_insert=True)
        _note("created", actor, user, role=user.role)


def change_user(
    actor: User, user_id: UUID, changes: dict[str, Any], *, tenant: Tenant | None, revoke_tokens: bool = False,
) -> User:  # fmt: skip
    """Change `email`, `display_name`, `role`, `is_active` or `password` of a user, whichever are given.

    A new password ends the user's JWTs and browser sessions; API tokens live on unless `revoke_tokens`. It ends links
    that were mailed, and so does another e-mail or a disabled account. Without a tenant it is a platform operator that
    is changed. Raises NotFound, PasswordWeak, Forbidden (`role_forbidden`, `owner_required`), NotInPlan, or Conflict
    (`email_taken`, `last_owner`, `own_account`).
    """
    changes = dict(changes)
    if "email" in changes:
        changes["email"] = normalise_email(changes["email"])
    if "password" in changes:  # outside of the transaction, since hashing is slow on purpose
        check_password(changes["password"], _as_it_will_be(user_id, changes, tenant))
        changes["password"] = make_password(changes["password"])
    with people_locked(tenant, actor) as actor, email_taken_is_a_conflict():
        user = (
            User.objects.select_for_update(of=("self",)).filter(tenant=tenant, pk=user_id).first()
        )
        if user is None:
            raise NotFound(gettext("User not found"))
        changes = {name: value for name, value in changes.items() if getattr(user, name) != value}
        _check_change(actor, user, changes)
        if changes.get("is_active") is True:
            require_room_for_person(tenant)
        old_role = user.role
        for name, value in changes.items():
            setattr(user, name, value)
        if changes:
            user.save(update_fields=[*changes, "updated_at"])
        if {"email", "password", "is_active"} & changes.keys():
            EmailLink.objects.revoke_of(user)
        if changes.get("is_active") is False:  # by whom they come in then, is settled anew
            SsoIdentity.objects.filter(user=user).delete()
        if tenant is not None and {"role", "is_active"} & changes.keys():
            make_all_due(tenant.pk, [DueKind.HANDOFFS])  # they may have answered in chats
        _note_changes(actor, user, changes, old_role)
        if revoke_tokens:
            count = ApiToken.objects.filter(user=user, is_active=True).update(is_active=False)
            _note("tokens_revoked", actor, user, count=count)
    return user


def _as_it_will_be(user_id: UUID, changes: dict[str, Any], tenant: Tenant | None) -> User:
    """Return a user with the changes that a new password must not resemble; nothing is stored."""
    user = User.objects.filter(tenant=tenant, pk=user_id).first()
    if user is None:
        raise NotFound(gettext("User not found"))
    user.email = changes.get("email", user.email)
    user.display_name = changes.get("display_name", user.display_name)
    return user


@contextmanager
def people_locked(tenant: Tenant | None, actor: User) -> Iterator[User]:
    """Run the body in a transaction that alone changes this tenant's people; yields `actor` as they are now.

    Raises Forbidden (`role_forbidden`) for an actor who is not a manager any more.
    """
    with transaction.atomic():
        if tenant is not None:  # "no key": whatever only refers to the tenant need not wait
            Tenant.objects.select_for_update(no_key=True).filter(pk=tenant.pk).first()
        fresh = User.objects.filter(pk=actor.pk).first()
        yield require_manager_of(tenant, fresh, "users")


@contextmanager
def email_taken_is_a_conflict() -> Iterator[None]:
    """Turn the breach of the constraint into the contract's 409."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "user_email_once_per_tenant" not in str(error):
            raise
        raise Conflict(
            gettext("A user with this email already exists in this tenant"), code="email_taken"
        ) from error


def _check_change(actor: User, user: User, changes: dict[str, Any]) -> None:
    if user.pk != actor.pk and changes:
        _require_owner_for(actor, outranks(user, actor), gettext("change an owner"))
    _require_owner_for(actor, changes.get("role") == Role.OWNER, gettext("make an owner"))
    loses_rights = changes.get("is_active") is False or "role" in changes
    if loses_rights and _is_last_owner(user):
        raise Conflict(
            gettext("The last active owner cannot be disabled or demoted"), code="last_owner"
        )
    if loses_rights and user.pk == actor.pk:
        raise Conflict(
            gettext("Somebody else has to change your role or disable your account"),
            code="own_account",
        )


def _require_owner_for(actor: User, needed: bool, what: str) -> None:
    if needed and not (actor.is_superuser or actor.role == Role.OWNER):
        raise Forbidden(gettext("Only owners can %(what)s") % {"what": what}, code="owner_required")


def _is_last_owner(user: User) -> bool:
    if user.role != Role.OWNER or not user.is_active or user.tenant_id is None:
        return False
    others = User.objects.filter(tenant_id=user.tenant_id, role=Role.OWNER, is_active=True).exclude(
        pk=user.pk
    )
    return not others.exists()


def _note_changes(actor: User, user: User, changes: dict[str, Any], old_role: str) -> None:
    if "is_active" in changes:
        _note("enabled" if user.is_active else "disabled", actor, user)
    if "role" in changes:
        _note("role_changed", actor, user, old=old_role, new=user.role)
    if "password" in changes:
        _note("password_set", actor, user)
    if others := sorted(changes.keys() - {"is_active", "role", "password"}):
        _note("changed", actor, user, fields=others)


def _note(what: str, actor: User, user: User, **detail: Any) -> None:
    audit.record(
        f"user.{what}", actor=actor, tenant=user.tenant,
        detail={"user": user.email, "user_id": str(user.pk), **detail},
    )  # fmt: skip
