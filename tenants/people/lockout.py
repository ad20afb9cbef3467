"""Wrong passwords: after some of them an account is locked for a while, without telling whether there is one.

Tries are counted by the e-mail that was typed, in a moving window (`LOGIN_LOCKOUT`, 10 in 15 minutes), and twice over:

- per e-mail and address: this is what a person who mistypes, or one attacker, runs into;
- per e-mail over all addresses, ten times as many, against guesses from many machines. An address from which the
  account was entered before passes this bound, so that strangers cannot keep its owner out.

A try is counted before the password is hashed, so that a hundred at once are not a hundred guesses, and taken back when
the password is right. That also clears the address, unless the e-mail has several accounts: one of them could be an
attacker's own, made to clear the guesses about the others.

All of it is keyed digests in Redis. Without Redis nobody logs in, as with the rate limits.
"""

from __future__ import annotations

import hmac
import math
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.translation import gettext
from redis.exceptions import RedisError

from minirag.lib.errors import TooManyRequests
from minirag.lib.http_in.reading import network_of
from minirag.lib.redis_client import OPTIONS, connect
from minirag.lib.security.limits import LimiterUnavailable
from minirag.lib.security.rates import Rate, parse_rate
from tenants import audit
from tenants.log.models import Outcome
from tenants.models import User, normalise_email

ADDRESSES_PER_ACCOUNT = 10
KNOWN_SECONDS, _KNOWN_ADDRESSES = 90 * 24 * 3600, 50
_TRIES, _KNOWN = "minirag:limits:{public}:tries", "minirag:known"

# KEYS: the e-mail's tries (a sorted set of "<address>:<try>" by time) and the mark that its lock was noted.
# ARGV: amount per address, amount in all, window in milliseconds, address, try, whether only the address counts.
# Returns what is full (0 nothing, 1 the address, 2 the account), the milliseconds to wait, whether that is news.
_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window, mine = tonumber(ARGV[3]), ARGV[4] .. ':'
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - window))
local tries = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
local count, oldest = 0, nil
for i = 1, #tries, 2 do
  if string.sub(tries[i], 1, #mine) == mine then
    count, oldest = count + 1, oldest or tonumber(tries[i + 1])
  end
end
local full = 0
if count >= tonumber(ARGV[1]) then
  full = 1
elseif ARGV[6] == '0' and #tries / 2 >= tonumber(ARGV[2]) then
  full, oldest = 2, tonumber(tries[2])
end
if full == 0 then
  redis.call('ZADD', KEYS[1], string.format('%.0f', now), mine .. ARGV[5])
  redis.call('PEXPIRE', KEYS[1], window)
  return {0, 0, 0}
end
local wait = oldest + window - now
local news = redis.call('SET', KEYS[2], 1, 'NX', 'PX', window)
return {full, wait, news and 1 or 0}
"""


class LockedOut(TooManyRequests):
    """Too many wrong passwords, for an account that may or may not exist."""

    code = "login_locked"

    def __init__(self, retry_after_seconds: int) -> None:
        detail = "Too many wrong passwords. Please try again later."
        super().__init__(detail, retry_after_seconds=retry_after_seconds)


@dataclass(frozen=True)
class LoginAttempt:
    """A counted try to log in: the accounts whose password may be looked at, and how to take the try back."""

    accounts: list[User]
    key: str = ""
    address: str = ""
    number: str = ""

    def succeed(self, user: User) -> None:
        """The password was that of `user`: not a wrong one, and their address is known from now on."""
        if not self.key:
            return
        is_sole = User.objects.filter(email=user.email).count() == 1
        with suppress(RedisError):  # the user is in; at worst a try too many stays counted
            client = _connect(settings.REDIS_URL)
            wrong = [f"{self.address}:{self.number}"]
            if is_sole:
                tries = client.zrange(self.key, 0, -1, withscores=False)
                wrong = [
                    each.decode() for each in tries if each.decode().startswith(f"{self.address}:")
                ] or wrong
            with client.pipeline(transaction=False) as pipe:
                pipe.zrem(self.key, *wrong)
                pipe.zadd(_known_key(user), {self.address: client.time()[0]})
                pipe.zremrangebyrank(_known_key(user), 0, -_KNOWN_ADDRESSES - 1)
                pipe.expire(_known_key(user), KNOWN_SECONDS)
                pipe.execute()


def begin_attempt(email: str, address: str, accounts: Iterable[User]) -> LoginAttempt:
    """Count a try at `email` from `address`, before any password of `accounts` is looked at.

    Raises LockedOut while there were too many, LimiterUnavailable when it cannot be counted.
    """
    rate, known = parse_rate(settings.LOGIN_LOCKOUT), list(accounts)
    if rate is None:
        return LoginAttempt(known)
    attempt = LoginAttempt(known, _tries_key(email), _digest(network_of(address)), uuid.uuid4().hex)
    try:
        full, wait, is_news = _count(attempt, rate)
        if full == 2 and (trusted := [user for user in known if _is_known(user, attempt.address)]):
            attempt = LoginAttempt(trusted, attempt.key, attempt.address, attempt.number)
            full, wait, is_news = _count(attempt, rate, address_only=True)
    except RedisError as error:
        raise LimiterUnavailable(
            gettext("The service cannot accept this request at the moment.")
        ) from error
    if full:
        if is_news:
            _note(attempt, known, address)
        raise LockedOut(max(1, math.ceil(wait / 1000)))
    return attempt


def unlock(email: str) -> int:
    """Forget the wrong passwords of an e-mail; returns how many there were. Raises LimiterUnavailable."""
    key = _tries_key(email)
    try:
        with _connect(settings.REDIS_URL).pipeline() as pipe:
            count, _ = pipe.zcard(key).delete(key, f"{key}:noted").execute()
    except RedisError as error:
        raise LimiterUnavailable(gettext("Redis cannot be reached.")) from error
    return int(count)


def _count(
    attempt: LoginAttempt, rate: Rate, *, address_only: bool = False
) -> tuple[int, int, int]:
    keys = [attempt.key, f"{attempt.key}:noted"]
    amounts = [rate.amount, rate.amount * ADDRESSES_PER_ACCOUNT, rate.seconds * 1000]
    script = _connect(settings.REDIS_URL).register_script(_SCRIPT)
    full, wait, is_news = script(
        keys, [*amounts, attempt.address, attempt.number, int(address_only)]
    )
    return full, wait, is_news


def _note(attempt: LoginAttempt, accounts: list[User], address: str) -> None:
    """Write it down once per lock, also where there is no account, so that the time of the answer tells nothing."""
    seen = {"address": address, "tries_key": attempt.key.rpartition(":")[2]}
    for user in accounts:
        audit.record(
            "login.locked", actor=user, tenant=user.tenant, detail=seen, outcome=Outcome.REFUSED
        )
    if not accounts:
        audit.record("login.locked", detail=seen, outcome=Outcome.REFUSED)


def _is_known(user: User, address: str) -> bool:
    return _connect(settings.REDIS_URL).zscore(_known_key(user), address) is not None


def _known_key(user: User) -> str:
    """The key carries the schema's name, so it goes when the tenant is erased."""
    return f"{_KNOWN}:{user.tenant.schema_name if user.tenant else 'public'}:{user.pk}"


def _tries_key(email: str) -> str:
    return f"{_TRIES}:{_digest(normalise_email(email))}"


def _digest(text: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), "sha256").hexdigest()[:32]


@lru_cache(maxsize=8)
def _connect(
    url: str,
) -> Any:  # redis-py's annotations are those of its blocking and its async client at once
    return connect(url, **OPTIONS)
