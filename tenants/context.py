"""The current tenant, as a ContextVar: the single source that the database backend, cache keys, files, locks, channel
groups and logs derive from.

A ContextVar follows `await`, `asyncio` tasks and every thread that asgiref makes, where django-tenants' own state on
the connection does not. Enter a tenant with `tenant_context` only; nothing in the core takes a tenant argument.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol, TypeVar
from uuid import UUID

from minirag.lib.database import run_sync
from minirag.lib.rows import QuickRow

if TYPE_CHECKING:
    from tenants.models import Tenant

__all__ = [
    "PUBLIC_SCHEMA",
    "HasSchema",
    "NoTenant",
    "Schema",
    "TenantRow",
    "bind_stream",
    "current_schema",
    "current_tenant",
    "make_cache_key",
    "require_tenant",
    "run_sync",
    "scoped_name",
    "tenant_context",
]

PUBLIC_SCHEMA = "public"

R = TypeVar("R")


class HasSchema(Protocol):
    schema_name: str


class Schema:
    """A schema that belongs to no tenant: the template, or one that is being made."""

    def __init__(self, schema_name: str) -> None:
        self.schema_name = schema_name


class NoTenant(RuntimeError):
    """Code that belongs to a tenant ran without one. A programming error: fail closed, never fall back to public."""


_current: ContextVar[HasSchema | None] = ContextVar("current_tenant", default=None)


@contextmanager
def tenant_context(tenant: HasSchema | None) -> Iterator[None]:
    """Run the body as `tenant`; None means no tenant, so the public schema alone."""
    token = _current.set(tenant)
    try:
        yield
    finally:
        _current.reset(token)


def current_tenant() -> Tenant | None:
    """Return the tenant in force, or None outside of any (also inside a bare `Schema`)."""
    bound = _current.get()
    return None if bound is None or isinstance(bound, Schema) else bound  # type: ignore[return-value]


def require_tenant() -> Tenant:
    """Return the tenant in force; raises NoTenant where there is none."""
    tenant = current_tenant()
    if tenant is None:
        raise NoTenant(
            "No tenant is bound here. Enter one with tenants.context.tenant_context(tenant)."
        )
    return tenant


class TenantRow(QuickRow):
    """Mixed into models of a tenant's schema whose rows name their tenant on the wire; it is the schema's tenant."""

    @property
    def tenant_id(self) -> UUID:
        return require_tenant().pk


def current_schema() -> str:
    """Return the name of the schema in force: `public` outside of any tenant."""
    bound = _current.get()
    return PUBLIC_SCHEMA if bound is None else bound.schema_name


def make_cache_key(key: str, key_prefix: str, version: int) -> str:
    """Django's cache KEY_FUNCTION: the same key of two tenants is two entries."""
    return f"minirag:{current_schema()}:{key_prefix}:{version}:{key}"


def scoped_name(*parts: object) -> str:
    """Name a lock, a channel group or a Redis key of the current tenant; raises NoTenant outside of one."""
    return ".".join([require_tenant().schema_name, *map(str, parts)])


async def bind_stream(stream: AsyncIterator[R], tenant: HasSchema | None) -> AsyncIterator[R]:
    """Iterate `stream` with `tenant` bound around each step: a streaming body runs after its middleware returned."""
    try:
        while True:
            with tenant_context(tenant):
                try:
                    item = await anext(stream)
                except StopAsyncIteration:
                    return
            yield item
    finally:
        with tenant_context(tenant):
            if hasattr(stream, "aclose"):
                await stream.aclose()
