"""What Sentry is told of a fault: which, where, in whose request; and nothing that was said."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import sentry_sdk
import structlog

from minirag.operations.reporting import begin_reporting
from tests.fakes.receiver import Receiver

SAID = "my-mother-has-measles"
KEY = "sk-abcdefghijklmnop"


@pytest.fixture
def sentry(settings, in_acme) -> Iterator[Receiver]:
    with Receiver() as receiver:
        settings.SENTRY_DSN = receiver.dsn
        before = sentry_sdk.get_client()
        begin_reporting()
        yield receiver
        sentry_sdk.get_client().close(timeout=0)
        sentry_sdk.get_global_scope().set_client(before)


def fail(question: str) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Cookie": f"sessionid={KEY}"}
    raise ValueError(f"{question} {headers}")


def test_a_fault_is_told_with_its_place_and_whose_request_it_was_but_without_what_was_said(
    sentry, acme
):
    structlog.contextvars.bind_contextvars(request_id="r-1")
    try:
        fail(SAID)
    except ValueError:
        structlog.get_logger("minirag.turns").exception("turn failed", question=SAID, key=KEY)
    structlog.contextvars.clear_contextvars()
    logging.getLogger("celery").error("Task %(name)s raised: %(exc)s", {"name": "x", "exc": SAID})
    logging.getLogger("x").warning("%s", SAID)
    logging.getLogger("asyncio").error(f"could not answer {SAID}")
    first, second, third = sentry.wait_for(3, "events")
    assert first["logentry"]["formatted"] == "turn failed" and first["level"] == "error"
    assert first["tags"] == {"request_id": "r-1", "tenant": acme.slug}
    (error,) = first["exception"]["values"]
    assert (error["type"], error["value"]) == ("ValueError", "ValueError")
    assert error["stacktrace"]["frames"][-1]["function"] == "fail"
    assert second["logentry"]["formatted"] == "Task %(name)s raised: %(exc)s"
    assert third["logentry"]["formatted"].startswith("test_reporting.test_a_fault")
    raw = sentry.raw().decode()
    assert SAID not in raw and KEY not in raw and "sessionid" not in raw


def test_what_is_no_fault_is_not_told_and_without_a_dsn_nothing_is(sentry, settings):
    logging.getLogger("x").warning("nothing much")
    sentry_sdk.flush(1)
    assert sentry.events() == []
    sentry_sdk.get_global_scope().set_client(None)
    settings.SENTRY_DSN = ""
    begin_reporting()
    assert not sentry_sdk.get_client().is_active()
