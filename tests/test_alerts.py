"""Each alert fires by what it is for, and none of an installation that is well: tried by Prometheus' own `promtool`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

RULES = Path(__file__).resolve().parent.parent / "docs/monitoring/alerts.yaml"
ALERTS = {rule["alert"]: rule for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]}

# Of two web machines, as Prometheus keeps them: a value, or what is added each minute. Busy, and well.
WELL = {
    "up": "1x180",
    'minirag_up{server="redis"}': "1x180",
    'minirag_requests_total{status="200"}': "0+600x180",
    'minirag_requests_total{status="503"}': "0+6x180",
    'minirag_turns_total{outcome="answered"}': "0+100x180",
    'minirag_turns_total{outcome="failed"}': "0+2x180",
    'minirag_first_token_seconds_bucket{le="5.0"}': "0+100x180",
    'minirag_first_token_seconds_bucket{le="+Inf"}': "0+100x180",
    "minirag_oldest_job_seconds": "3600x180",
    'minirag_jobs{state="waiting"}': "50x180",
    'minirag_jobs{state="running"}': "2x180",
    "minirag_oldest_due_seconds": "20x180",
    'minirag_provider_errors_total{category="unavailable"}': "0+1x180",
    "minirag_backup_failed": "0x180",
    "minirag_last_backup_seconds": "80000+60x180",
    'minirag_database_connections{state="idle"}': "70x180",
    "minirag_database_connections_limit": "100x180",
    "minirag_pool_wait_seconds_sum": "0+40x180",
    'minirag_docs_info{url="https://docs.example.com/"}': "1x180",
    "minirag_redis_memory_bytes": "85x180",
    "minirag_redis_memory_limit_bytes": "100x180",
}
ILL: dict[str, list[dict[str, str]]] = {
    "MiniRAGDown": [{"up": "0x180"}, {"up": ""}],
    "ServerDown": [{'minirag_up{server="redis"}': "0x180"}],
    "ManyErrors": [{'minirag_requests_total{status="503"}': "0+30x180"}],
    "ManyTurnsFail": [{'minirag_turns_total{outcome="failed"}': "0+10x180"}],
    "SlowFirstToken": [{'minirag_first_token_seconds_bucket{le="5.0"}': "0+50x180",
                        'minirag_first_token_seconds_bucket{le="10.0"}': "0+100x180"}],
    "WorkStandsStill": [{'minirag_jobs{state="running"}': "0x180"}],
    "ClockStandsStill": [{"minirag_oldest_due_seconds": "900x180"}],
    "ProvidersFail": [{'minirag_provider_errors_total{category="unavailable"}': "0+10x180"}],
    "BackupMissing": [{"minirag_backup_failed": "1x180"}, {"minirag_last_backup_seconds": "100000x180"},
                      {"minirag_last_backup_seconds": ""}],
    "DatabaseFull": [{'minirag_database_connections{state="idle"}': "85x180"}],
    "PoolExhausted": [{"minirag_pool_wait_seconds_sum": "0+100x180"}],
    "RedisFull": [{"minirag_redis_memory_bytes": "95x180"}],
}  # fmt: skip


def write_series(values: dict[str, str]) -> list[dict[str, str]]:
    """The series of both machines; one without values is of a machine that tells nothing of it."""
    return [
        {"series": f'{name}{{job="minirag",instance="{host}",{labels}}}', "values": told}
        for series, told in values.items()
        if told
        for name, labels in [re.fullmatch(r"(\w+)(?:\{(.*)\})?", series).groups(default="")]
        for host in ("a", "b")
    ]


def write_case(values: dict[str, str], fires: str | None) -> dict:
    """What Prometheus knows, and which alert alone is told after two hours and a half."""
    tests = []
    for name, rule in ALERTS.items():
        if name != fires:
            tests.append(f"count(ALERTS{{alertname='{name}',alertstate='firing'}})")
    quiet = [{"expr": each, "eval_time": "150m", "exp_samples": []} for each in tests]
    told = [{"expr": f"count(ALERTS{{alertname='{fires}',alertstate='firing'}}) > bool 0",
             "eval_time": "150m", "exp_samples": [{"labels": "{}", "value": 1}]}]  # fmt: skip
    return {
        "interval": "1m",
        "input_series": write_series(values),
        "promql_expr_test": quiet + (told if fires else []),
    }


def write_link_case(docs: dict[str, str], address: str) -> dict:
    """The one alert that needs no more than a server that is away, with where it leads."""
    summary = {
        "summary": "redis does not answer",
        "runbook_url": f"{address}monitoring/#serverdown",
    }
    labels = {"severity": "page", "job": "minirag", "instance": "a", "server": "redis"}
    values = docs | {'minirag_up{server="redis"}': "0x180"}
    series = [each for each in write_series(values) if 'instance="a"' in each["series"]]
    told = [{"exp_labels": labels, "exp_annotations": summary}]
    return {
        "interval": "1m", "input_series": series,
        "alert_rule_test": [{"alertname": "ServerDown", "eval_time": "100m", "exp_alerts": told}],
    }  # fmt: skip


def test_every_alert_leads_to_its_section_of_the_runbook():
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook_url"].endswith(f"}}}}monitoring/#{name.lower()}")


def test_every_alert_has_what_makes_it_fire():
    assert set(ILL) == set(ALERTS)


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool: apt install prometheus")
def test_each_alert_is_told_by_what_it_is_for_and_by_nothing_else(tmp_path):
    cases = [write_case(WELL, None)] + [
        write_case(WELL | ill, name) for name, ills in ILL.items() for ill in ills
    ]
    docs = 'minirag_docs_info{url="https://docs.example.com/"}'
    moved = 'minirag_docs_info{url="https://handbook.example.com/"}'
    # Known, no longer told since it is down, moved, and never known.
    cases += [
        write_link_case({docs: "1x180"}, "https://docs.example.com/"),
        write_link_case({docs: "1x20"}, "https://docs.example.com/"),
        write_link_case({docs: "1x20", moved: "_x20 1x20"}, "https://handbook.example.com/"),
        write_link_case({moved: "1x20", docs: "_x20 1x20"}, "https://docs.example.com/"),
        write_link_case({}, ""),
    ]
    whole = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": cases}
    (tmp_path / "cases.yaml").write_text(json.dumps(whole))
    done = subprocess.run(
        ["promtool", "test", "rules", str(tmp_path / "cases.yaml")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
