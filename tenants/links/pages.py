"""Pages of both admins for people who are not logged in: asking for a link by e-mail, and setting a password by one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from minirag.lib.errors import ProductError
from tenants.admin_site.forms import PasswordForm
from tenants.admin_site.model_admin import posted
from tenants.context import current_tenant
from tenants.links.asking import ask_for_link
from tenants.links.forms import ForgottenForm
from tenants.links.models import LinkPurpose, hash_link
from tenants.links.using import find_link, set_password

_KEPT = "set_password_by"


@never_cache
def show_forgotten(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Ask for a link. What is said afterwards is the same for an e-mail that nobody has."""
    form, status = ForgottenForm(posted(request)), 200
    if request.method == "POST" and form.is_valid():
        try:
            ask_for_link(request, form.cleaned_data["email"], current_tenant())
        except ProductError as error:
            form.add_error(None, _(str(error.detail)))
            status = error.status
        else:
            said = _("If there is an account with this e-mail, a link is on its way to it.")
            messages.success(request, said)
            return HttpResponseRedirect(reverse("admin:login"))
    intro = _("We send you a link with which you set a new password.")
    return _show(site, request, _("Forgotten password"), _("Send the link"), intro, form, status)


@never_cache
def show_set_password(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Set a password by link. Its secret is taken out of the address at once; opening the page spends nothing."""
    if "link" in request.GET:
        request.session[_KEPT] = hash_link(request.GET["link"])
        return HttpResponseRedirect(request.path)
    kept = str(request.session.get(_KEPT, ""))
    try:
        link = find_link(kept, current_tenant())
        form = PasswordForm(posted(request), user=link.user)
        if request.method == "POST" and form.is_valid():
            set_password(kept, form.cleaned_data["password"], current_tenant())
            request.session.pop(_KEPT, None)
            messages.success(request, _("Your password is set. You can log in with it now."))
            return HttpResponseRedirect(reverse("admin:login"))
    except ProductError as error:
        return _show(
            site,
            request,
            _("This link does not work"),
            "",
            _(str(error.detail)),
            None,
            error.status,
        )
    is_new = link.purpose == LinkPurpose.INVITATION
    title = _("Welcome") if is_new else _("A new password")
    intro = _("Choose the password of %(email)s.") % {"email": link.user.email}
    return _show(site, request, title, _("Set password"), intro, form)


def _show(
    site: AdminSite, request: HttpRequest, title: str, submit: str, intro: str,
    form: forms.BaseForm | None, status: int = 200, **more: Any,
) -> HttpResponse:  # fmt: skip
    context = {
        **site.each_context(request), "title": title, "submit_label": submit, "intro": intro, "form": form, **more,
    }  # fmt: skip
    request.current_app = site.name
    return TemplateResponse(request, "admin/outside.html", context, status=status)
