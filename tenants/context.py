"""The current tenant, as a ContextVar: the single source that the database backend, cache keys, files, locks, channel
groups and logs derive from.

A ContextVar follows `await`, `asyncio` tasks and every thread that asgiref makes, where django-tenants' own state on
the connection does not. Enter a tenant with `tenant_context` only; nothing in the core takes a tenant argument.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections

if TYPE_CHECKING:
    from tenants.models import Tenant

PUBLIC_SCHEMA = "public"

P = ParamSpec("P")
R = TypeVar("R")


class HasSchema(Protocol):
    schema_name: str


class Schema:
    """A schema that is no tenant's: the template, or one that is being made."""

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
        raise NoTenant("No tenant is bound here. Enter one with tenants.context.tenant_context(tenant).")
    return tenant


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


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.DATABASE_THREADS, thread_name_prefix="database")


def _run_and_release(function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> R:
    try:
        return function(*args, **kwargs)
    finally:
        connections.close_all()  # with the pool: give the connection back


async def run_sync(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The one way from async code to the ORM: run `function` in a bounded pool of threads, in the caller's tenant.

    The connection goes back as soon as the function returns, so nothing is held while a model streams, and there
    are never more threads than connections: callers queue here instead of timing out in the pool. With
    `DATABASE_THREADS=0` it runs on the thread that called into the loop (tests inside a transaction).
    """
    if not settings.DATABASE_THREADS:
        return await sync_to_async(function, thread_sensitive=True)(*args, **kwargs)
    gate = sync_to_async(_run_and_release, thread_sensitive=False, executor=_threads())
    return await gate(function, args, kwargs)


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
