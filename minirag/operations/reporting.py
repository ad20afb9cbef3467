"""Faults of ours, told to Sentry, where SENTRY_DSN names one.

An event is made anew of what a log line would say too: which error, where in the code, in which request and tenant.
What else the library has gathered (texts of messages, values of variables, headers, cookies, command lines) stays here.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import structlog
from django.conf import settings

from minirag import __version__
from minirag.lib.tracing.spans import current_trace_id
from minirag.logs import mask_secrets, name_error
from tenants.context import current_tenant

_KEPT: Final = (
    "event_id",
    "timestamp",
    "level",
    "platform",
    "release",
    "environment",
    "sdk",
    "logger",
)
_FRAME: Final = ("filename", "abs_path", "function", "module", "lineno", "in_app")
_LINE: Final = 300


def begin_reporting() -> None:
    """Have errors that are logged, and those that end a process, reported; does nothing without a DSN."""
    if not settings.SENTRY_DSN:
        return
    import sentry_sdk
    from sentry_sdk.integrations.atexit import AtexitIntegration
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration
    from sentry_sdk.integrations.threading import ThreadingIntegration

    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.SENTRY_ENVIRONMENT,
        release=f"minirag@{__version__}",
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            LoggingIntegration(level=None),
            ExcepthookIntegration(),
            ThreadingIntegration(propagate_scope=False),
            AtexitIntegration(callback=lambda pending, timeout: None),
        ],
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        shutdown_timeout=2,
        before_send=rewrite,
    )


def rewrite(event: Any, hint: dict[str, Any]) -> Any:
    """Return an event with what may be told of this one."""
    import sentry_sdk
    from sentry_sdk.utils import event_from_exception

    told = {name: event[name] for name in _KEPT if name in event}
    told["tags"] = _tell_where()
    told["logentry"] = {"formatted": _name_line(event, hint)}
    # structlog has put the error into words by now; it is still being handled.
    failed = hint.get("exc_info") or sys.exc_info()
    if failed[1] is not None:
        found, _ = event_from_exception(failed, sentry_sdk.get_client().options)
        told["exception"] = {"values": [_tell_error(each) for each in found["exception"]["values"]]}
        told["exception"]["values"][-1]["value"] = mask_secrets(name_error(failed[1]))
    return told


def _tell_where() -> dict[str, str]:
    tenant = current_tenant()
    found = {
        "request_id": str(structlog.contextvars.get_contextvars().get("request_id", "")),
        "trace_id": current_trace_id(),
        "tenant": vars(tenant).get("slug", "") if tenant else "",
    }
    return {name: value for name, value in found.items() if value}


def _name_line(event: Any, hint: dict[str, Any]) -> str:
    """What a log line is called: words of ours, or what a library puts its values into, in which nobody's stand.

    Where a library has put them in itself, the line's place in its code.
    """
    record = hint.get("log_record")
    message = getattr(record, "msg", "")
    if isinstance(message, dict):  # structlog's
        message = message.get("event", "")
    elif isinstance(message, BaseException):
        message = name_error(message)
    elif record is not None and not record.args:
        message = f"{record.module}.{record.funcName}, line {record.lineno}"
    return mask_secrets(str(message).partition("\n")[0])[:_LINE]


def _tell_error(value: dict[str, Any]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames") or []
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "stacktrace": {"frames": [{key: each.get(key) for key in _FRAME} for each in frames]},
    }
