"""Readiness on the wire."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from bots.readiness.judging import Level, Readiness
from minirag.lib.http_in.nouns import Noun


class FindingSchema(Noun):
    code: Annotated[str, Field(examples=["no_key"])]
    level: Level
    detail: str
    place: Annotated[str, Field(description="Where it is mended.", examples=["key"])]


class ReadinessSchema(Noun):
    bot_profile_id: UUID
    state: Readiness
    findings: list[FindingSchema]
