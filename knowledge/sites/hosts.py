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
        host = bare_host(urlsplit(origin).netloc)
        self._lease = Lease(f"host:{hashlib.sha256(host.encode()).hexdigest()[:32]}")
        self.wait = 0.0

    def take(self) -> bool:
        is_mine = self._lease.take(HELD_SECONDS)
        if not is_mine:
            self.wait = min(BUSY_SECONDS, self._lease.seconds_left() + 0.05)
        return is_mine

    def keep(self) -> bool:
        """Go on holding it; False where it went to somebody else."""
        is_mine = self._lease.keep(HELD_SECONDS)
        self.wait = 0.0 if is_mine else BUSY_SECONDS
        return is_mine

    def end(self, *, after_seconds: float) -> None:
        """Let others have it when the host has had its rest, and first whoever asked for it meanwhile."""
        self._lease.give_back(after_seconds=after_seconds)
        if self._lease.is_wanted():
            self.wait = after_seconds + WANTED_SECONDS - 1
