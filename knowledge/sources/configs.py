"""A source's `config` by its type: what may come in, what is kept, what is shown."""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from knowledge.formats.cleaning import find_fault
from knowledge.models import Source, SourceType
from knowledge.models.sources import SERVERS_OWN
from knowledge.sites.bounds import SITE_KEYS, check_bounds
from minirag.lib.errors import BadInput
from minirag.lib.http_out.addresses import parse_url, port_of
from minirag.lib.http_out.client import OutboundError, check_url
from minirag.lib.security.crypto import decrypt, encrypt, rotate
from tenants.context import current_schema

DEFAULT_BASE_URL: Final = "https://nyxcore.cloud"
AUTHORITIES: Final = ("mandatory", "guideline", "informational")
"""What an nyxCore passage can be, the most binding first."""
LONGEST_URL: Final = 2048
MOST_RESULTS: Final = 50
LONGEST_TOKEN: Final = 512
KNOWN: Final = {
    SourceType.URL: frozenset({"url", "clean"}),
    SourceType.SITE: SITE_KEYS,
    SourceType.NYXCORE: frozenset({"base_url", "api_token", "limit", "authority", "min_score"}),
}
_TOKEN = re.compile(rf"[\x21-\x7e]{{1,{LONGEST_TOKEN}}}")


def prepare_config(
    source_type: str,
    config: dict[str, Any],
    *,
    source_id: UUID,
    stored: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Vet what a client sent and return what to keep: URLs checked, an nyxCore token encrypted.

    A new nyxCore config without `api_token` keeps the token of the `stored` one, unless it names another server, which
    must not get it; null or "" forgets it.
    Raises BadInput with one sentence.
    """
    if source_type != SourceType.NYXCORE and (fault := find_fault(config.get("clean"))):
        raise BadInput(fault, code="config_invalid")
    if source_type == SourceType.URL and "url" in config:
        _check_url(config["url"], "config.url")
    if source_type == SourceType.SITE:
        if "url" not in config:
            raise BadInput("config.url is required: where the site begins.", code="config_invalid")
        _check_url(config["url"], "config.url")
        check_bounds(config)
    if source_type == SourceType.NYXCORE:
        return _prepare_nyxcore(config, source_id, stored or {})
    return config


def find_idle(source_type: str, config: dict[str, Any]) -> list[str]:
    """Name what a config says that has no effect: of a text it is free, and kept as the client's own."""
    known = KNOWN.get(SourceType(source_type))
    return [name for name in config if known is not None and name not in known]


def reveal_api_token(source: Source) -> str | None:
    """Decrypt the nyxCore token of a source; None when there is none."""
    sealed = source.config.get("encrypted_token")
    return decrypt(sealed, context=_secret_context(source.pk)) if sealed else None


def sealed_sources() -> QuerySet[Source]:
    """Return the sources with a token in their config, for `manage.py rotate_keys`."""
    return Source.objects.filter(config__has_key="encrypted_token").only("pk", "config")


def reseal_source(source: Source) -> dict[str, Any]:
    """Return the config with its token under the first key; empty where it is so. Raises DecryptionFailed."""
    old = source.config["encrypted_token"]
    new = rotate(old, _secret_context(source.pk))
    return {} if new == old else {"config": {**source.config, "encrypted_token": new}}


def _secret_context(source_id: UUID) -> str:
    return f"{current_schema()}/source:{source_id}/api_token"


def _prepare_nyxcore(
    config: dict[str, Any], source_id: UUID, stored: dict[str, Any]
) -> dict[str, Any]:
    _check_nyxcore(config)
    token = config.get("api_token")
    kept = {
        name: value for name, value in config.items() if name not in (*SERVERS_OWN, "api_token")
    }
    if token:
        kept["encrypted_token"] = encrypt(token, context=_secret_context(source_id))
    elif (
        "api_token" not in config
        and stored.get("encrypted_token")
        and _server(config) == _server(stored)
    ):
        kept["encrypted_token"] = stored["encrypted_token"]
    return kept


def _check_nyxcore(config: dict[str, Any]) -> None:
    if "base_url" in config:
        _check_url(config["base_url"], "config.base_url")
        url = parse_url(config["base_url"])
        if url.query or url.fragment:
            raise BadInput(
                "config.base_url cannot have a query or a fragment.", code="config_invalid"
            )
    limit = config.get("limit", 10)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MOST_RESULTS:
        raise BadInput(
            f"config.limit must be a whole number from 1 to {MOST_RESULTS}.", code="config_invalid"
        )
    authority = config.get("authority", [])
    if not isinstance(authority, list) or not all(
        isinstance(item, str) and item in AUTHORITIES for item in authority
    ):
        raise BadInput(
            "config.authority must be a list of mandatory, guideline, informational.",
            code="config_invalid",
        )
    least = config.get("min_score", 0)
    if not isinstance(least, int | float) or isinstance(least, bool) or not 0 <= least <= 1:
        raise BadInput("config.min_score must be a number from 0 to 1.", code="config_invalid")
    token = config.get("api_token")
    if token is not None and not isinstance(token, str):
        raise BadInput("config.api_token must be a text.", code="config_invalid")
    if token and not _TOKEN.fullmatch(token):
        raise BadInput(
            "config.api_token is not one: 1 to 512 characters without spaces.",
            code="config_invalid",
        )


def _server(config: dict[str, Any]) -> tuple[str, str, int] | None:
    """Which server a checked config's token is for; None for one that was stored before its URL was checked."""
    try:
        url = parse_url(str(config.get("base_url") or DEFAULT_BASE_URL))
    except OutboundError:
        return None
    return url.scheme, url.host, port_of(url)


def _check_url(url: Any, name: str) -> None:
    if not isinstance(url, str) or not url.strip():
        raise BadInput(f"{name} must be a text.", code="config_invalid")
    if len(url) > LONGEST_URL:
        raise BadInput(f"{name} is longer than {LONGEST_URL} characters.", code="config_invalid")
    try:
        check_url(url, allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS))
    except OutboundError as error:
        raise BadInput(f"{name} cannot be used: {error.detail}", code=error.code) from None
