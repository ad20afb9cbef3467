"""What a process loads, and what it puts off."""

from __future__ import annotations

import subprocess
import sys

from minirag.lib.starting import patterns
from minirag.lib.starting.patterns import compile_later, compile_now


def test_a_pattern_is_written_and_compiled_once_when_it_is_needed():
    written = []
    words = compile_later(lambda: written.append("written") or "[a-z]+")
    assert written == []
    assert words.findall("one two") == ["one", "two"]
    assert words.fullmatch("three") and words.pattern == "[a-z]+"
    assert written == ["written"]


def test_what_was_put_off_is_compiled_before_somebody_waits_for_it():
    digits = compile_later(r"\d+")
    compile_now()
    assert digits in patterns._made and digits._compiled is not None


def test_what_is_hidden_from_one_library_is_there_for_others():
    script = (
        "import minirag, sys, redis, httpx, structlog; from redis.observability import providers;"
        "assert not providers.OTEL_AVAILABLE and 'rich' not in sys.modules;"
        "import rich, opentelemetry.sdk.metrics, click, twisted"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=600)
