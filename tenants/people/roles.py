"""What each role may do, and what each page and route asks for: the one table that API and admin go by.

A person has one role and with it some rights (`RIGHTS`). Whatever can be read or changed belongs to one noun of
`NOUNS`, which says the right to read it and the right to change it; a route names its noun (`permit("sources")`), and
an admin page's is found by its model. What is in no noun is for nobody but platform operators.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.text import get_text_list
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    EDITOR = "editor", _("Editor")
    AGENT = "agent", _("Agent")
    VIEWER = "viewer", _("Viewer")
    MEMBER = "member", _("Member")


class May(TextChoices):
    """What a person may do. What a token may do of it, `tenants.models.Right` says."""

    MANAGE_PEOPLE = "may_manage_people", "manage people"
    MANAGE_SETTINGS = "may_manage_settings", "manage settings, keys, quotas, webhooks and exports"
    EDIT_BOTS = "may_edit_bots", "edit bots, and check how good they are"
    EDIT_KNOWLEDGE = "may_edit_knowledge", "edit knowledge"
    ANSWER_CHATS = "may_answer_chats", "answer chats in the inbox"
    READ_CHATS = "may_read_chats", "read chats and what visitors asked"
    READ_FIGURES = "may_read_figures", "read figures"
    READ = "may_read", "read bots, knowledge and who belongs to the tenant"
    ASK = "may_ask", "ask bots"


_LOOKS = frozenset({May.READ, May.READ_FIGURES})
_MEMBER = _LOOKS | {May.READ_CHATS, May.ASK}
RIGHTS: dict[str, frozenset[May]] = {
    Role.OWNER: frozenset(May),  # only owners make and change owners: tenants.people.changing
    Role.ADMIN: frozenset(May),
    Role.EDITOR: _MEMBER | {May.EDIT_BOTS, May.EDIT_KNOWLEDGE},
    Role.AGENT: _MEMBER | {May.ANSWER_CHATS},
    Role.VIEWER: _LOOKS,
    # The wire contract's: what it could do before there were other roles, it still can.
    Role.MEMBER: _MEMBER,
}


@dataclass(frozen=True)
class Noun:
    """What is read and changed by the same people. `models` are its admin pages."""

    read: May
    change: May
    models: tuple[str, ...] = ()


NOUNS: dict[str, Noun] = {
    "users": Noun(May.READ, May.MANAGE_PEOPLE, ("tenants.user",)),
    # One's own, everybody has: `permit(members=True)`, and the admin's page of them.
    "API tokens": Noun(May.READ, May.MANAGE_SETTINGS, ("tenants.apitoken",)),
    "the tenant's settings": Noun(May.READ, May.MANAGE_SETTINGS),
    "single sign-on": Noun(May.MANAGE_SETTINGS, May.MANAGE_SETTINGS),
    "the audit log": Noun(May.MANAGE_SETTINGS, May.MANAGE_SETTINGS, ("tenants.auditevent",)),
    "the admin's log": Noun(May.READ_CHATS, May.MANAGE_SETTINGS, ("admin.logentry",)),
    "quotas": Noun(
        May.READ_FIGURES, May.MANAGE_SETTINGS, ("bots.quota", "bots.quotause", "bots.priceoverride")
    ),
    "webhooks": Noun(May.READ, May.MANAGE_SETTINGS, ("webhooks.webhook", "webhooks.delivery")),
    "provider keys": Noun(May.READ, May.MANAGE_SETTINGS, ("bots.providercredential",)),
    "exports": Noun(May.READ_CHATS, May.MANAGE_SETTINGS, ("conversations.exportjob",)),
    "bots": Noun(
        May.READ, May.EDIT_BOTS,
        (
            "bots.botprofile", "bots.scope", "bots.qualitygate", "bots.botdraft", "bots.botversion",
            "conversations.handoffrules",
        ),
    ),
    "golden questions": Noun(May.READ_CHATS, May.EDIT_BOTS, ("conversations.goldenquestion",)),
    "evaluation runs": Noun(May.READ_CHATS, May.EDIT_BOTS, ("conversations.evaluationrun",)),
    "sources": Noun(
        May.READ, May.EDIT_KNOWLEDGE,
        ("knowledge.source", "knowledge.sitesync", "knowledge.sitepage"),
    ),
    "datasets": Noun(
        May.READ, May.EDIT_KNOWLEDGE, ("knowledge.dataset", "knowledge.botdataset")
    ),
    "documents": Noun(
        May.READ, May.EDIT_KNOWLEDGE,
        ("knowledge.document", "knowledge.documentversion", "knowledge.chunk", "knowledge.correction"),
    ),
    "curated answers": Noun(May.READ, May.EDIT_KNOWLEDGE, ("knowledge.curatedanswer",)),
    "gaps": Noun(May.READ_CHATS, May.EDIT_KNOWLEDGE, ("conversations.gap",)),
    "chats": Noun(May.READ_CHATS, May.MANAGE_SETTINGS, ("conversations.chat",)),
    "chat notes": Noun(May.READ_CHATS, May.READ_CHATS),
    "canned answers": Noun(May.READ_CHATS, May.ANSWER_CHATS, ("conversations.cannedanswer",)),
    "the inbox": Noun(May.READ_CHATS, May.ANSWER_CHATS, ("conversations.handoff",)),
    "chat logs": Noun(May.READ_CHATS, May.MANAGE_SETTINGS),
    "models": Noun(May.ASK, May.MANAGE_SETTINGS),
    "statistics": Noun(May.READ_FIGURES, May.MANAGE_SETTINGS, ("bots.usageevent",)),
    "the system's health": Noun(May.READ, May.MANAGE_SETTINGS),
}  # fmt: skip
_BY_MODEL = {model: noun for noun in NOUNS.values() for model in noun.models}


def rights_of(role: str) -> frozenset[May]:
    """What a role may do; nothing, if there is none of this name."""
    return RIGHTS.get(role, frozenset())


def right_for(permission: str) -> May | None:
    """The right that a permission of Django's asks for (`knowledge.change_source`); None is nobody's."""
    app, _dot, codename = permission.partition(".")
    act, _line, model = codename.partition("_")
    noun = _BY_MODEL.get(f"{app}.{model}")
    if noun is None:
        return None
    return noun.read if act == "view" else noun.change


def name_roles(right: May) -> str:
    """`owners, admins and editors`: whose role has a right."""
    return get_text_list([f"{role.value}s" for role in Role if right in RIGHTS[role]], "and")
