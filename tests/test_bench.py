"""The measuring itself: verdicts, quantiles, the provider that knows when it spoke. The figures are `make bench`'s."""

from __future__ import annotations

import asyncio
import base64
import math
import random
import secrets
import subprocess
import sys
import time

import httpx
import numpy as np
import pytest

from bench.__main__ import read_arguments
from bench.clients import HttpClient, Turn
from bench.peer import Adapter
from bench.processes import find_by_command, list_descendants, read_cpu_seconds
from bench.product import Provider
from bench.provider import read_stamps
from bench.report import Budget, Figure, Report, quantile, render
from bench.streams import count_at_once
from bench.synthetic import TOPICS, VectorSpace, count_words, make_text
from tests.product import CHECKOUT

PEERS = CHECKOUT / "bench" / "peers"


def test_a_budget_is_a_ceiling_unless_it_is_a_floor():
    assert Budget(25).holds(25) and not Budget(25).holds(25.1)
    assert Budget(60, at_least=True).holds(60) and not Budget(60, at_least=True).holds(59.9)


def test_a_figure_says_plainly_that_it_missed_its_budget():
    assert (
        Figure("CPU", 50, "ms", Budget(25), baseline=10).verdict
        == "MISSED (2.00 of it), 5.0 x 10.0 ms"
    )
    assert Figure("calls", 0, "calls", Budget(0)).verdict == "holds"
    assert Figure("memory", 500, "MiB", note="after 200 streams").verdict == "after 200 streams"


def test_the_table_names_what_was_missed_and_nothing_else(capsys):
    report = Report()
    report.add("turn", "CPU", 30, "ms", Budget(25))
    report.add("turn", "wait", 20, "ms", Budget(25))
    assert report.missed() == ["turn: CPU is 30.0 ms, budget <= 25.0 ms"]
    assert len({len(line) for line in report.render_table().splitlines()}) == 1
    assert "MISSED" in capsys.readouterr().out


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2), (0.95, 4), (0.0, 1), (1.0, 4)])
def test_a_quantile_is_one_of_the_values(share, expected):
    assert quantile([4, 2, 1, 3], share) == expected
    assert math.isnan(quantile([], share))


def test_numbers_are_shown_with_three_digits():
    assert [render(*pair) for pair in [(1234.5, "ms"), (12.34, "ms"), (1.234, "s"), (0.0123, "%"), (0.98, "")]] == [
        "1,234 ms", "12.3 ms", "1.23 s", "1.23 %", "0.980",
    ]  # fmt: skip


def test_unknown_sections_are_refused():
    with pytest.raises(SystemExit):
        read_arguments(["speed"])
    assert read_arguments(["turn", "--quick"]).sections == {"turn"}


def test_a_turn_leaves_out_what_the_model_took_even_when_a_token_comes_in_two_pieces():
    turn = Turn(asked=time.monotonic() - 1)
    turn.note("delta", {"content": "1000000:1000000:14000"})
    turn.note("delta", {"content": "00~ "})
    assert len(turn.tokens) == 1
    assert turn.overhead_ms == pytest.approx(turn.first_token_ms - 400)


def test_streams_count_as_held_only_while_they_speak_at_the_same_time():
    turns = [
        Turn(0, first_token=1, ended=3),
        Turn(0, first_token=2, ended=5),
        Turn(0, first_token=3, ended=4),
    ]
    assert count_at_once(turns) == 2


def test_a_failed_turn_ends_the_measurement():
    with pytest.raises(RuntimeError, match="rate_limit"):
        Turn(0.0).note("error", {"code": "rate_limit"})


def test_the_provider_paces_its_tokens_and_says_when_they_were_due():
    async def ask(base_url: str) -> Turn:
        body = {"model": "d30-n3-i20", "messages": [], "stream": True}
        async with HttpClient(base_url) as client:
            await client.stream_raw("/v1/chat/completions", body)
            return await client.stream_raw("/v1/chat/completions", body)

    with Provider() as provider:
        turn = asyncio.run(ask(provider.base_url))
    stamps = [stamp for _, stamp in turn.tokens]
    assert [round((stamp.due - stamps[0].received) * 1000) for stamp in stamps] == [30, 50, 70]
    assert all(stamp.due <= stamp.sent <= seen for seen, stamp in turn.tokens)
    assert turn.first_token_ms >= 29
    assert read_stamps("no stamp, 12:3~") == []


def test_the_provider_answers_in_one_piece_as_late_and_knows_a_vector_for_each_text():
    with Provider() as provider:
        asked = {"model": "d20-n3-i20", "messages": []}
        whole = httpx.post(f"{provider.base_url}/chat/completions", json=asked).json()
        texts = {"model": "small", "input": ["hours", "prices", "hours"]}
        plain, packed = (
            httpx.post(f"{provider.base_url}/embeddings", json=texts | more).json()["data"]
            for more in ({"dimensions": 4}, {"dimensions": 4, "encoding_format": "base64"})
        )
    stamps = read_stamps(whole["choices"][0]["message"]["content"])
    assert len(stamps) == 3 and stamps[-1].sent >= stamps[-1].due
    assert plain[0]["embedding"] == plain[2]["embedding"] != plain[1]["embedding"]
    unpacked = np.frombuffer(base64.b64decode(packed[0]["embedding"]), "<f4")
    assert np.allclose(unpacked, plain[0]["embedding"])


@pytest.mark.parametrize("path", sorted(PEERS.glob("*.toml")), ids=lambda path: path.stem)
def test_an_adapter_file_says_all_that_a_peer_needs(path):
    adapter = Adapter.read(path)
    assert adapter.name and adapter.base_url.startswith("http://127.0.0.1:")
    assert adapter.start or (adapter.processes and adapter.provider_port)
    assert read_arguments(["peer", "--peer", str(path)]).peer == adapter


def test_a_peer_needs_its_adapter_file_and_no_key_of_it_is_passed_over(tmp_path):
    with pytest.raises(SystemExit):
        read_arguments(["peer"])
    (tmp_path / "odd.toml").write_text('name = "x"\nbase_url = "http://127.0.0.1:1"\nprocess = []')
    with pytest.raises(ValueError, match="process"):
        Adapter.read(tmp_path / "odd.toml")


def test_the_time_of_a_child_is_seen():
    mark = secrets.token_hex(8)  # others on this machine may run this test as well
    spin = f"import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ntime.sleep(60)  # {mark}"
    child = subprocess.Popen([sys.executable, "-c", spin], stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        assert child.pid in list_descendants(child.pid)
        assert find_by_command([mark]) == [child.pid]
        assert find_by_command([]) == []
        assert 0.25 < read_cpu_seconds([child.pid]) < 2
    finally:
        child.kill()
        child.wait()


def test_made_up_knowledge_has_the_shape_of_real_one():
    assert make_text(3, seed=1) == make_text(3, seed=1) != make_text(3, seed=2)
    assert all(60 < len(count_words(random.Random(1), topic)) <= 105 for topic in (0, TOPICS - 1))
    space = VectorSpace(1)
    vectors = space.place(np.array([1] * 20 + [2] * 20))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cosines = vectors @ vectors.T
    within = (cosines[:20, :20].sum() - 20) / 380
    assert within > 0.5 > 0.2 > cosines[:20, 20:].mean()
