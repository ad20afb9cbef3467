"""The TXT records of a name, by which whoever runs it says something to the world."""

from __future__ import annotations


def read_texts(name: str, *, seconds: float) -> frozenset[str] | None:
    """Return the texts that the DNS has for a name, none of one that has none; None where it does not answer."""
    # Which loads clients for every way to ask: a twentieth of each process's start, and few ever look.
    import dns.exception
    import dns.resolver

    try:
        found = dns.resolver.resolve(name, "TXT", lifetime=seconds, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.exception.SyntaxError, UnicodeError):
        return frozenset()
    except (dns.exception.DNSException, OSError):
        return None
    # A text of more than 255 bytes comes in several strings.
    return frozenset(b"".join(each.strings).decode("utf-8", "replace") for each in found)
