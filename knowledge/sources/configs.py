"""A source's `config` by its type: what may come in, what is kept, what is shown."""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext

from knowledge.connectors.registry import CONNECTORS
from knowledge.formats.cleaning import find_fault
from knowledge.models import Source, SourceType
from knowledge.models.states import COMPANION_OF, SEALED, SECRET_OF, servers_own
from knowledge.sites.bounds import SITE_KEYS, check_bounds
from knowledge.sources.presets import fill_preset
from minirag.lib.errors import BadInput
from minirag.lib.http_out.addresses import name_server, parse_url
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
    **{row.source_type: row.known for row in CONNECTORS.values()},
}
_TEXTS: Final = ("content", "text")
"""What people take for the place of a text, which is the field `content`."""
_TOKEN = re.compile(rf"[\x21-\x7e]{{1,{LONGEST_TOKEN}}}")


def prepare_config(
    source_type: str,
    config: dict[str, Any],
    *,
    source_id: UUID,
    stored: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Vet what a client sent and return what to keep: URLs checked, its secret encrypted.

    A new config without the secret keeps that of the `stored` one, which is of the same type, unless it names another
    server, which must not get it; null or "" forgets it.
    Raises BadInput with one sentence.
    """
    if source_type == SourceType.SITE:
        config = fill_preset(config)
    if source_type != SourceType.NYXCORE and (fault := find_fault(config.get("clean"))):
        raise BadInput(fault, code="config_invalid")
    if source_type == SourceType.URL and "url" in config:
        _check_url(config["url"], "config.url")
    if source_type == SourceType.SITE:
        if "url" not in config:
            raise BadInput(
                gettext("config.url is required: where the site begins."), code="config_invalid"
            )
        _check_url(config["url"], "config.url")
        check_bounds(config)
    if source_type == SourceType.NYXCORE:
        _check_nyxcore(config)
    if source_type in CONNECTORS:
        CONNECTORS[source_type].check(config)
    if source_type in SECRET_OF:
        return _seal(source_type, config, source_id, stored or {})
    return config


def find_idle(source_type: str, config: dict[str, Any]) -> list[str]:
    """Name what a config says that has no effect: of a text it is free, and kept as the client's own."""
    known = KNOWN.get(SourceType(source_type))
    if source_type == SourceType.TEXT:
        return [name for name in config if name in _TEXTS]
    return [name for name in config if known is not None and name not in known]


def reveal_secret(source: Source) -> str | None:
    """Decrypt what a source's config keeps sealed: a token, a password, a secret key. None when there is none."""
    sealed = source.config.get(SEALED) if source.source_type in SECRET_OF else None
    return decrypt(sealed, context=_secret_context(source.pk)) if sealed else None


def whole_secret(source_type: str, config: dict[str, Any]) -> str:
    """What a config that was sent has to be sealed: its secret, with what goes with it."""
    names = (SECRET_OF[source_type], COMPANION_OF.get(source_type, ""))
    return "\n".join(filter(None, (config.get(name) for name in names)))


def sealed_sources() -> QuerySet[Source]:
    """Return the sources with a secret in their config, for `manage.py rotate_keys`."""
    return Source.objects.filter(source_type__in=SECRET_OF, config__has_key=SEALED).only(
        "pk", "config"
    )


def reseal_source(source: Source) -> dict[str, Any]:
    """Return the config with its secret under the first key; empty where it is so. Raises DecryptionFailed."""
    old = source.config[SEALED]
    new = rotate(old, _secret_context(source.pk))
    return {} if new == old else {"config": {**source.config, SEALED: new}}


def _secret_context(source_id: UUID) -> str:
    return f"{current_schema()}/source:{source_id}/api_token"


def _seal(
    source_type: str, config: dict[str, Any], source_id: UUID, stored: dict[str, Any]
) -> dict[str, Any]:
    """A checked config with its secret encrypted, or the stored one where none is sent for the same server."""
    name = SECRET_OF[source_type]
    secret = config.get(name)
    companion = COMPANION_OF.get(source_type, "")
    own = (*servers_own(name), name, companion)
    kept = {key: value for key, value in config.items() if key not in own}
    find_server = CONNECTORS[source_type].find_server if source_type in CONNECTORS else _server
    if secret:
        kept[SEALED] = encrypt(
            whole_secret(source_type, config), context=_secret_context(source_id)
        )
    elif config.get(companion):
        told = f"config.{companion} is only good with config.{name}: send both."
        raise BadInput(told, code="config_invalid")
    elif name not in config and stored.get(SEALED) and find_server(config) == find_server(stored):
        kept[SEALED] = stored[SEALED]
    return kept


def _check_nyxcore(config: dict[str, Any]) -> None:
    if "base_url" in config:
        _check_url(config["base_url"], "config.base_url")
        url = parse_url(config["base_url"])
        if url.query or url.fragment:
            raise BadInput(
                gettext("config.base_url cannot have a query or a fragment."), code="config_invalid"
            )
    limit = config.get("limit", 10)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MOST_RESULTS:
        raise BadInput(
            gettext("config.limit must be a whole number from 1 to %(most_results)s.")
            % {"most_results": MOST_RESULTS},
            code="config_invalid",
        )
    authority = config.get("authority", [])
    if not isinstance(authority, list) or not all(
        isinstance(item, str) and item in AUTHORITIES for item in authority
    ):
        raise BadInput(
            gettext("config.authority must be a list of mandatory, guideline, informational."),
            code="config_invalid",
        )
    least = config.get("min_score", 0)
    if not isinstance(least, int | float) or isinstance(least, bool) or not 0 <= least <= 1:
        raise BadInput(
            gettext("config.min_score must be a number from 0 to 1."), code="config_invalid"
        )
    token = config.get("api_token")
    if token is not None and not isinstance(token, str):
        raise BadInput(gettext("config.api_token must be a text."), code="config_invalid")
    if token and not _TOKEN.fullmatch(token):
        raise BadInput(
            gettext("config.api_token is not one: 1 to 512 characters without spaces."),
            code="config_invalid",
        )


def _server(config: dict[str, Any]) -> tuple[str, str, int] | None:
    """Which server a checked config's token is for; None for one that was stored before its URL was checked."""
    try:
        return name_server(parse_url(str(config.get("base_url") or DEFAULT_BASE_URL)))
    except OutboundError:
        return None


def _check_url(url: Any, name: str) -> None:
    if not isinstance(url, str) or not url.strip():
        raise BadInput(gettext("%(name)s must be a text.") % {"name": name}, code="config_invalid")
    if len(url) > LONGEST_URL:
        raise BadInput(
            gettext("%(name)s is longer than %(longest_url)s characters.")
            % {"name": name, "longest_url": LONGEST_URL},
            code="config_invalid",
        )
    try:
        check_url(url, allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS))
    except OutboundError as error:
        raise BadInput(
            gettext("%(name)s cannot be used: %(detail)s") % {"name": name, "detail": error.detail},
            code=error.code,
        ) from None
