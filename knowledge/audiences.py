"""Who asks, on the command line."""

from __future__ import annotations

from typing import Any

from knowledge.models import Audience


def add_groups_argument(parser: Any) -> None:
    parser.add_argument(
        "--groups",
        default="",
        help="As a visitor in these groups, several with commas; none if not given.",
    )


def read_audience(groups: str) -> Audience:
    return Audience.of(groups.split(","))
