"""What a process loads, and what it puts off."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading

from minirag.lib.starting import extras, patterns
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


def test_what_one_thread_hides_another_may_load_in_the_same_moment(tmp_path, monkeypatch):
    (tmp_path / "wanted_by_all.py").write_text("")
    (tmp_path / "loads_slowly.py").write_text(
        "import known_to_the_test\n"
        "known_to_the_test.wait()\n"
        "try:\n    import wanted_by_all\nexcept ImportError:\n    wanted_by_all = None\n"
    )
    reached, may_go_on = threading.Event(), threading.Event()

    class Known:
        @staticmethod
        def wait():
            reached.set()
            assert may_go_on.wait(60)

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "known_to_the_test", Known)
    monkeypatch.setitem(extras._HIDDEN_FROM, "loads_slowly", ("wanted_by_all",))
    loading = threading.Thread(target=importlib.import_module, args=["loads_slowly"])
    loading.start()
    try:
        assert reached.wait(60)
        importlib.import_module("wanted_by_all")
    finally:
        sys.modules.pop("wanted_by_all", None)
        may_go_on.set()
        loading.join()
    assert sys.modules.pop("loads_slowly").wanted_by_all is None
