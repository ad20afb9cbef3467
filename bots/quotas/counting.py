"""Quotas: how much a tenant, a bot or an API token may use up in a day, a month or altogether.

A turn goes through here twice. `reserve_turn` counts its question before anything happens, in the transaction that
stores the question: the counters are locked rows, so of many questions at once exactly as many pass as there is room
for, and a refused one leaves no trace. Tokens and money are known only afterwards, so a turn is refused once they are
used up, and the turn that crosses the line is finished; `settle_turn` adds them in the transaction that stores the
answer, and gives the question back where the turn failed.

Days and months are those of the tenant's time zone. A counter begins with what was metered since its period began,
so a quota that is set in the middle of a month counts the month; one for an API token counts from its first use.

Crossing the warning level or the limit is told once per period, and again where a new limit has made room in between
(`forget_crossings`) or what was stored has been taken away. It is returned to the caller, who tells the webhooks:
`webhooks` is a layer above.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from bots.models import BotProfile, UsageEvent
from bots.quotas.metered import Metered
from bots.quotas.models import (
    Quota,
    QuotaResource,
    QuotaSubject,
    QuotaUse,
    SharedStorage,
)
from bots.quotas.refusing import make_refusal
from minirag.lib.periods import end_of, start_of
from minirag.lib.rows import FixedQuery, FixedStatement, fetch_together
from tenants.context import require_tenant

_SPENT = (QuotaResource.TOKENS, QuotaResource.COST)


@dataclass(frozen=True)
class Crossing:
    """A quota came to its warning level, or to its limit (`is_reached`); `payload` is what webhooks are told."""

    is_reached: bool
    payload: dict[str, Any]


@dataclass(frozen=True)
class Reservation:
    """A question that was counted: for whom, in which counters, and what that crossed."""

    bot_profile_id: uuid.UUID
    token_id: uuid.UUID | None = None
    counted: tuple[int, ...] = ()
    crossings: tuple[Crossing, ...] = ()


@dataclass(frozen=True)
class Standing:
    """How much of a quota is used now. `used` of `stored_bytes` is what is stored."""

    used: Decimal
    resets_at: datetime | None


def reserve_turn(
    bot_profile_id: uuid.UUID, token_id: uuid.UUID | None = None, *, now: datetime | None = None
) -> Reservation:
    """Count one question, as the last step of the caller's transaction; locks the counters until it ends.

    Raises QuotaExceeded or BudgetExceeded, and has counted nothing then once the transaction is rolled back.
    """
    now = now or timezone.now()
    quotas = _find_quotas(bot_profile_id, token_id, (QuotaResource.MESSAGES, *_SPENT))
    uses = _lock_uses(quotas, now)
    full = [
        use.quota for use in uses if use.used + _step(use.quota) > use.quota.limit or _is_spent(use)
    ]
    if full:
        raise make_refusal(full, now)
    counted = [use for use in uses if use.quota.resource == QuotaResource.MESSAGES]
    crossings = _add(counted, lambda use: Decimal(1), now)
    return Reservation(bot_profile_id, token_id, tuple(use.pk for use in counted), tuple(crossings))


def settle_turn(
    reservation: Reservation,
    events: Sequence[UsageEvent],
    *,
    is_failed: bool = False,
    now: datetime | None = None,
) -> list[Crossing]:
    """Add what a turn has spent, in the transaction that metered it, and give its question back if it failed."""
    returned = reservation.counted if is_failed else ()
    return _spend(events, reservation.token_id, now or timezone.now(), returned)


def spend(
    events: Sequence[UsageEvent], *, token_id: uuid.UUID | None = None, now: datetime | None = None
) -> list[Crossing]:
    """Add what one bot's calls have used, in the transaction that `record_usage` metered them in."""
    return _spend(events, token_id, now or timezone.now())


def _spend(
    events: Sequence[UsageEvent],
    token_id: uuid.UUID | None,
    now: datetime,
    returned: Sequence[int] = (),
) -> list[Crossing]:
    """Add what was used, and give a question back to the counters `returned`."""
    amounts = {
        QuotaResource.TOKENS: Decimal(sum(event.total_tokens for event in events)),
        QuotaResource.COST: sum((Decimal(str(event.cost_usd)) for event in events), Decimal(0)),
    }
    resources = [resource for resource, amount in amounts.items() if amount]
    quotas = _find_quotas(events[0].bot_profile_id, token_id, resources) if resources else []
    uses = _lock_uses(quotas, now, besides=[event.pk for event in events], also=returned)
    if returned:
        QuotaUse.objects.filter(pk__in=returned, used__gt=0).update(used=F("used") - 1)
    return _add(uses, lambda use: amounts[QuotaResource(use.quota.resource)], now)


