"""Times as counts in buckets that grow by 5 %, so that a year of turns stays small and percentiles stay honest.

A bucket counts as the geometric mean of its ends: what is read from it is at most 2.5 % off, or half a millisecond.
The nearest-rank percentile: the smallest time that at least this share of the turns did not exceed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

GROWTH = 1.05
ERROR_LIMIT_PERCENT = 2.5
PERCENTILES = (50, 90, 95, 99)
# Milliseconds to a bucket, in SQL alone, so that one rule fills the roll-up and reads what is not rolled up yet.
BUCKET_SQL = f"ceil(ln(greatest({{ms}}, 1)::float8) / ln({GROWTH}::float8))::smallint"


def summarise_times(buckets: Mapping[int, int]) -> dict[str, int | None]:
    """`count` and the percentiles `p50` … `p99` in milliseconds, None where nothing was measured."""
    count, ordered = sum(buckets.values()), sorted(buckets)
    summary: dict[str, int | None] = {"count": count}
    for percentile in PERCENTILES:
        rank, seen, found = math.ceil(count * percentile / 100), 0, None
        for bucket in ordered:
            seen += buckets[bucket]
            if seen >= rank:
                found = milliseconds_of(bucket)
                break
        summary[f"p{percentile}"] = found
    return summary


def milliseconds_of(bucket: int) -> int:
    return round(GROWTH ** (bucket - 0.5))
