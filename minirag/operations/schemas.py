"""The installation's health on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from minirag.lib.http_in.nouns import Moment, Noun


class HealthSchema(Noun):
    status: Literal["ok"]


class ServerHealthSchema(Noun):
    status: Literal["ok", "error"]
    detail: str | None
    version: str | None
    latency_ms: float | None


class SystemHealthSchema(Noun):
    status: Literal["ok", "degraded"]
    postgres: ServerHealthSchema
    qdrant: ServerHealthSchema
    redis: ServerHealthSchema


class NumbersSchema(Noun):
    """Counts of large tables are estimates."""

    sources_by_status: dict[str, int]
    total_chunks: int
    total_messages: int
    total_chats: int
    total_usage_events: int
    total_prompt_tokens: int
    total_completion_tokens: int


class IndexSchema(Noun):
    """The tenant's own index; the names are those of MiniRAG 1.0's vector store."""

    collection: str
    vectors_count: int
    points_count: int
    segments_count: int
    status: str
    disk_data_size_mb: float
    ram_data_size_mb: float


class RedisSchema(Noun):
    """Null where other tenants use the same server."""

    used_memory_human: str | None
    used_memory_peak_human: str | None
    connected_clients: int | None
    uptime_seconds: int
    db_keys: int | None


class FailedPartSchema(Noun):
    error: str


class BotSourcesSchema(Noun):
    bot_profile_id: str
    bot_name: str
    model: str
    is_active: bool
    source_count: int
    ready_sources: int
    total_chunks: int


class ProviderFailureSchema(Noun):
    code: Annotated[str, Field(examples=["provider_quota"])]
    count: int
    last_at: Moment
    is_lasting: Annotated[bool, Field(description="Somebody has to pay a bill or enter a key.")]


class ConfigSchema(Noun):
    database_url: str
    redis_url: str
    qdrant_url: str
    encryption_configured: bool
    jwt_configured: bool
    jwt_expire_minutes: int
    default_llm_model: str
    default_embedding_model: str
    cors_origins: list[str]


class QueueSchema(Noun):
    """Of the work that takes long: ingestions, re-embeddings, exports and evaluation runs."""

    waiting: int
    running: int
    oldest_wait_seconds: int | None


class DetailedHealthSchema(SystemHealthSchema):
    postgres: ServerHealthSchema
    uptime_seconds: int
    python_version: str
    platform: str
    db_stats: NumbersSchema
    qdrant_stats: IndexSchema
    redis_stats: RedisSchema | FailedPartSchema
    bot_sources: list[BotSourcesSchema]
    config: ConfigSchema
    provider_failures: list[ProviderFailureSchema]
    queue: QueueSchema
