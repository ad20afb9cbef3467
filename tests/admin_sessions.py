"""Sessions of the admin, as their owners and as thieves have them."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.test import Client

from bots.models import BotProfile
from tenants.models import User


def log_in_to_admin(user: User, *cookie_names: str, **defaults: Any) -> Client:
    """A browser with this user's session, offered under every given cookie name, as a thief would replay it."""
    return replay_session(start_session(user), *cookie_names, **defaults)


def start_session(user: User) -> str:
    """Log a user in to the admin, who has just proved who they are; returns the session's key."""
    client = Client()
    client.force_login(user, backend="tenants.authentication.EmailBackend")
    session = client.session
    session["proved_at"] = int(time.time())
    session.save()
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def replay_session(key: str, *cookie_names: str, **defaults: Any) -> Client:
    client = Client(**defaults)
    for name in cookie_names:
        client.cookies[name] = key
    return client


def form_of_bot(client: Client, bot: BotProfile, **changes: Any) -> dict[str, Any]:
    """A bot's form as a browser would send it, with changes."""
    page = client.get(f"/admin/bots/botprofile/{bot.pk}/change/")
    form = page.context["adminform"].form
    said = {name: form[name].value() for name in form.fields}
    data = {name: value for name, value in said.items() if value is not None and value is not False}
    lists = {name: "\n".join(data[name]) for name in ("starter_questions", "allowed_origins")}
    return data | lists | changes
