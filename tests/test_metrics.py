"""What Prometheus is told: by whom, of what, added up over processes, and never anything that somebody typed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from conversations.tests.conftest import make_bot, teach
from conversations.tests.test_turns import take
from minirag.lib.metrics import counted
from tenants.context import tenant_context

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "a-token-of-the-operator's-Prometheus"


@pytest.fixture
def scrape(db, settings):
    settings.METRICS_TOKEN = TOKEN

    def read() -> dict[tuple[str, str], float]:
        answer = Client().get("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
        assert answer.status_code == 200, answer.content
        text = answer.content.decode()
        named = re.sub(
            r" \S+$", "", text, flags=re.MULTILINE
        )  # values may have such digits, by chance
        assert not re.search(r"acme|globex|4711", named), "what people typed is nobody's label"
        return {
            (sample.name, ",".join(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    return read


def test_only_who_shows_the_token_is_told_and_without_one_there_is_no_page(db, settings):
    assert Client().get("/metrics").status_code == 404
    settings.METRICS_TOKEN = TOKEN
    for sent in ({}, {"HTTP_AUTHORIZATION": "Bearer wrong"}, {"HTTP_AUTHORIZATION": TOKEN}):
        answer = Client().get("/metrics", **sent)
        assert answer.status_code == 401 and answer.json()["code"] == "not_authenticated"
    settings.METRICS_TOKEN = ""
    assert Client().get("/metrics", HTTP_AUTHORIZATION="Bearer ").status_code == 404
    assert Client().get("/t/acme/metrics").status_code == 404


def test_turns_requests_jobs_and_what_waits_are_counted(scrape, in_acme, acme):
    before = scrape()
    bot = make_bot(model="minirag/extractive")
    teach(bot, "The access code of the depot is 4711.")
    take(bot, "What is the access code of the depot?")
    take(bot, "hello")
    with tenant_context(None):
        Client(**acme.bearer).get(f"/v1/bot-profiles/{bot.pk}")
        Client().get("/v1/nowhere-4711")
        Client().generic("BREW", "/v1/system/health")
        after = scrape()

    def grown(name: str, labels: str = "") -> float:
        return after.get((name, labels), 0) - before.get((name, labels), 0)

    assert grown("minirag_turns_total", "answered") == 2
    assert grown("minirag_tokens_total", "prompt") > 0
    assert grown("minirag_jobs_total", "knowledge.source,done") == 1
    assert grown("minirag_work_seconds_count", "knowledge.source") == 1
    routes = {labels for name, labels in after if name == "minirag_requests_total"}
    assert [each for each in routes if re.fullmatch(r"GET,v1/bot-profiles/<[^,]+>,200", each)]
    assert [each for each in routes if each.endswith(",404")]
    assert grown("minirag_requests_total", "other,v1/system/health,405") == 1
    assert after["minirag_up", "pgvector"] == after["minirag_up", "redis"] == 1
    assert after["minirag_tenants", "active"] >= 2 and after["minirag_jobs", "waiting"] >= 0


def test_a_tenants_own_figures_are_there_only_where_they_are_asked_for(in_acme, acme, settings):
    settings.METRICS_TOKEN, settings.METRICS_TENANTS = TOKEN, ["globex"]
    bot = make_bot(model="minirag/extractive")

    def read() -> str:
        with tenant_context(None):
            answer = Client().get("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
        return answer.content.decode()

    before = read().count('tenant="acme"')
    take(bot, "hello")
    assert read().count('tenant="acme"') == before
    settings.METRICS_TENANTS = ["acme"]
    take(bot, "hello")
    assert 'minirag_tenant_turns_total{outcome="answered",tenant="acme"}' in read()
    counted._TENANT_TURNS.clear()
    counted._TENANT_COST.clear()


def count_in_a_process(folder: Path, code: str) -> str:
    """Run code in a process of its own that counts; `m` is what it counts with."""
    environment = {
        **os.environ, "DATA_DIR": str(folder), "METRICS_TOKEN": TOKEN,
        "DJANGO_SETTINGS_MODULE": "minirag.settings",
    }  # fmt: skip
    command = [sys.executable, "-c", f"from minirag.lib.metrics import counted as m\n{code}"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


SHOW = "from prometheus_client import generate_latest; print(generate_latest(m.read_counted()).decode())"


def test_processes_add_up_what_they_count_and_open_sockets_end_with_them(tmp_path):
    for _ in range(2):
        count_in_a_process(tmp_path, "m.note_provider_error('rate_limit'); m.note_sockets(+3)")
    told = count_in_a_process(
        tmp_path, f"m.note_provider_error('rate_limit'); m.note_sockets(+1)\n{SHOW}"
    )
    assert 'minirag_provider_errors_total{category="rate_limit"} 3.0' in told
    assert "minirag_open_sockets 1.0" in told
    assert (tmp_path / "metrics").stat().st_mode & 0o077 == 0


def test_sockets_of_a_machine_that_says_nothing_any_more_are_open_no_more(tmp_path):
    """A container that is replaced has another name, and nobody here can ask whether its processes live."""
    told = count_in_a_process(
        tmp_path,
        "import os, shutil, time\nfrom minirag.lib.metrics import files\n"
        "m.note_sockets(+1)\n"
        "[mine] = files.FOLDER.glob(f'gauge_livesum_*-{os.getpid()}.db')\n"
        "for age, name in ((3600, 'gone-1'), (60, 'there-1')):\n"
        "    other = files.FOLDER / f'gauge_livesum_{name}.db'\n"
        "    shutil.copy(mine, other)\n"
        "    os.utime(other, (time.time() - age,) * 2)\n"
        "os.utime(mine, (1, 1))\n"
        "m.note_request('GET', 'health', 200, 0.1)\n"
        "assert time.time() - mine.stat().st_mtime < 60, 'others see that it is there'\n"
        f"{SHOW}",
    )
    assert "minirag_open_sockets 2.0" in told


def test_files_that_are_damaged_old_or_of_a_dead_process_of_ones_name_spoil_nothing(tmp_path):
    """In a container that starts again the process has the number of the one before."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    broken = (b"", b"no", b"\xff" * 4096, (4096).to_bytes(4, "little") + b"\x07" * 4000)
    for number, content in enumerate(broken):
        (folder / f"counter_elsewhere-{number}.db").write_bytes(content)
    told = count_in_a_process(
        tmp_path,
        "import os, time\nfrom pathlib import Path\nfrom minirag.lib.metrics import files\n"
        "m.note_provider_error('rate_limit'); m.note_sockets(+5)\n"
        "mine = sorted(files.FOLDER.glob(f'*-{os.getpid()}.db'))\n"
        "for file in mine: os.utime(file, (1, 1))\n"  # nothing has happened for weeks
        "m.read_counted(); assert all(file.exists() for file in mine)\n"
        "if not os.fork():\n"
        "    for name in ('counter', 'gauge_livesum'):\n"
        "        there = files.FOLDER / f'{name}_{files._HOST}-{os.getpid()}.db'\n"
        "        there.write_bytes(b'\\xff' * 100 if name == 'counter' else mine[1].read_bytes())\n"
        "    m.note_provider_error('rate_limit'); m.note_sockets(+1)\n"
        f"    {SHOW}\n    import sys; sys.stdout.flush(); os._exit(0)\n"
        "assert os.wait()[1] == 0",
    )
    assert 'minirag_provider_errors_total{category="rate_limit"} 2.0' in told
    assert "minirag_open_sockets 6.0" in told


