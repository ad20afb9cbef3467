"""What a tenant leaves outside of the database: keys in Redis and a folder of files."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import redis
from django.conf import settings
from django.utils.translation import gettext

from minirag.lib.errors import ProductError


class TracesRemain(ProductError):
    """Redis or the disk refused, so not everything of the tenant is gone."""

    status, code, retryable = 503, "redis_unreachable", True


@dataclass(frozen=True)
class Traces:
    """How much there was outside of the database."""

    keys: int
    files: int
    file_bytes: int


def remove_traces(schema_name: str) -> Traces:
    """Delete a tenant's Redis keys (cache, locks, limits) and its folder; returns how much that was.

    Every such key holds the schema's name as a word of its own (`tenants.context` makes them so), which keeps
    `t_acme` apart from `t_acme_2` and from `t_not_t_acme`. Raises TracesRemain.
    """
    own = re.compile(rf"(^|[^a-z0-9_]){re.escape(schema_name)}([^a-z0-9_]|$)".encode())
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=10) as client:
            keys = [
                key
                for key in client.scan_iter(match=f"*{schema_name}*", count=1000)
                if own.search(key)
            ]
            for start in range(0, len(keys), 500):
                client.unlink(*keys[start : start + 500])
    except redis.RedisError as error:
        raise TracesRemain(
            gettext("Redis cannot be reached, so the tenant's keys there would remain.")
        ) from error
    folder = settings.MEDIA_ROOT / schema_name
    sizes = [path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()]
    _remove_folder(folder)
    return Traces(len(keys), len(sizes), sum(sizes))


def _remove_folder(folder: Path) -> None:
    def pass_over_what_is_gone(
        function: object, path: str, error: tuple[type[BaseException], BaseException, TracebackType]
    ) -> None:
        if not isinstance(error[1], FileNotFoundError):
            raise error[1]

    try:
        shutil.rmtree(folder, onerror=pass_over_what_is_gone)
    except OSError as error:
        detail = f"The tenant's folder of files cannot be removed: {error.strerror}."
        raise TracesRemain(detail, code="files_remain") from error