def require_spendable(
    bot_profile_id: uuid.UUID, *, token_id: uuid.UUID | None = None, now: datetime | None = None
) -> None:
    """Refuse work other than turns that costs tokens or money, once these are used up.

    Raises QuotaExceeded or BudgetExceeded.
    """
    now = now or timezone.now()
    quotas = _find_quotas(bot_profile_id, token_id, _SPENT)
    standings = find_standings(quotas, now=now)
    full = [quota for quota in quotas if standings[quota.pk].used >= quota.limit]
    if full:
        raise make_refusal(full, now)


def count_storage(
    bot_profile_id: uuid.UUID | None, added: int, *, now: datetime | None = None
) -> list[Crossing]:
    """Add bytes to what a bot stores, or take them away (`added` < 0), in the caller's transaction.

    None is for what is shared and belongs to no bot: only the tenant's quotas count it.
    Raises QuotaExceeded where there is no room for them. What is stored already is never taken away.
    """
    now = now or timezone.now()
    quotas = _find_quotas(bot_profile_id, None, (QuotaResource.STORAGE,))
    uses = _lock_uses(quotas, now)
    holder = _lock_holder(bot_profile_id)
    holder.stored_bytes = max(0, holder.stored_bytes + added)
    holder.save(update_fields=["stored_bytes"])
    standings = find_standings(quotas, now=now)
    full = [quota for quota in quotas if standings[quota.pk].used > quota.limit]
    if full and added > 0:
        raise make_refusal(full, now)
    return _set(uses, {use.pk: standings[use.quota_id].used for use in uses}, now)


def correct_storage(bot_profile_id: uuid.UUID | None, size: int) -> None:
    """Write down what a bot, or (None) the shared sources of no bot, really store, whatever the quotas say."""
    now = timezone.now()
    quotas = _find_quotas(bot_profile_id, None, (QuotaResource.STORAGE,))
    uses = _lock_uses(quotas, now)
    holder = _lock_holder(bot_profile_id)
    holder.stored_bytes = size
    holder.save(update_fields=["stored_bytes"])
    standings = find_standings(quotas, now=now)
    _set(uses, {use.pk: standings[use.quota_id].used for use in uses}, now)


def _lock_holder(bot_profile_id: uuid.UUID | None) -> BotProfile | SharedStorage:
    if bot_profile_id is not None:
        return (
            BotProfile.objects.select_for_update(no_key=True)
            .only("pk", "stored_bytes")
            .get(pk=bot_profile_id)
        )
    SharedStorage.objects.bulk_create([SharedStorage()], ignore_conflicts=True)
    return SharedStorage.objects.select_for_update().get()


def require_storage(
    bot_profile_id: uuid.UUID | None, added: int, *, now: datetime | None = None
) -> None:
    """Refuse what `count_storage` would refuse, without counting it. Raises QuotaExceeded."""
    now = now or timezone.now()
    quotas = _find_quotas(bot_profile_id, None, (QuotaResource.STORAGE,))
    standings = find_standings(quotas, now=now)
    full = [quota for quota in quotas if standings[quota.pk].used + added > quota.limit]
    if full:
        raise make_refusal(full, now)


def find_standings(
    quotas: Sequence[Quota], *, now: datetime | None = None
) -> dict[uuid.UUID, Standing]:
    """Return what is used of each quota in its present period, in a few queries however many they are."""
    now, zone = now or timezone.now(), require_tenant().time_zone
    starts = {quota.pk: start_of(quota.period, now, zone) for quota in quotas}
    stored = {(use.quota_id, use.starts_at): use.used for use in _uses_of(starts)}
    used = Metered()
    return {
        quota.pk: Standing(
            used.stored(quota) if quota.resource == QuotaResource.STORAGE
            else stored[key] if (key := (quota.pk, starts[quota.pk])) in stored
            else used.since(starts[quota.pk], quota),
            end_of(quota.period, now, zone),
        )
        for quota in quotas
    }  # fmt: skip


QUOTAS = FixedQuery(
    lambda bot_profile_id, token_id: Quota.objects.filter(
        Q(subject=QuotaSubject.TENANT)
        | Q(subject=QuotaSubject.BOT, subject_id=bot_profile_id)
        | Q(subject=QuotaSubject.TOKEN, subject_id=token_id)
    ).order_by("pk"),
    uuid.UUID,
    uuid.UUID,
)
"""Those that count for a bot and an API token: what `reserve_turn` and `settle_turn` ask."""


# Django has no FOR KEY SHARE; without it a quota that is removed at this moment would fail the chat turn, whose new
# counter could not be committed.
_STANDING = FixedStatement(
    f"SELECT id FROM {Quota._meta.db_table} WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE"  # noqa: S608
)


