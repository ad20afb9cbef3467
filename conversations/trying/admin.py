"""The views behind "Try it" on a bot's page: begin with the form as it is, look into a turn, keep a question."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from bots.configurations import answering_fields
from bots.models import BotProfile
from conversations.golden.changing import create_golden
from conversations.trying.setups import find_result, keep_setup
from conversations.widget.sessions import issue_session, read_origin
from minirag.lib.errors import ProductError
from minirag.lib.http_in.arrivals import Arrival
from tenants.admin_site.meanwhile import SEEN
from tenants.admin_site.model_admin import is_writable, may_manage
from tenants.calls.permissions import acting_user, require_role
from tenants.models import Right


def list_urls(site: AdminSite) -> list[Any]:
    """The three views, for the page that hosts them."""

    def guard(view: Any) -> Any:
        return site.admin_view(view)

    return [
        path("try/<uuid:bot_id>/", guard(require_POST(lambda request, bot_id: start(site, request, bot_id))),
             name="try_start"),
        path("try/<uuid:bot_id>/<str:name>/<str:request_id>/", guard(require_safe(show)), name="try_show"),
        path("try/<uuid:bot_id>/<str:name>/<str:request_id>/golden/", guard(require_POST(make_golden)),
             name="try_golden"),
    ]  # fmt: skip


def start(site: AdminSite, request: HttpRequest, bot_id: UUID) -> HttpResponse:
    """Two sessions: of the bot as the form has it, checked by the form itself, and of the bot as it is saved."""
    pages = site._registry[BotProfile]
    bot = BotProfile.objects.filter(pk=bot_id).first()
    if bot is None or not pages.has_view_permission(request, bot):
        raise Http404
    try:
        require_role(request.user, Right.CHAT, "models")
    except ProductError as error:
        return JsonResponse({"detail": error.detail}, status=error.status)
    if not is_writable():
        return JsonResponse(
            {"detail": gettext("An archived tenant's bots cannot be tried.")}, status=409
        )
    values: dict[str, Any] = {}
    providers, labels = None, []
    if pages.has_change_permission(request, bot) and request.POST.get("name"):
        data = request.POST.copy()
        data.pop(SEEN, None)  # nothing is saved, so nobody's change is written over
        form: Any = pages.get_form(request, bot, change=True)(data, instance=bot)
        if not form.is_valid():
            return JsonResponse({"errors": _list_errors(form)}, status=422)
        saved = BotProfile.objects.get(pk=bot_id)
        names = [name for name in answering_fields() if getattr(bot, name) != getattr(saved, name)]
        values = {name: getattr(bot, name) for name in names}
        columns: list[Any] = [BotProfile._meta.get_field(name) for name in names]
        labels = [capfirst(str(column.verbose_name)) for column in columns]
        if "provider_keys" in form.changed_data:
            providers = form.cleaned_data["provider_keys"]
            labels.append(gettext("Provider keys"))
    user, origin = acting_user(request), read_origin(Arrival.of_request(request).own_origin)

    def open_one(changes: dict[str, Any], chosen: Any) -> dict[str, str]:
        name = keep_setup(bot, user, changes, chosen)
        token, _ = issue_session(bot, f"try-{user.pk}", origin, trial=name)
        return {"name": name, "session_token": token}

    tried, saved_one = open_one(values, providers), open_one({}, None)
    response = JsonResponse({"tried": tried, "saved": saved_one, "changed": labels})
    response["Cache-Control"] = "no-store"
    return response


def _list_errors(form: Any) -> list[dict[str, str]]:
    return [
        {
            "field": name if name != "__all__" else "",
            "label": str(form.fields[name].label or capfirst(name.replace("_", " "))) if name in form.fields else "",
            "detail": " ".join(map(str, found)),
        }
        for name, found in form.errors.items()
    ]  # fmt: skip


def show(request: HttpRequest, bot_id: UUID, name: str, request_id: str) -> HttpResponse:
    """The trace, the prompt and the cost of a question that was tried, as a part of a page."""
    try:
        found = find_result(name, request_id, acting_user(request))
    except ProductError as error:
        return HttpResponse(error.detail, status=error.status, content_type="text/plain")
    response = TemplateResponse(request, "admin/tried.html", found)
    response["Cache-Control"] = "no-store"
    return response


def make_golden(request: HttpRequest, bot_id: UUID, name: str, request_id: str) -> HttpResponse:
    """Keep a question that was tried as a golden one; what it cited is expected, what it declined to be declined."""
    if not may_manage(request, "golden questions"):
        raise PermissionDenied
    user = acting_user(request)
    try:
        found = find_result(name, request_id, user)
        bot = BotProfile.objects.filter(pk=bot_id, pk__in=[found["bot_profile_id"]]).first()
        if bot is None:
            raise Http404
        fields = {
            "question": found["question"], "before": found["before"], "language": found["language"],
            "must_decline": found["is_declined"], "expected_sources": [] if found["is_declined"] else found["cited"],
        }  # fmt: skip
        golden = create_golden(bot, fields, made_by=user.email)
    except ProductError as error:
        return JsonResponse({"detail": error.detail}, status=error.status)
    url = reverse("admin:conversations_goldenquestion_change", args=[golden.pk])
    return JsonResponse({"url": url}, status=201)
