"""What somebody wrote, a secret and a key are in no log, whatever the error that repeats them."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
from collections.abc import Callable
from unittest import mock

import pytest
from django.db import connection

from knowledge.models import Dataset
from minirag.lib.errors import BadInput
from minirag.logs import make_formatter

SAID = "my-mother-has-measles"


def in_a_parser() -> None:
    json.loads(json.dumps({SAID: 1}) + SAID)


def in_a_number() -> None:
    float(SAID)


def in_a_mapping() -> None:
    {}[SAID]


def in_a_refusal() -> None:
    raise BadInput(f"No: {SAID}", code="not_so")


def in_a_value() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT CAST(%s AS uuid)", [SAID])


def in_a_constraint() -> None:
    for _ in range(2):
        Dataset.objects.create(name=SAID)


def in_a_chain() -> None:
    try:
        in_a_number()
    except ValueError as error:
        raise RuntimeError(SAID) from error


def in_a_group() -> None:
    raise ExceptionGroup(SAID, [ValueError(SAID), KeyError(SAID)])


@pytest.fixture(params=["json", "console"])
def log(request) -> tuple[logging.Logger, io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(make_formatter(request.param))
    logger = logging.Logger("anybody")
    logger.addHandler(handler)
    return logger, written


@pytest.mark.parametrize(
    ("fail", "told"),
    [
        (in_a_parser, "JSONDecodeError"), (in_a_number, "ValueError"), (in_a_mapping, "KeyError"),
        (in_a_refusal, "BadInput: not_so"), (in_a_value, "InvalidTextRepresentation: 22P02"),
        (in_a_constraint, "UniqueViolation: 23505 knowledge_dataset"), (in_a_chain, "ValueError"),
        (in_a_group, "KeyError"),
    ],
)  # fmt: skip
def test_the_words_of_an_error_are_in_no_log(in_acme, log, fail: Callable[[], None], told: str):
    logger, written = log
    try:
        fail()
    except Exception as error:
        logger.exception("it failed")
        logger.error("Task %(name)s raised: %(exc)s %(traceback)s", _as_celery(), exc_info=True)
        logger.error(
            "Exception inside application: %s", error, exc_info=error
        )  # as Daphne writes it
        logger.warning("%d tries, the last: %r", 2, error)
    text = written.getvalue()
    assert SAID not in text and told in text and fail.__name__ in text, text


def _as_celery() -> dict[str, str]:
    return {"name": "x", "exc": f"ValueError({SAID!r})", "traceback": SAID}


def test_an_error_of_code_is_told_in_its_own_words(log):
    logger, written = log
    try:
        None.nothing  # type: ignore[attr-defined]
    except AttributeError:
        logger.exception("it failed")
    assert "has no attribute" in written.getvalue()


def test_what_asyncio_says_of_a_task_that_nobody_waited_for_has_no_words_of_its_error(log):
    logger, written = log
    logger.name = "asyncio"

    async def leave() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(None)
        task = loop.create_task(asyncio.to_thread(in_a_number))
        await asyncio.wait([task])
        del task
        gc.collect()

    with mock.patch("asyncio.base_events.logger", logger):
        asyncio.run(leave())
    text = written.getvalue()
    assert "never retrieved" in text and "ValueError" in text and SAID not in text, text
