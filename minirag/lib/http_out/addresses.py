"""Which addresses an outbound request may reach: the rules only, no connection is made here.

A tenant chooses the URLs that the product fetches, so every URL is hostile until vetted.
`ipaddress.is_global` alone is not enough on Python 3.11 (it calls 192.0.0.0/24, 64:ff9b:1::/48 and
3fff::/20 public), hence the list below. IPv6 is turned round: only 2000::/3 is in use on the Internet, so
everything outside it is refused, which covers mapped IPv4, NAT64, unique local and link-local addresses
without naming them.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable

import httpx

from minirag.lib.errors import ProductError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_REFUSED_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network, unspecified
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # multicast tunnels
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_INTERNET_V6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, benchmarking, ORCHID and other protocol assignments
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # 6bone, returned
        "3fff::/20",  # documentation
    )
)

# Ports of services that would take an HTTP request for something else: mail, name, file, shell and database
# servers.
_REFUSED_PORTS = (
    "1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 49 53 69 77 79 87 88 95 101 102 103 104 109 110 111 "
    "113 115 117 119 123 135 137 138 139 143 161 162 179 194 199 220 389 427 445 464 465 502 512 513 "
    "514 515 526 530 531 532 540 543 544 548 554 556 563 587 601 631 636 749 873 989 990 992 993 995 "
    "1080 1098 1099 1433 1434 1521 1719 1720 1723 1883 2049 2181 2375 2376 2379 2380 3128 3268 3269 "
    "3306 3389 3659 4045 4190 4369 5060 5061 5222 5269 5432 5433 5672 5900 5938 6000 6379 6380 6566 "
    "6665 6666 6667 6668 6669 6697 7000 9042 9092 9160 9418 10080 10250 11211 11214 11215 26379 "
    "27017 27018 27019"
)
REFUSED_PORTS = frozenset(map(int, _REFUSED_PORTS.split()))
MAX_URL_LENGTH = 4096
_HOST = re.compile(rb"[A-Za-z0-9._-]{1,253}|\[?[0-9a-fA-F:.]+(%[A-Za-z0-9]+)?\]?")


class OutboundError(ProductError):
    """An outbound request was refused or failed.

    `reason` is a sentence for the person who set the URL and names no internal address. `upstream_status`
    is the remote answer's status when `code` is "http_status". Codes: url_invalid, url_scheme,
    address_refused, dns_failed, connect_failed, timeout, too_large, too_many_redirects, bad_response,
    http_status. `retry_after` is when the server says to come back, `received` what had come by then, in bytes.
    """

    status = 422

    def __init__(
        self, code: str, reason: str, retryable: bool, *, upstream_status: int | None = None,
        retry_after: float | None = None, received: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(reason, code=code, retryable=retryable)
        self.reason = reason
        self.upstream_status, self.retry_after = upstream_status, retry_after
        self.received = received


def is_public_address(text: str) -> bool:
    """Whether `text` is the address of a host on the public Internet; False for anything that is no
    address.
    """
    address = _parse_address(text)
    if address is None or address.is_multicast or address.is_unspecified or not address.is_global:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    return address in _INTERNET_V6 and not any(address in network for network in _REFUSED_V6)


def parse_url(url: str) -> httpx.URL:
    """The URL in the one reading that is later connected to, so that no second parser can disagree with the
    vetting.
    """
    if len(url) > MAX_URL_LENGTH:
        raise OutboundError(
            "url_invalid", f"The URL is longer than {MAX_URL_LENGTH} characters.", False
        )
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise OutboundError("url_invalid", "This is not a valid URL.", False) from error
    if parsed.scheme not in ("http", "https"):
        raise OutboundError("url_scheme", "Only http:// and https:// URLs can be used.", False)
    if not parsed.host:
        raise OutboundError("url_invalid", "The URL has no host name.", False)
    if not _HOST.fullmatch(parsed.raw_host):
        raise OutboundError("url_invalid", "The URL's host name is not valid.", False)
    if parsed.userinfo:
        raise OutboundError(
            "url_invalid", "The URL must not contain a user name or password.", False
        )
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise OutboundError("url_invalid", "The URL has no valid port.", False)
    return parsed


def port_of(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def name_server(url: httpx.URL) -> tuple[str, str, int]:
    """Whom a secret for this URL is for: scheme, host and port."""
    return url.scheme, url.host, port_of(url)


def vet_url(url: str, allowed_hosts: frozenset[str] = frozenset()) -> httpx.URL:
    """Refuse what can be refused without a look-up: form, scheme, credentials, port, private literals."""
    parsed = parse_url(url)
    host, port = _bare(parsed.host), port_of(parsed)
    if is_allowed(host, port, allowed_hosts):
        return parsed
    if port in REFUSED_PORTS:
        raise OutboundError(
            "address_refused", f"Port {port} does not belong to a web server.", False
        )
    literal = _parse_address(host) or _parse_legacy_ipv4(host)
    if (literal is not None and not is_public_address(str(literal))) or _names_this_machine(host):
        raise _refusal(host)
    return parsed


def vet_addresses(
    host: str, port: int, addresses: Iterable[str], allowed_hosts: frozenset[str]
) -> list[str]:
    """All addresses of a host, or an error when a single one of them may not be reached."""
    vetted = list(dict.fromkeys(addresses))
    if not vetted:
        raise OutboundError("dns_failed", f"No address was found for {host}.", True)
    if is_allowed(_bare(host), port, allowed_hosts):
        return vetted
    if not all(is_public_address(each) or is_allowed(each, port, allowed_hosts) for each in vetted):
        raise _refusal(host)
    return vetted


def is_allowed(host: str, port: int, allowed_hosts: frozenset[str]) -> bool:
    """Whether the installation opened this host (name or address, alone or with its port) on purpose."""
    bracketed = f"[{host}]" if ":" in host else host
    names = {host, f"{bracketed}:{port}", bracketed}
    return not names.isdisjoint(entry.lower().rstrip(".") for entry in allowed_hosts)


def _bare(host: str) -> str:
    return host.lower().strip("[]").rstrip(".")


def _names_this_machine(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def _parse_address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return None


def _parse_legacy_ipv4(host: str) -> Address | None:
    """Forms that the system's resolver takes for an address: 2130706433, 0x7f.1, 0177.0.0.1, 127.1."""
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeEncodeError):
        return None


def _refusal(host: str) -> OutboundError:
    return OutboundError(
        "address_refused",
        f"{host} is a private or reserved address, which may not be reached from here.",
        False,
    )
