"""Second factors: getting one, proving oneself with it, and losing it."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from minirag.lib.errors import Conflict, NotAuthenticated
from minirag.lib.security.limits import Bound, check
from minirag.lib.security.rates import parse_rate
from tenants import audit
from tenants.context import PUBLIC_SCHEMA
from tenants.factors.models import RecoveryCode, SecondFactor
from tenants.models import Tenant, User
from tenants.people.changing import find_in_reach, people_locked


class CodeWrong(NotAuthenticated):
    """Not the code of now, or one that was used already."""

    code = "otp_wrong"

    def __init__(self) -> None:
        super().__init__(
            gettext_noop("This code is wrong, or was used already. Wait for the next one.")
        )


def needs_factor(user: User) -> bool:
    """Whether somebody has to have a second factor: their tenant says so, or the platform for everybody."""
    by_tenant = user.tenant is not None and user.tenant.second_factor_required
    return by_tenant or bool(settings.REQUIRE_SECOND_FACTOR)


def prove(user: User, code: str) -> None:
    """Use up a code of the device, or a recovery code. Raises CodeWrong, or TooManyRequests after many tries."""
    _count_try(user)
    factor = SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()
    if factor is None or not (
        factor.accepts(code.strip().replace(" ", "")) or RecoveryCode.use(user, code)
    ):
        raise CodeWrong


def begin(user: User) -> SecondFactor:
    """Give somebody without a second factor a key for their device. Raises Conflict (`second_factor_exists`)."""
    with (
        transaction.atomic()
    ):  # or a key of now would take the place of one that is confirmed at this moment
        user = User.objects.select_for_update(of=("self",)).select_related("tenant").get(pk=user.pk)
        if user.has_second_factor:
            raise Conflict(
                gettext("There is a second factor already."), code="second_factor_exists"
            )
        return SecondFactor.begin(user)


def confirm(user: User, code: str) -> list[str]:
    """Have the second factor count from now on; returns the recovery codes, which cannot be read again.

    Raises CodeWrong, Conflict (`second_factor_exists`, `second_factor_missing`).
    """
    _count_try(user)
    with transaction.atomic():
        user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
        factor = SecondFactor.objects.filter(user=user).first()
        if user.has_second_factor:
            raise Conflict(
                gettext("There is a second factor already."), code="second_factor_exists"
            )
        if factor is None:
            raise Conflict(
                gettext("Begin first: there is no key yet."), code="second_factor_missing"
            )
        if not factor.accepts(code.strip().replace(" ", "")):
            raise CodeWrong
        SecondFactor.objects.filter(pk=factor.pk).update(confirmed_at=timezone.now())
        User.objects.filter(pk=user.pk).update(has_second_factor=True)
        User.objects.end_jwts(user)  # they were made without it
        codes = RecoveryCode.renew(user)
        _note("second_factor_added", user, user)
    return codes


def renew_codes(user: User) -> list[str]:
    """Replace one's recovery codes. Raises Conflict (`second_factor_missing`)."""
    if not user.has_second_factor:
        raise Conflict(gettext("There is no second factor."), code="second_factor_missing")
    with transaction.atomic():
        codes = RecoveryCode.renew(user)
        _note("recovery_codes_renewed", user, user)
    return codes


def remove(user: User) -> None:
    """Give up one's own second factor. Raises Conflict (`second_factor_required`) where one has to have one."""
    if needs_factor(user):
        raise Conflict(
            gettext("Everybody here has to have a second factor."), code="second_factor_required"
        )
    with transaction.atomic():
        _forget(user)
        _note("second_factor_removed", user, user)


def reset(actor: User, tenant: Tenant | None, user_id: UUID) -> User:
    """Take somebody's second factor away, who has lost it. Raises NotFound, Forbidden."""
    with people_locked(tenant, actor) as actor:
        user = find_in_reach(actor, tenant, user_id)
        _forget(user)
        _note("second_factor_reset", actor, user)
    return user


def require_of_all(tenant: Tenant, *, required: bool) -> None:
    """Have everybody of a tenant need a second factor, or not. Who has none is led to get one."""
    if tenant.second_factor_required == required:
        return
    tenant.second_factor_required = required
    with transaction.atomic():
        tenant.save(update_fields=["second_factor_required", "updated_at"])
        changes = {"second_factor_required": [not required, required]}
        audit.record("tenant.changed", of=tenant, tenant=tenant, changes=changes)


def _forget(user: User) -> None:
    SecondFactor.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    User.objects.filter(pk=user.pk).update(has_second_factor=False)
    user.has_second_factor = False


def _count_try(user: User) -> None:
    bound = Bound(f"otp:{user.pk}", parse_rate(settings.LOGIN_LOCKOUT) or "", "codes")
    check([bound], scope=PUBLIC_SCHEMA, redis_url=settings.REDIS_URL, fail_closed=True)


def _note(what: str, actor: User, user: User) -> None:
    audit.record(
        f"user.{what}", actor=actor, tenant=user.tenant,
        detail={"user": user.email, "user_id": str(user.pk)},
    )  # fmt: skip