def _find_quotas(
    bot_profile_id: uuid.UUID | None, token_id: uuid.UUID | None, resources: Iterable[QuotaResource]
) -> list[Quota]:
    wanted = set(resources)
    return [each for each in QUOTAS.fetch(bot_profile_id, token_id) if each.resource in wanted]


def _uses_of(starts: dict[uuid.UUID, datetime]) -> Any:
    return QuotaUse.objects.filter(quota__in=list(starts), starts_at__in=set(starts.values()))


def _lock_uses(
    quotas: Sequence[Quota],
    now: datetime,
    besides: Sequence[uuid.UUID] = (),
    also: Sequence[int] = (),
) -> list[QuotaUse]:
    """Lock the counters of these quotas' present periods, in one order for everybody, and return them.

    Other counters that the caller will change (`also`) are locked with them, not before and not after. One that is
    missing is made, unless its quota has gone, and begins with what was metered `besides` the events of the caller.
    """
    if not quotas and not also:
        return []
    zone, by_id = require_tenant().time_zone, {quota.pk: quota for quota in quotas}
    starts = {quota.pk: start_of(quota.period, now, zone) for quota in quotas}
    there = set(_uses_of(starts).values_list("quota_id", "starts_at"))
    missing = [(pk, start) for pk, start in starts.items() if (pk, start) not in there]
    if missing:
        [standing] = fetch_together((_STANDING, [pk for pk, _ in missing]))
        missing = [(pk, start) for pk, start in missing if (pk,) in standing]
        # Made before any is locked: who waits here for another's insert holds nothing that the other could want.
        used = Metered(besides)
        QuotaUse.objects.bulk_create(
            [
                QuotaUse(quota_id=pk, starts_at=start, used=used.since(start, by_id[pk]))
                for pk, start in missing
            ],
            ignore_conflicts=True,
        )
    wanted = Q(quota__in=list(starts), starts_at__in=set(starts.values())) | Q(pk__in=also)
    locked = list(QuotaUse.objects.filter(wanted).select_for_update().order_by("pk"))
    uses = [use for use in locked if starts.get(use.quota_id) == use.starts_at]
    for use in uses:
        use.quota = by_id[use.quota_id]
    return uses


def _step(quota: Quota) -> int:
    return 1 if quota.resource == QuotaResource.MESSAGES else 0


def _is_spent(use: QuotaUse) -> bool:
    return use.quota.resource != QuotaResource.MESSAGES and use.used >= use.quota.limit


def _add(
    uses: Sequence[QuotaUse], amount_of: Callable[[QuotaUse], Decimal], now: datetime
) -> list[Crossing]:
    return _set(uses, {use.pk: use.used + amount_of(use) for use in uses}, now)


def _set(uses: Sequence[QuotaUse], amounts: dict[int, Decimal], now: datetime) -> list[Crossing]:
    """Write the counters, which are locked, and return what they crossed for the first time in their period."""
    crossings = []
    for use in uses:
        use.used = amounts[use.pk]
        if use.quota.resource == QuotaResource.STORAGE and use.used < use.quota.warning_level:
            use.warned_at = use.reached_at = None  # its period never ends, so this starts a new one
        if use.warned_at is None and use.used >= use.quota.warning_level:
            use.warned_at = now
            crossings.append(Crossing(False, _describe(use, now)))
        if use.reached_at is None and use.used >= use.quota.limit:
            use.reached_at = now
            crossings.append(Crossing(True, _describe(use, now)))
    QuotaUse.objects.bulk_update(uses, ["used", "warned_at", "reached_at"])
    return crossings


def forget_crossings(quota: Quota) -> None:
    """After a change of its limit or warning level, have those told again that are not reached any more."""
    uses = QuotaUse.objects.filter(quota=quota)
    uses.filter(used__lt=quota.warning_level).update(warned_at=None)
    uses.filter(used__lt=quota.limit).update(reached_at=None)


def _describe(use: QuotaUse, now: datetime) -> dict[str, Any]:
    quota = use.quota
    resets_at = end_of(quota.period, now, require_tenant().time_zone)
    return {
        "quota_id": str(quota.pk), "subject": quota.subject,
        "subject_id": str(quota.subject_id) if quota.subject_id else None, "resource": quota.resource,
        "period": quota.period, "limit": plain_number(quota.limit), "used": plain_number(use.used),
        "resets_at": resets_at.isoformat().replace("+00:00", "Z") if resets_at else None,
    }  # fmt: skip


def plain_number(amount: Decimal) -> int | float:
    """A whole number as one, anything else as a fraction."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)
