"""What a bot brings to reach its model provider."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Credentials:
    """A provider key and, for self-hosted or compatible servers, the base URL (ending in `/v1`).

    Without a key the platform's own environment variable is used, except when `api_base` is set: the
    platform's key is never sent to an address that a tenant chose. Whoever saves `api_base` vets its form; at each
    call its name is resolved once and every address vetted, redirects are refused, and a provider that cannot be
    called like this gets ProviderError("not_configured").
    """

    api_key: str | None = field(default=None, repr=False)
    api_base: str | None = None
