"""Where a request or a socket comes from and where it wants to go, read in one place and in one way.

What a client writes chooses nothing by itself: the address, the scheme and the path are those of the connection. Only
for a connection from one of TRUSTED_PROXIES, and with TRUST_PROXY_HEADERS, do `X-Forwarded-For` (the last address,
which our proxy appended) and `X-Forwarded-Proto` count. No other header of this kind is read by anybody; names with an
underscore, which servers take for hyphens, are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port
from rest_framework.request import Request

TENANT_PATH = re.compile(r"^/t/([a-z0-9-]{1,100})(?=/|$)")
_PROXY_HEADER = re.compile(
    rb"forwarded|x-forwarded(-.*)?|x-real-ip|x-script-name|x-original-ur[il]|x-rewrite-url|daphne-root-path"
)
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_QUALITY = re.compile(r"q=([01](?:\.\d{1,3})?)")
_PORT = re.compile(r"^(\d+\.\d+\.\d+\.\d+):\d+$|^\[(.+)\](?::\d+)?$")


@dataclass(frozen=True)
class Arrival:
    """What the edge knows of a request or socket before anybody looks into it.

    `path` is below the tenant's prefix, whose `slug` is kept apart; `netloc` is the host as the client wrote it, with
    its port; `address` is the client's, "" over a local socket.
    """

    method: str
    slug: str | None
    path: str
    netloc: str
    scheme: str
    address: str
    headers: Mapping[str, str]

    @classmethod
    def of_scope(cls, scope: Mapping[str, Any]) -> Arrival:
        """Read an ASGI scope, of HTTP or WebSocket."""
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            if "_" not in name:
                headers[name] = f"{headers[name]},{value}" if name in headers else value
        root, client, server = scope.get("root_path", ""), scope.get("client"), scope.get("server")
        peer = str(client[0]) if client else ""
        return _arrive(
            method=scope.get("method", "GET").upper(),
            root=root, path=scope["path"].removeprefix(root), peer=peer, headers=headers,
            netloc=headers.get("host") or _join_server(server), scheme=scope.get("scheme", "http"),
        )  # fmt: skip

    @classmethod
    def of_request(cls, request: HttpRequest | Request) -> Arrival:
        """Read a Django or DRF request; of one request always the same object."""
        raw = request._request if isinstance(request, Request) else request
        known: Arrival | None = raw.__dict__.get("_arrival")
        if known is None:
            meta, headers = raw.META, _MetaHeaders(raw.META)
            server = (meta.get("SERVER_NAME", ""), meta.get("SERVER_PORT", "0"))
            known = _arrive(
                method=raw.method or "GET", root=meta.get("SCRIPT_NAME") or "", path=raw.path_info,
                peer=meta.get("REMOTE_ADDR") or "", headers=headers,
                netloc=headers.get("host") or _join_server(server), scheme=cast(Any, raw)._get_scheme() or "http",
            )  # fmt: skip
            raw.__dict__["_arrival"] = known
        return known

    @property
    def host(self) -> str:
        """The host without its port, in lower case; "" for what cannot be a host."""
        return split_domain_port(self.netloc)[0]

    @property
    def own_origin(self) -> str:
        """Our own origin, as the client sees it."""
        return f"{self.scheme}://{self.netloc.lower()}"

    @property
    def origin(self) -> str | None:
        """The page's origin, as a browser says it; None where none is said."""
        return self.headers.get("origin")

    @property
    def authorization(self) -> str | None:
        return self.headers.get("authorization")

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that a browser asks for ("de-AT"), the dearest first; at most five, and no more than hints."""
        wanted = []
        for place, part in enumerate(self.headers.get("accept-language", "")[:200].split(",")):
            tag, _, quality = part.strip().partition(";")
            told = _QUALITY.fullmatch(quality.strip())
            if _LANGUAGE.fullmatch(tag):
                wanted.append((-float(told[1]) if told else -1.0, place, tag))
        return tuple(tag for _, _, tag in sorted(wanted)[:5])

    @property
    def body_length(self) -> int | None:
        """How long the body says it is: None where it does not, 0 where there is none."""
        if "transfer-encoding" in self.headers:
            return None
        length = self.headers.get("content-length", "")
        return int(length) if length.isascii() and length.isdigit() else 0


class _MetaHeaders(Mapping[str, str]):
    """The headers of a request by their names in lower case, without a copy of them all."""

    def __init__(self, meta: Mapping[str, Any]) -> None:
        self._meta = meta

    def __getitem__(self, name: str) -> str:
        key = name.upper().replace("-", "_")
        prefix = "" if key in ("CONTENT_LENGTH", "CONTENT_TYPE") else "HTTP_"
        return str(self._meta[prefix + key])

    def __iter__(self) -> Any:
        special = [key for key in ("CONTENT_LENGTH", "CONTENT_TYPE") if key in self._meta]
        named = [key.removeprefix("HTTP_") for key in self._meta if key.startswith("HTTP_")]
        return (key.lower().replace("_", "-") for key in special + named)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def settle_scope(scope: dict[str, Any]) -> dict[str, Any]:
    """Return the scope as everybody behind the edge may believe it.

    `/t/<slug>` has moved into `root_path`, which may hold nothing else; client and scheme are those that a trusted
    proxy told, and the headers that could have told them are gone.
    """
    match = TENANT_PATH.match(scope["path"])
    arrival = Arrival.of_scope(scope)
    client = scope.get("client")
    if arrival.address != (str(client[0]) if client else ""):
        client = (arrival.address, 0)
    kind = "ws" if scope["type"] == "websocket" else "http"
    return {
        **scope,
        "root_path": match[0] if match else "",
        "client": client,
        "scheme": kind + ("s" if arrival.scheme == "https" else ""),
        "headers": [
            pair for pair in scope["headers"] if not _PROXY_HEADER.fullmatch(pair[0].lower())
        ],
    }


def _arrive(
    *, method: str, root: str, path: str, peer: str, netloc: str, scheme: str, headers: Mapping[str, str]
) -> Arrival:  # fmt: skip
    match = TENANT_PATH.match(root)
    address, scheme = peer, _SCHEMES.get(scheme, "http")
    if settings.TRUST_PROXY_HEADERS and _is_trusted(peer, tuple(settings.TRUSTED_PROXIES)):
        address = _bare_address(_last(headers.get("x-forwarded-for", ""))) or peer
        scheme = _SCHEMES.get(_last(headers.get("x-forwarded-proto", "")).lower(), scheme)
    return Arrival(method, match[1] if match else None, path, netloc, scheme, address, headers)


def _join_server(server: Iterable[Any] | None) -> str:
    name, port = server or ("", None)
    return str(name) if port in (None, "80", 80, "443", 443) else f"{name}:{port}"


def _last(listed: str) -> str:
    return listed.rpartition(",")[2].strip()


def _bare_address(text: str) -> str:
    """Return an address without the port that some proxies append; "" for what is not an address."""
    match = _PORT.fullmatch(text)
    bare = (match[1] or match[2]) if match else text
    try:
        return str(ip_address(bare.partition("%")[0]))
    except ValueError:
        return ""


@lru_cache(maxsize=1024)
def _is_trusted(peer: str, proxies: tuple[str, ...]) -> bool:
    """Whether a peer is a proxy of ours; over a local socket, which has no address, there can be no other."""
    if not peer:
        return True
    bare = _bare_address(peer)
    if not bare:
        return False
    address = ip_address(bare)
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in _networks(proxies))


@lru_cache(maxsize=8)
def _networks(proxies: tuple[str, ...]) -> list[IPv4Network | IPv6Network]:
    return [ip_network(text, strict=False) for text in proxies]
