"""One who asks at a time: `HostLease`, held for a worker's slice by whoever reads a host, for any source and tenant.

Its name is a hash of the host and of nothing else, and whoever finds it taken only comes again later: no tenant can see
what another reads.
"""

from __future__ import annotations

import hashlib
from typing import Final
from urllib.parse import urlsplit

from knowledge.sites.bounds import bare_host
from minirag.lib.jobs.leases import WANTED_SECONDS, Lease

HELD_SECONDS: Final = 120.0
"""Longer than a page takes, which is fetched and read in the meantime."""
BUSY_SECONDS: Final = 5.0


class HostLease:
    """`wait` is after how many seconds to come again, because it was taken or another wants it."""

    def __init__(self, origin: str) -> None:
        self._host = bare_host(urlsplit(origin).netloc)
        self._lease = Lease(f"host:{hashlib.sha256(self._host.encode()).hexdigest()[:32]}")
        self._is_mine = False
        self.wait = 0.0

    def is_of(self, url: str) -> bool:
        """Whether an address is at this host."""
        return bare_host(urlsplit(url).netloc) == self._host

    def take(self) -> bool:
        self._is_mine = self._lease.take(HELD_SECONDS)
        if not self._is_mine:
            self.wait = min(BUSY_SECONDS, self._lease.seconds_left() + 0.05)
        return self._is_mine

    def keep(self) -> bool:
        """Go on holding it; False where it went to somebody else."""
        self._is_mine = self._is_mine and self._lease.keep(HELD_SECONDS)
        self.wait = 0.0 if self._is_mine else self.wait or BUSY_SECONDS
        return self._is_mine

    def end(self, *, after_seconds: float) -> None:
        """Let others have it when the host has had its rest, and first whoever asked for it meanwhile."""
        if not self._is_mine:
            return  # who asked for it is the holder's to be told
        self._is_mine = False
        self._lease.give_back(after_seconds=after_seconds)
        if self._lease.is_wanted():
            self.wait = after_seconds + WANTED_SECONDS - 1
