"""What a bot brings to reach its model provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.conf import settings

from minirag.ai.pricing import family_of
from minirag.lib.http_out.client import OutboundError, check_url

LONGEST_KEY: Final = 4096
LONGEST_BASE: Final = 2000


@dataclass(frozen=True)
class Credentials:
    """A provider key and, for self-hosted or compatible servers, the base URL (ending in `/v1`).

    Without a key the platform's own environment variable is used, except when `api_base` is set: the platform's key
    is never sent to an address that a tenant chose. The form of `api_base` is vetted when it is saved. At each call
    its name is resolved once and every address vetted, and redirects are refused. A provider that cannot be called
    like this raises ProviderError("not_configured").

    `provider` is the one that the key was entered for, which alone gets it; "" is that of the model it comes with.
    `chosen` are keys that may go to other models, by provider: each to models of that provider alone.
    """

    api_key: str | None = field(default=None, repr=False)
    api_base: str | None = None
    chosen: tuple[tuple[str, Credentials], ...] = field(default=(), repr=False)
    provider: str = ""

    @property
    def alone(self) -> Credentials:
        """This key without those that are chosen."""
        return replace(self, chosen=()) if self.chosen else self

    def is_for(self, provider: str | None) -> bool:
        """Whether the own key may go to a provider."""
        return not self.provider or family_of(provider or "") == self.provider

    def choose(self, provider: str | None) -> Credentials | None:
        """The chosen key of a provider."""
        family = family_of(provider or "")
        return next((key for name, key in self.chosen if family_of(name) == family), None)


class CredentialsInvalid(ValueError):
    """`field` is at fault: `api_key` or `api_base`."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


def read_credentials(given: Mapping[str, Any]) -> Credentials:
    """Vet a key and base URL that somebody wants kept, before anything is called. Raises CredentialsInvalid.

    Without any value there are no credentials; a base URL without a key of its own is refused.
    """
    key, base = given.get("api_key"), given.get("api_base")
    if key is not None and not (
        isinstance(key, str) and key.isprintable() and len(key) <= LONGEST_KEY
    ):
        raise CredentialsInvalid("api_key", "must be a text of one line")
    if given and not key:
        raise CredentialsInvalid("api_key", "is required; {} or null forgets the stored one")
    if base is not None:
        _check_base(base)
    return Credentials(api_key=key or None, api_base=base)


def _check_base(base: Any) -> None:
    if not isinstance(base, str):
        raise CredentialsInvalid("api_base", "must be a URL")
    if len(base) > LONGEST_BASE:
        raise CredentialsInvalid("api_base", f"is longer than {LONGEST_BASE} characters")
    try:
        check_url(base, allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS))
    except OutboundError as error:
        raise CredentialsInvalid("api_base", f"cannot be used: {error.reason}") from None