def test_a_folder_that_cannot_be_written_keeps_nothing_from_starting(tmp_path):
    (tmp_path / "metrics").write_text("a file, where a folder should be")
    told = count_in_a_process(tmp_path, f"m.note_provider_error('rate_limit')\n{SHOW}")
    assert 'minirag_provider_errors_total{category="rate_limit"} 1.0' in told


def list_expressions() -> dict[str, str]:
    """Of the dashboard, by panel and query. Grafana fills in the span that a rate is taken over."""
    board = json.loads((ROOT / "docs/monitoring/dashboard.json").read_text())
    return {
        f"{panel['id']} {panel['title']} {target['refId']}": target["expr"].replace(
            "$__rate_interval", "5m"
        )
        for panel in board["panels"]
        for target in panel.get("targets", ())
    }


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool: apt install prometheus")
def test_prometheus_understands_the_alerts_and_each_expression_of_the_dashboard(tmp_path):
    groups = [
        {"record": f"panel_{n}", "expr": each} for n, each in enumerate(list_expressions().values())
    ]
    (tmp_path / "dashboard.yaml").write_text(
        json.dumps({"groups": [{"name": "dashboard", "rules": groups}]})
    )
    for file in (tmp_path / "dashboard.yaml", ROOT / "docs/monitoring/alerts.yaml"):
        done = subprocess.run(
            ["promtool", "check", "rules", "--lint-fatal", str(file)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_names_only_metrics_that_there_are_and_leaves_none_out(db, settings):
    settings.METRICS_TOKEN = TOKEN
    said = Client().get("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}").content.decode()
    there = set(re.findall(r"^# TYPE (\w+)", said, re.MULTILINE))
    parts = r"_(bucket|sum|count)\b"
    named = {
        re.sub(parts, "", name)
        for each in list_expressions().values()
        for name in re.findall(r"\bminirag_\w+", each)
    }
    assert named == there


def test_alerts_and_their_page_speak_of_what_there_is(db, settings):
    settings.METRICS_TOKEN = TOKEN
    said = Client().get("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}").content.decode()
    there = set(re.findall(r"^# TYPE (\w+)", said, re.MULTILINE))
    page = (ROOT / "docs/monitoring.md").read_text()
    alerts = (ROOT / "docs/monitoring/alerts.yaml").read_text()
    named = {re.sub(r"_(bucket|sum)$", "", name) for name in re.findall(r"\bminirag_\w+", alerts)}
    assert named and named <= there
    for alert in re.findall(r"- alert: (\w+)", alerts):
        assert f"### {alert}" in page, f"the runbook says nothing of {alert}"
    assert set(re.findall(r"^\| `(minirag_\w+)`", page, re.MULTILINE)) == there


def test_where_the_docs_are_read_is_told_for_links_of_alerts(db, settings):
    settings.METRICS_TOKEN = TOKEN
    for url, told in (
        ("https://docs.example.com", 'minirag_docs_info{url="https://docs.example.com/"} 1.0'),
        ("", ""),
    ):
        settings.DOCS_URL = url
        said = Client().get("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}").content.decode()
        assert "\n".join(re.findall(r"^minirag_docs_info.*", said, re.MULTILINE)) == told
