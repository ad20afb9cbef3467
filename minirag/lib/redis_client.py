"""Ways to Redis, for our own commands, the cache, channels and Celery, all of them read from one address.

`redis://` and `rediss://` (TLS) are redis-py's own. `sentinel://` and `sentinels://` name Sentinels instead of a server
and ask them where it is: `sentinel://:password@one:26379,two:26379/0?master=minirag&sentinel_password=…`. What
else stands in the query (`ssl_ca_certs=…`) is redis-py's in both.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from weakref import WeakKeyDictionary

import redis
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelPool
from redis.connection import parse_url
from redis.sentinel import Sentinel, SentinelConnectionPool

OPTIONS: dict[str, Any] = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
_CONNECTIONS = 32  # of one event loop; who finds none free waits for one
_SENTINEL_PORT = 26379

# An asyncio connection belongs to the loop that opened it, so each loop has its own.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Redis]] = WeakKeyDictionary()


@dataclass(frozen=True, repr=False)  # there are passwords in it
class Address:
    """What a REDIS_URL says; raises ValueError through `read_address` for one that says nothing usable."""

    url: str
    master: str = ""
    sentinels: tuple[tuple[str, int], ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    """Of the server: user, password, number of the database, TLS."""
    sentinel_options: dict[str, Any] = field(default_factory=dict)

    @property
    def tls(self) -> dict[str, Any]:
        """The `ssl_…` options with a checked certificate unless they say otherwise; empty without TLS."""
        if not (self.options.get("ssl") or self.url.startswith("rediss://")):
            return {}
        told = {name: value for name, value in self.options.items() if name.startswith("ssl_")}
        wanted = str(told.get("ssl_cert_reqs", "required")).lower()
        kinds = {
            "none": ssl.CERT_NONE,
            "optional": ssl.CERT_OPTIONAL,
            "required": ssl.CERT_REQUIRED,
        }
        if (kind := wanted.removeprefix("cert_")) not in kinds:
            raise ValueError(f"ssl_cert_reqs is one of {', '.join(kinds)}.")
        return {**told, "ssl_cert_reqs": kinds[kind]}


def read_address(url: str) -> Address:
    """Understand a REDIS_URL. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("sentinel", "sentinels"):
        return Address(url=url, options=_read_options(url))
    query = dict(parse_qsl(parts.query))
    master, password = query.pop("master", ""), query.pop("sentinel_password", None)
    login, _, hosts = parts.netloc.rpartition("@")
    sentinels = tuple(_read_host(each) for each in hosts.split(",") if each)
    if not master or not sentinels:
        raise ValueError("A Sentinel's address needs hosts and ?master=NAME.")
    scheme = "rediss" if parts.scheme == "sentinels" else "redis"
    options = _read_options(f"{scheme}://{login}@server{parts.path}?{urlencode(query)}")
    if scheme == "rediss":
        options["ssl"] = True
    own = {name: value for name, value in options.items() if name.startswith("ssl")}
    return Address(
        url, master, sentinels, options, {**own, **({"password": password} if password else {})}
    )


def _read_options(url: str) -> dict[str, Any]:
    """What redis-py reads of an address, but where the server is."""
    told = parse_url(url)
    return {name: told[name] for name in told if name not in ("host", "port", "connection_class")}


def _read_host(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    return parts.hostname or "", parts.port or _SENTINEL_PORT


def connect(redis_url: str, **options: Any) -> Any:
    """Return a client that connects when it is first used; behind Sentinels it finds the server anew each time.

    Any, since redis-py's annotations are those of its blocking and its async client at once.
    """
    address = read_address(redis_url)
    if not address.sentinels:
        return redis.Redis.from_url(redis_url, **options)
    return redis.Redis.from_pool(make_sentinel_pool(address, **options))  # closed with it


def make_sentinel_pool(address: Address, **options: Any) -> SentinelConnectionPool:
    asking = Sentinel(address.sentinels, sentinel_kwargs={**OPTIONS, **address.sentinel_options})
    return SentinelConnectionPool(address.master, asking, **address.options, **options)


def connect_async(redis_url: str) -> Redis:
    """Return the running loop's client; it connects when it is first used."""
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    if redis_url not in clients:
        clients[redis_url] = Redis(connection_pool=_make_async_pool(read_address(redis_url)))
    return clients[redis_url]


class _BoundedSentinelPool(AsyncSentinelPool, BlockingConnectionPool):
    """Finds the server by Sentinels, and lets wait who finds no connection free."""


def _make_async_pool(address: Address) -> BlockingConnectionPool:
    bounds = {"max_connections": _CONNECTIONS, "timeout": 1.0, **OPTIONS}
    if not address.sentinels:
        return BlockingConnectionPool.from_url(address.url, **bounds)
    asking = AsyncSentinel(
        address.sentinels, sentinel_kwargs={**OPTIONS, **address.sentinel_options}
    )
    return _BoundedSentinelPool(address.master, asking, **address.options, **bounds)


class CachePool(redis.ConnectionPool):
    """For Django's cache, which makes its pool of a URL."""

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Any:
        address = read_address(url)
        if address.sentinels:
            return make_sentinel_pool(address, **options)
        return redis.ConnectionPool.from_url(url, **options)


def describe_for_channels(redis_url: str, **options: Any) -> dict[str, Any]:
    """A host as channels_redis wants to have it."""
    address = read_address(redis_url)
    if not address.sentinels:
        return {"address": redis_url, **options}
    return {
        "sentinels": list(address.sentinels), "master_name": address.master,
        "sentinel_kwargs": {**OPTIONS, **address.sentinel_options}, **address.options, **options,
    }  # fmt: skip


def describe_for_celery(redis_url: str) -> tuple[str, dict[str, Any] | None, dict[str, Any]]:
    """The broker's address, its TLS and its transport's options, as Celery wants to have them."""
    address = read_address(redis_url)
    if not address.sentinels:
        if (
            "?" in redis_url
        ):  # kombu knows none of redis-py's options, the number of the database neither
            path = f"/{address.options.get('db', 0)}"
            redis_url = urlsplit(redis_url)._replace(path=path, query="").geturl()
        return redis_url, address.tls or None, {}
    login = ":".join(
        quote(str(address.options.get(each) or ""), safe="") for each in ("username", "password")
    )
    where = [
        f"sentinel://{login}@{host}:{port}/{address.options.get('db', 0)}"
        for host, port in address.sentinels
    ]
    told = {
        "master_name": address.master,
        "sentinel_kwargs": {**OPTIONS, **address.sentinel_options},
    }
    return ";".join(where), address.tls or None, told
