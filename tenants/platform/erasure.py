"""What a tenant leaves outside of the database: keys in Redis and a folder of files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import Any, Final

import redis
from django.conf import settings
from django.utils.translation import gettext

from minirag.lib.errors import ProductError
from minirag.lib.files.choosing import kept_files
from minirag.lib.files.keeping import FilesFailed
from minirag.lib.redis_client import connect


class TracesRemain(ProductError):
    """Redis or the disk refused, so not everything of the tenant is gone."""

    status, code, retryable = 503, "redis_unreachable", True


@dataclass(frozen=True)
class Traces:
    """How much there was outside of the database."""

    keys: int
    files: int
    file_bytes: int

    def at_least(self, other: Traces) -> Traces:
        """The larger of both in each: what an earlier try has removed already was there."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Traces(*(max(pair) for pair in pairs))


NO_TRACES: Final = Traces(0, 0, 0)


def measure_traces(schema_name: str) -> Traces:
    """Count a tenant's Redis keys and its files. Raises TracesRemain."""
    with _open_redis() as client:
        keys = len(_find_keys(client, schema_name))
    sizes = _measure_files(schema_name)
    return Traces(keys, len(sizes), sum(sizes))


def remove_traces(schema_name: str) -> Traces:
    """Delete a tenant's Redis keys (cache, locks, limits) and its folder; returns how much that was.

    Raises TracesRemain.
    """
    with _open_redis() as client:
        keys = _find_keys(client, schema_name)
        for start in range(0, len(keys), 500):
            client.unlink(*keys[start : start + 500])
    sizes = _measure_files(schema_name)
    _remove_folder(schema_name)
    return Traces(len(keys), len(sizes), sum(sizes))


@contextmanager
def _open_redis() -> Iterator[Any]:
    try:
        with connect(settings.REDIS_URL, socket_timeout=10) as client:
            yield client
    except redis.RedisError as error:
        raise TracesRemain(
            gettext("Redis cannot be reached, so the tenant's keys there would remain.")
        ) from error


def _find_keys(client: Any, schema_name: str) -> list[bytes]:
    """Every key of a tenant holds its schema's name as a word of its own (`tenants.context` makes them so).

    Which keeps `t_acme` apart from `t_acme_2` and from `t_not_t_acme`.
    """
    own = re.compile(rf"(^|[^a-z0-9_]){re.escape(schema_name)}([^a-z0-9_]|$)".encode())
    found = client.scan_iter(match=f"*{schema_name}*", count=1000)
    return [key for key in found if own.search(key)]


def _measure_files(schema_name: str) -> list[int]:
    try:
        return kept_files().sizes(schema_name)
    except FilesFailed as error:
        raise TracesRemain(error.detail, code="files_remain") from error


def _remove_folder(schema_name: str) -> None:
    try:
        kept_files().remove_folder(schema_name)
    except OSError as error:
        detail = f"The tenant's folder of files cannot be removed: {error.strerror}."
        raise TracesRemain(detail, code="files_remain") from error
    except FilesFailed as error:
        raise TracesRemain(error.detail, code="files_remain") from error
