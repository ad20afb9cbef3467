"""What each role may do: one table, the same over the API and in the admin, and in the docs."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.admin import AdminSite
from django.test import Client

from conftest import PASSWORD
from conversations.widget.sessions import require_embedding_token
from minirag.lib.errors import Forbidden
from tenants.admin_site.sites import tenant_site
from tenants.authentication import issue_jwt
from tenants.models import ApiToken, May, Role, User, hash_token
from tenants.people.roles import NOUNS, RIGHTS, right_for
from tests.admin_sessions import log_in_to_admin

ID = str(uuid.uuid4())
ROLES = ("owner", "admin", "editor", "agent", "viewer", "member")
MANAGERS, EDITORS, READERS = (
    ("owner", "admin"),
    ("owner", "admin", "editor"),
    set(ROLES) - {"viewer"},
)
# Said once more by hand, so that a slip in the table that the product goes by is seen.
CALLS = [
    ("GET", "bot-profiles", ROLES), ("POST", "bot-profiles", EDITORS), ("DELETE", f"bot-profiles/{ID}", EDITORS),
    ("POST", f"bot-profiles/{ID}/draft/runs", EDITORS), ("POST", f"bot-profiles/{ID}/golden-questions", EDITORS),
    ("POST", f"bot-profiles/{ID}/evaluation-runs", EDITORS), ("POST", f"bot-profiles/{ID}/explain", READERS),
    ("GET", "sources", ROLES), ("POST", "sources", EDITORS), ("PATCH", f"documents/{ID}", EDITORS),
    ("GET", "datasets", ROLES), ("POST", "datasets", EDITORS), ("POST", "curated-answers", EDITORS),
    ("GET", "gaps", READERS), ("POST", f"gaps/{ID}/answer", EDITORS),
    ("GET", "chat", READERS), ("POST", "chat", READERS), ("GET", f"chat/{ID}/messages", READERS),
    ("GET", "chat-logs", READERS), ("GET", "models", READERS), ("POST", "chat/completions", READERS),
    ("POST", "embeddings", READERS), ("POST", "responses", READERS), ("POST", "mcp", READERS),
    ("GET", f"turns/{ID}/events", READERS), ("POST", f"turns/{ID}/stop", READERS),
    ("GET", "exports", READERS), ("POST", "exports", MANAGERS),
    ("GET", "stats/overview", ROLES), ("GET", "quotas", ROLES), ("PATCH", f"quotas/{ID}", MANAGERS),
    ("GET", "webhooks", ROLES), ("POST", "webhooks", MANAGERS), ("GET", "audit-events", MANAGERS),
    ("GET", "users", ROLES), ("POST", "users", MANAGERS), ("DELETE", f"users/{ID}", MANAGERS),
    ("GET", "api-tokens", ROLES), ("GET", "tenants/me", ROLES),
]  # fmt: skip
PAGES = [
    ("", ROLES), ("bots/botprofile/", ROLES), ("bots/botprofile/add/", EDITORS), ("bots/quota/add/", MANAGERS),
    ("knowledge/source/", ROLES), ("knowledge/source/add/", EDITORS), ("knowledge/curatedanswer/add/", EDITORS),
    ("conversations/chat/", READERS), ("conversations/gap/", READERS), ("conversations/chat/explain/", READERS),
    ("conversations/goldenquestion/add/", EDITORS), ("webhooks/webhook/add/", MANAGERS),
    ("tenants/user/", ROLES), ("tenants/user/add/", MANAGERS), ("tenants/auditevent/", MANAGERS),
    ("tenants/apitoken/add/", ROLES), ("bots/usageevent/", ROLES),
]  # fmt: skip


def person(role: str, party) -> User:
    return User.objects.create_user(
        f"{role}@{party.slug}.example.com", PASSWORD, tenant=party.tenant, role=role
    )


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_the_table_says_and_nothing_in_another_tenant(role, acme, globex):
    user = person(role, acme)
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {issue_jwt(user)}"}
    cookies = ("sessionid_acme", "sessionid_globex")
    browser = log_in_to_admin(user, *cookies, SCRIPT_NAME="/t/acme")
    elsewhere = log_in_to_admin(user, *cookies, SCRIPT_NAME="/t/globex")
    for method, path, roles in CALLS:
        said = Client().generic(method, f"/v1/{path}", "{}", "application/json", **bearer)
        body = said.json() if said.status_code == 403 else {}
        is_refused = "role_forbidden" in (body.get("code"), body.get("error", {}).get("code"))
        assert is_refused == (role not in roles), (method, path, said.content)
        there = Client(SCRIPT_NAME="/t/globex").generic(
            method, f"/v1/{path}", "{}", "application/json", **bearer
        )
        assert there.status_code == 401, (method, path)
    for path, roles in PAGES:
        found = browser.get(f"/admin/{path}")
        assert found.status_code == (200 if role in roles else 403), path
        assert elsewhere.get(f"/admin/{path}").status_code == 302, path
    shown = browser.get("/admin/").content.decode()
    assert ("Latest chats" in shown) == (role in READERS)
    assert ("you can look at everything" in shown) == (role in ("viewer", "member"))


def test_what_is_in_no_row_of_the_table_is_for_nobody():
    assert right_for("knowledge.change_nothing") is None and right_for("nonsense") is None
    stranger = User(role="king", is_active=True)
    assert not any(stranger.may(right) for right in May)
    assert not stranger.has_perm("bots.view_botprofile")
    assert not User(role=Role.OWNER, is_active=False).may(May.READ)


def test_every_page_of_a_tenants_admin_is_in_the_table():
    site: AdminSite = tenant_site
    models = {model._meta.label_lower for model in site._registry}
    in_table = {model for noun in NOUNS.values() for model in noun.models}
    assert models <= in_table
    assert all(apps.get_model(model) for model in in_table)


@pytest.mark.django_db
def test_a_token_of_somebody_who_may_not_ask_opens_no_widget(acme, in_acme):
    viewer = person("viewer", acme)
    token = ApiToken.objects.create(
        tenant=acme.tenant, user=viewer, name="page", token_hash=hash_token("x"), token_prefix="x"
    )
    bot = type("Bot", (), {"pk": uuid.uuid4()})()
    with pytest.raises(Forbidden) as refused:
        require_embedding_token(token, bot)
    assert refused.value.code == "role_forbidden"


def test_the_docs_have_the_same_table():
    lines = Path("docs/people.md").read_text().splitlines()
    assert "| | " + " | ".join(f"`{role}`" for role in ROLES) + " |" in lines
    for right in May:
        cells = ("yes" if right in RIGHTS[role] else "no" for role in ROLES)
        assert f"| {right.label} | " + " | ".join(cells) + " |" in lines, right
