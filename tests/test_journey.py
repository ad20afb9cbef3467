"""The main job, end to end, on real servers: two tenants, real files, a worker, cited answers, refusals, deletion."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from minirag.lib.tests.conftest import outside  # noqa: F401 - a fixture
from tests.product import Product, TenantAccount

pytestmark = [pytest.mark.product, pytest.mark.timeout(900)]

DEMO = Path(__file__).resolve().parent.parent / "minirag" / "local" / "demo"
QUESTIONS = json.loads((DEMO / "questions.json").read_text())
PLAIN = next(entry for entry in QUESTIONS["acme"]["answerable"] if "E24" in entry["question"])


def ask(account: TenantAccount, question: str, **fields) -> dict:
    answer = account.client.post(
        "/v1/chat",
        json={"bot_profile_id": account.bot_id, "message": question, "extended": True, **fields},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def taught(
    product: Product, acme_account: TenantAccount, globex_account: TenantAccount
) -> dict[str, dict[str, str]]:
    """Both tenants, each with a bot and its real files, ingested by the worker: {slug: {file name: source id}}."""
    sources: dict[str, dict[str, str]] = {}
    for account in (acme_account, globex_account):
        account.bot_id = product.make_bot(account)
        kinds = (".md", ".csv", ".pdf", ".docx")
        files = sorted(path for path in (DEMO / account.slug).iterdir() if path.suffix in kinds)
        assert len(files) >= 3
        sources[account.slug] = {
            path.name: product.upload(account, account.bot_id, path) for path in files
        }
    for account in (acme_account, globex_account):
        for source_id in sources[account.slug].values():
            assert product.wait_until_ready(account, source_id)["chunk_count"] > 0
    return sources


@pytest.mark.parametrize("slug", ["acme", "globex"])
def test_each_bot_answers_its_own_questions_with_a_citation_of_the_right_file(
    taught, acme_account, globex_account, slug
):
    account = {"acme": acme_account, "globex": globex_account}[slug]
    right = 0
    own = QUESTIONS[slug]["answerable"]
    for entry in own:
        answer = ask(account, entry["question"])
        if (
            answer["refusal"]
            or entry["fact"].casefold() not in answer["message"]["content"].casefold()
        ):
            continue
        assert answer["citations"], answer
        right += taught[slug][entry["file"]] in {
            citation["source_id"] for citation in answer["citations"]
        }
    assert right >= 0.8 * len(own), f"{right} of {len(own)}"


@pytest.mark.parametrize("slug", ["acme", "globex"])
def test_each_bot_refuses_what_only_the_other_knows_and_what_nobody_knows(
    taught, acme_account, globex_account, slug
):
    account = {"acme": acme_account, "globex": globex_account}[slug]
    other = "globex" if slug == "acme" else "acme"
    foreign = [entry["question"] for entry in QUESTIONS[other]["answerable"]] + QUESTIONS[
        "nobody_can_answer"
    ]
    refused = 0
    for question in foreign:
        answer = ask(account, question)
        if answer["refusal"]:
            refused += 1
            assert answer["citations"] == []
            # `not_answered`: something near was found, and it does not hold what was asked.
            if answer["refusal"]["reason"] != "not_answered":
                assert answer["sources"] == []
                assert answer["refusal"]["score"] < answer["refusal"]["threshold"]
    assert refused >= 0.8 * len(foreign), f"{refused} of {len(foreign)}"


def test_the_stream_tells_the_same_as_the_json(taught, acme_account):
    entry = PLAIN
    whole = ask(acme_account, entry["question"])
    body = {"bot_profile_id": acme_account.bot_id, "message": entry["question"], "stream": True}
    with acme_account.client.stream("POST", "/v1/chat", json=body) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        raw = response.read().decode("ascii")
    blocks = [block.split("\n") for block in raw.removesuffix("\n\n").split("\n\n")]
    assert all(len(block) == 2 for block in blocks)
    events = [
        (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        for name, data in blocks
    ]
    names = [name for name, _ in events]
    assert names[0] == "sources" and names[-1] == "done" and set(names[1:-1]) == {"delta"}
    assert events[0][1]["sources"] == whole["sources"]
    assert (
        "".join(data["content"] for name, data in events if name == "delta")
        == whole["message"]["content"]
    )
    assert set(events[-1][1]) == {"chat_id", "message_id", "usage"}
    stored = acme_account.client.get(f"/v1/chat/{events[-1][1]['chat_id']}/messages").json()
    assert stored[-1]["id"] == events[-1][1]["message_id"]


def test_nothing_of_acme_is_found_with_globex_token(product, taught, acme_account, globex_account):
    chat_id = ask(acme_account, PLAIN["question"])["chat_id"]
    message_id = acme_account.client.get(f"/v1/chat/{chat_id}/messages").json()[-1]["id"]
    source_id = next(iter(taught["acme"].values()))
    paths = [
        f"/v1/bot-profiles/{acme_account.bot_id}",
        f"/v1/sources/{source_id}",
        f"/v1/sources/{source_id}/children",
        f"/v1/chat/{chat_id}",
        f"/v1/chat/{chat_id}/messages",
        f"/v1/chat/{chat_id}/messages/{message_id}",
    ]
    for path in paths:
        assert acme_account.client.get(path).status_code == 200, path
        assert globex_account.client.get(path).status_code == 404, path
    body = {"bot_profile_id": acme_account.bot_id, "message": "Hello?"}
    assert globex_account.client.post("/v1/chat", json=body).status_code == 404
    body = {"bot_profile_id": globex_account.bot_id, "message": "Hello?", "chat_id": chat_id}
    assert globex_account.client.post("/v1/chat", json=body).status_code == 404
    on_acmes_path = httpx.get(
        f"{product.base_url}/t/acme/v1/bot-profiles",
        headers={"Authorization": f"Bearer {globex_account.token}"},
    )
    assert on_acmes_path.status_code == 401


def test_a_deleted_source_stops_answering_with_the_next_question(product, taught, acme_account):
    text = "The Zephyr 9 crate weighs 41 kilograms and is painted in signal violet."
    source_id = product.teach_text(acme_account, acme_account.bot_id, text)
    question = "How many kilograms does the Zephyr 9 crate weigh?"
    first = ask(acme_account, question)
    assert "41" in first["message"]["content"] and first["citations"][0]["source_id"] == source_id
    assert acme_account.client.delete(f"/v1/sources/{source_id}").status_code == 204
    after = ask(acme_account, question)
    assert "41" not in after["message"]["content"]
    assert source_id not in {source["source_id"] for source in after["sources"]}


def test_a_site_is_read_by_the_worker_page_by_page_and_answers_with_a_link_to_its_page(
    product,
    taught,
    acme_account,
    outside,
):
    front = "<html><head><title>Lake</title></head><body><p>Welcome.</p><a href='/{}'>on</a></body></html>"
    page = "<html><head><title>Boats</title></head><body><main><p>{}</p></main></body></html>"
    fact = "The rowing boat Quillfeather seats 17 passengers and is moored at the northern jetty."
    outside.serve("/", front.format("boats").encode(), content_type="text/html")
    outside.serve("/boats", page.format(fact).encode(), content_type="text/html")
    config = {"url": outside.url("/")}
    body = {"bot_profile_id": acme_account.bot_id, "config": config}
    seen = acme_account.client.post("/v1/sources/preview", json=body)
    assert seen.status_code == 200, seen.text
    created = acme_account.client.post(
        "/v1/sources", json={**body, "name": "Lake house", "source_type": "site"}
    )
    assert created.status_code == 201, created.text
    source_id = created.json()["id"]
    assert acme_account.client.post(f"/v1/sources/{source_id}/ingest").status_code == 202
    assert product.wait_until_ready(acme_account, source_id)["document_count"] == 2
    answer = ask(acme_account, "How many passengers does the rowing boat Quillfeather seat?")
    assert "17" in answer["message"]["content"]
    [cited, *_] = answer["citations"]
    assert (cited["source_id"], cited["url"]) == (source_id, outside.url("/boats"))
    assert acme_account.client.delete(f"/v1/sources/{source_id}").status_code == 204


def test_commands_ask_and_search_the_same_knowledge(product, taught):
    entry = PLAIN
    printed = product.manage("ask", "--tenant", "acme", "--bot", "acme bot", entry["question"])
    assert entry["fact"].casefold() in printed.casefold() and "[1]" in printed
    assert "conversations.turns" not in printed
    found = product.manage("search", "--tenant", "acme", "--bot", "acme bot", entry["question"])
    assert "confidence" in found.lower()


def test_a_suspended_tenant_stops_at_once_and_comes_back(product, taught):
    account = product.sign_up("initech")
    bot_id = product.make_bot(account)
    product.manage("suspend_tenant", "initech", "--reason", "unpaid")
    refused = account.client.post("/v1/chat", json={"bot_profile_id": bot_id, "message": "Hello?"})
    assert refused.status_code == 403 and refused.json()["code"] == "tenant_disabled"
    product.manage("restore_tenant", "initech")
    assert account.client.get(f"/v1/bot-profiles/{bot_id}").status_code == 200


def test_no_log_holds_a_token_or_a_question(product, taught, acme_account):
    logs = product.output + "".join(
        path.read_text() for path in (product.directory / "data").rglob("*.log")
    )
    assert acme_account.token not in logs and acme_account.password not in logs
    assert PLAIN["question"] not in logs
    assert "Traceback" not in logs, logs[logs.index("Traceback") - 500 :][:4000]
