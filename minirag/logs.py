"""Structured logs: one JSON object or one readable line, with the ids of request, trace and tenant; no secret, nothing
that was said.

Of an error its type, its place in the code and its codes are told, and its own words only where they speak of code or
of a connection: a database says in them which value it could not take, and a parser what it could not read.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import structlog

from minirag.lib.errors import ProductError
from minirag.lib.tracing.spans import current_trace_id
from tenants.context import current_schema, current_tenant

_SECRETS = re.compile(
    r"(?i)(bearer\s+)[^\s\"']+|\b(sk-[A-Za-z0-9_-]{8,})|(://[^:/@\s]+:)[^@\s]+(?=@)"
)


def mask_secrets(text: str) -> str:
    """Replace bearer tokens, provider keys and passwords in URLs."""
    return _SECRETS.sub(lambda match: (match[1] or match[3] or "") + "***", text)


_SPEAK_OF_CODE = (
    AttributeError, ImportError, NameError, NotImplementedError, RecursionError, TypeError,
    OSError, psycopg.OperationalError,
)  # fmt: skip
_NAMED_BY_THE_DATABASE = ("sqlstate", "table_name", "column_name", "constraint_name")


def format_error(exc_info: Any) -> str:
    """Say where an error arose and what it is, with those that it came of, without what its words may repeat."""
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    return "\n".join(_tell_error(error, set())) if isinstance(error, BaseException) else ""


def _tell_error(error: BaseException, told: set[int]) -> Iterator[str]:
    told.add(id(error))
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None and id(earlier) not in told:
        yield from _tell_error(earlier, told)
        yield "which led to:" if error.__cause__ else "while that was handled:"
    yield "Traceback (most recent call last):"
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
    yield name_error(error)
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            if id(each) not in told:
                yield from _tell_error(each, told)


def name_error(error: BaseException) -> str:
    """Its type, its codes, and its words where those speak of code or of a connection."""
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    facts = []
    if isinstance(error, ProductError):
        facts.append(error.code)
    if isinstance(error, psycopg.Error):
        said = [getattr(error.diag, each) for each in _NAMED_BY_THE_DATABASE]
        facts += [each for each in said if each]
    if isinstance(error, _SPEAK_OF_CODE):  # a file's name may be an upload's
        facts.append(getattr(error, "strerror", None) or str(error).partition("\n")[0])
    return f"{name}: {' '.join(facts)}" if facts else name


def _hide_words(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Other libraries write an error's words into the message itself: Celery with a traceback, Daphne as they are,
    asyncio below its first line.
    """
    record, args = event["_record"], event.pop("positional_args", None)
    if isinstance(record.msg, BaseException):
        event["event"] = name_error(record.msg)
    elif isinstance(args, Mapping) and "exc" in args and record.exc_info:
        name = name_error(record.exc_info[1])
        event["event"] = record.msg % {**args, "exc": name, "traceback": ""}
    elif isinstance(args, tuple) and any(isinstance(each, BaseException) for each in args):
        named = (name_error(each) if isinstance(each, BaseException) else each for each in args)
        event["event"] = record.msg % tuple(named)
    elif record.name == "asyncio":
        event["event"] = event["event"].partition("\n")[0]
    return event


def _add_tenant(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    event.setdefault("schema", current_schema())
    if tenant := current_tenant():
        # Read past Django, which would ask the database for one that was loaded without it.
        event.setdefault("tenant", vars(tenant).get("slug"))
    if trace_id := current_trace_id():
        event["trace_id"] = trace_id
    return event


def _mask_event(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    return {
        key: mask_secrets(value) if isinstance(value, str) else value
        for key, value in event.items()
    }


def make_formatter(style: str = "json") -> logging.Formatter:
    """Build the formatter that settings.LOGGING names; `style` is `json` or `console`."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
        _add_tenant,
        structlog.processors.ExceptionRenderer(format_error),
        _mask_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Any = structlog.processors.JSONRenderer()
    if style == "console":
        # Plain: `rich` tracebacks would print local variables, and with them secrets.
        renderer = structlog.dev.ConsoleRenderer(
            exception_formatter=structlog.dev.plain_traceback, colors=False
        )
    before: list[Any] = [_hide_words, *shared]
    return structlog.stdlib.ProcessorFormatter(
        pass_foreign_args=True,
        foreign_pre_chain=before,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
