"""The pages in a tenant's admin by which an operator comes in and goes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from tenants.admin_site.gate import ask_for_proof
from tenants.admin_site.model_admin import posted
from tenants.calls.permissions import acting_user
from tenants.context import require_tenant
from tenants.entering.models import EntryRole
from tenants.entering.staying import enter, find_entry, leave

_MINUTES = [
    (15, gettext_lazy("15 minutes")),
    (30, gettext_lazy("30 minutes")),
    (60, gettext_lazy("1 hour")),
    (240, gettext_lazy("4 hours")),
]


class EnterForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Why"), max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=gettext_lazy("The tenant reads it in its audit log, and so does the platform."),
    )  # fmt: skip
    role = forms.ChoiceField(
        label=gettext_lazy("What you may do"), choices=EntryRole.choices, initial=EntryRole.LOOK,
        widget=UnfoldAdminRadioSelectWidget,
    )  # fmt: skip
    minutes = forms.TypedChoiceField(
        label=gettext_lazy("For how long"), choices=_MINUTES, coerce=int, initial=30,
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip


def show_enter(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Ask an operator why; everybody else is in already."""
    user, tenant = acting_user(request), require_tenant()
    goal = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(goal, allowed_hosts={request.get_host()}):
        goal = reverse("admin:index")
    if not user.is_superuser:
        return HttpResponseRedirect(reverse("admin:index"))
    if (proof := ask_for_proof(request)) is not None:
        return proof
    form = EnterForm(posted(request))
    if request.method == "POST" and form.is_valid():
        enter(user, **form.cleaned_data)
        return HttpResponseRedirect(goal)
    context: dict[str, Any] = {
        **site.each_context(request), "title": _("Enter %(tenant)s") % {"tenant": tenant}, "form": form,
        "intro": _("You are a platform operator, no member of this tenant. What you do here is written down."),
        "submit_label": _("Enter"), "cancel_url": "/admin/",
    }  # fmt: skip
    request.current_app = site.name
    return TemplateResponse(request, "admin/ask.html", context)


@require_POST
def do_leave(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """End the stay and the log-in here."""
    user = acting_user(request)
    entry = find_entry(user)
    if entry is not None:
        leave(entry, actor=user)
    back = (
        "/admin/"
        if user.is_superuser and request.META.get("SCRIPT_NAME")
        else reverse("admin:index")
    )
    if user.is_superuser:
        logout(request)
    return HttpResponseRedirect(back)
