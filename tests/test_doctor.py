"""`manage.py doctor` finds what is wrong, says what to do, and shows no secret."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from bots.models import BotProfile, ProviderChoice, ProviderCredential, UsageEvent
from bots.usage.figures import keep_figures
from conftest import Party
from conversations.models import Chat, Message
from knowledge.models import Dataset
from knowledge.models.reembedding import Reembedding
from minirag.ai.builtin import folders
from minirag.celery import app
from minirag.operations import diagnosis, places
from minirag.operations.findings import FAIL, OK, WARN
from tenants.models import Tenant
from tests.embedder_folder import make_folder


@pytest.fixture
def quick_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_WORKER_SECONDS", 0.2)


def run_doctor(*arguments: str) -> tuple[int, str]:
    output = io.StringIO()
    try:
        call_command("doctor", *arguments, stdout=output, no_color=True)
    except SystemExit as end:
        return int(end.code or 0), output.getvalue()
    return 0, output.getvalue()


@pytest.mark.django_db
def test_a_sound_database_redis_and_its_secrets_are_ok() -> None:
    for check in (
        diagnosis.check_secrets, diagnosis.check_database, diagnosis.check_pgvector, diagnosis.check_migrations,
        diagnosis.check_tenants, diagnosis.check_redis, diagnosis.check_debug, places.check_files,
    ):  # fmt: skip
        finding = check()
        assert (finding.state, finding.remedy) == (OK, ""), finding


@pytest.mark.django_db
def test_without_a_worker_it_fails_says_so_and_ends_with_1(quick_worker: None) -> None:
    code, output = run_doctor()
    assert code == 1
    assert (
        "fail  worker      none answers\n                  → Start one: celery -A minirag worker"
        in output
    )


@pytest.mark.django_db
def test_json_holds_the_same_findings_and_no_secret(
    quick_worker: None, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-value")
    settings.DEFAULT_LLM_MODEL = "gpt-4o-mini"
    code, output = run_doctor("--json")
    findings = {finding["part"]: finding for finding in json.loads(output)}
    assert code == 1
    assert findings["worker"]["state"] == FAIL
    assert "OPENAI_API_KEY" in findings["provider"]["detail"]
    assert findings["provider"]["state"] == OK
    for secret in (
        "sk-very-secret-value",
        settings.SECRET_KEY,
        settings.DATABASES["default"]["PASSWORD"],
    ):
        assert secret not in output


def test_a_worker_that_answers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.control, "ping", lambda timeout: [{"worker@acme": {"ok": "pong"}}])
    assert diagnosis.check_worker().detail == "worker@acme"


@pytest.mark.django_db
def test_a_tenant_whose_schema_is_behind_is_named() -> None:
    Tenant.objects.create(name="Late", slug="late", schema_name="t_late", schema_version="old")
    finding = diagnosis.check_tenants()
    assert (finding.state, finding.detail, finding.remedy) == (
        FAIL,
        "1 behind: late",
        "Run manage.py migrate.",
    )


@pytest.mark.parametrize("name", ["SECRET_KEY", "JWT_SECRET_KEY"])
def test_unset_secrets_fail(settings: Settings, name: str) -> None:
    setattr(settings, name, "")
    finding = diagnosis.check_secrets()
    assert finding.state == FAIL
    assert f"{name} is not set" in finding.detail


def test_an_unreachable_redis_fails_and_keeps_the_rest_going(settings: Settings) -> None:
    settings.REDIS_URL = "redis://:hidden@127.0.0.1:1/0"
    finding = diagnosis.check_redis()
    assert finding.state == FAIL
    assert "refused" in finding.detail
    assert "hidden" not in finding.detail


def test_a_missing_embedder_is_a_warning_with_the_command_that_makes_it(
    settings: Settings, tmp_path: Path
) -> None:
    settings.EMBEDDER_DIR = tmp_path
    finding = diagnosis.check_embedder()
    assert finding.state == WARN
    assert finding.remedy == f"Run python -m minirag.ai.build_minilm --output {tmp_path}"
    settings.DEFAULT_EMBEDDING_MODEL = "openai/text-embedding-3-small"
    assert diagnosis.check_embedder().state == OK


def test_whether_the_multilingual_embedder_is_there_is_told(
    settings: Settings, tmp_path: Path
) -> None:
    settings.EMBEDDER_DIR, settings.MULTILINGUAL_EMBEDDING_MODEL = tmp_path, "minirag/local:toy"
    finding = diagnosis.check_multilingual()
    assert finding.state == OK and "make multilingual" in finding.detail
    folders.forget(make_folder(tmp_path / "toy"))
    finding = diagnosis.check_multilingual()
    assert finding.state == OK and finding.detail.startswith("minirag/local:toy, for bots")
    settings.MULTILINGUAL_EMBEDDING_MODEL = ""
    assert "none is chosen" in diagnosis.check_multilingual().detail


def test_failed_re_embeddings_are_told_of_those_tenants_that_have_some(in_acme: Party) -> None:
    assert diagnosis.check_reembedding().state == OK
    dataset = Dataset.objects.create(name="Manuals", embedding_model="minirag/hash")
    key = Reembedding.objects.order(dataset.pk, "openai/large")
    Reembedding.objects.filter(pk=key).update(status="failed", error_code="provider_auth")
    finding = diagnosis.check_reembedding()
    assert finding.state == WARN and finding.remedy
    assert finding.detail == "acme: Manuals to openai/large (provider_auth)"


def test_an_embedders_folder_is_described_and_what_is_wrong_with_it_said(
    settings: Settings, tmp_path: Path
) -> None:
    settings.EMBEDDER_DIR = tmp_path
    settings.DEFAULT_EMBEDDING_MODEL = "minirag/local:toy"
    finding = diagnosis.check_embedder()
    assert finding.state == WARN and "there is no such folder." in finding.detail
    toy = make_folder(tmp_path / "toy")
    folders.forget(toy)
    finding = diagnosis.check_embedder()
    assert finding.state == OK
    assert "minirag/local:toy: onnx/model.onnx, 8 dimensions, pooling mean" in finding.detail
    broken = make_folder(tmp_path / "broken")
    (broken / "tokenizer.json").unlink()
    finding = diagnosis.check_embedder()
    assert finding.state == WARN and str(tmp_path) not in finding.detail
    assert "The embedder broken cannot be used: tokenizer.json is missing." in finding.detail
    assert "--check" in finding.remedy


@pytest.mark.django_db
def test_a_hosted_model_without_its_key_is_a_warning(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    settings.DEFAULT_LLM_MODEL = "anthropic/claude-sonnet-4-5"
    finding = diagnosis.check_provider()
    assert (finding.state, finding.remedy) == (WARN, "Set ANTHROPIC_API_KEY, or a key on each bot.")
    settings.DEFAULT_LLM_MODEL = "minirag/extractive"
    assert diagnosis.check_provider().state == OK


def test_an_account_that_a_provider_refuses_is_told_until_it_answers_again(
    in_acme: Party, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-set")
    settings.DEFAULT_LLM_MODEL = "gpt-4o-mini"
    bot = BotProfile.objects.create(name="Ava", model="gpt-4o-mini")
    assert diagnosis.check_provider().state == OK
    chat = Chat.objects.create(bot_profile=bot)
    Message.objects.create(
        chat=chat, role="user", content="x", outcome="failed", error_code="provider_quota"
    )
    UsageEvent.objects.create(bot_profile=bot, model="gpt-4o-mini", outcome="failed")
    keep_figures(at_once=True)
    finding = diagnosis.check_provider()
    assert finding.state == WARN and "replace the platform's key" in finding.remedy
    wanted = "refused: acme by gpt-4o-mini with the platform's key (provider_quota, last at "
    assert wanted in finding.detail
    key = ProviderCredential.objects.create(name="K", provider="openai", encrypted_key="x")
    chosen = ProviderChoice.objects.create(bot_profile=bot, credential=key, provider=key.provider)
    finding = diagnosis.check_provider()
    assert "with its own key" in finding.detail and "The tenant's own key" in finding.remedy
    chosen.delete()
    UsageEvent.objects.create(bot_profile=bot, model="gpt-4o-mini")
    assert diagnosis.check_provider().state == OK


def test_a_disk_that_fills_up_warns_first_and_fails_then(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    free = type("Usage", (), {"free": 1_000 * 2**20})
    monkeypatch.setattr(places.shutil, "disk_usage", lambda path: free)
    assert places.check_disk().state == WARN
    free.free = 100 * 2**20
    assert places.check_disk().state == FAIL


def test_debug_is_a_warning(settings: Settings) -> None:
    settings.DEBUG = True
    assert diagnosis.check_debug().state == WARN
    assert os.environ["DEBUG"] == "False"
