"""Pages of both admins about proving who one is: entering a code, getting a device, saying one's password again."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any
from urllib.parse import quote

from django import forms
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from minirag.lib.errors import ProductError
from minirag.lib.http_in.reading import client_address
from tenants.admin_site.gate import ask_for_proof
from tenants.admin_site.model_admin import posted
from tenants.calls.permissions import acting_user
from tenants.factors.forms import CodeForm, ProofForm
from tenants.factors.models import SecondFactor
from tenants.factors.proving import CodeWrong, begin, confirm, prove
from tenants.models import User
from tenants.people.lockout import begin_attempt
from tenants.sessions.keeping import has_factor, note_proof


@never_cache
def show_code(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Ask for the second factor after the password."""
    user = acting_user(request)
    if not user.has_second_factor or has_factor(request.session, user):
        return HttpResponseRedirect(reverse("admin:index"))
    form = CodeForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            prove(user, form.cleaned_data["code"])
        except ProductError as error:
            form.add_error("code", _(str(error.detail)))
        else:
            note_proof(request, factor=True)
            return HttpResponseRedirect(_next_of(request))
    intro = _("Your password was right. Now the code of your second factor.")
    return _show(site, request, _("One more step"), _("Go on"), intro, form)


@never_cache
def show_proof(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Ask again who is there, before something that does harm in the wrong hands."""
    user, form = acting_user(request), ProofForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            _check_proof(request, user, form.cleaned_data["proof"])
        except ProductError as error:
            form.add_error("proof", _(str(error.detail)))
        else:
            note_proof(request)
            return HttpResponseRedirect(_next_of(request))
    intro = _(
        "What you are about to do needs a fresh proof that it is you. It counts for 10 minutes."
    )
    by_provider = not user.has_usable_password()
    return _show(site, request, _("Is it you?"), _("Go on"), intro, form, by_provider=by_provider)


def _check_proof(request: HttpRequest, user: User, proof: str) -> None:
    if (
        user.has_second_factor
        and len(proof.strip()) <= 12
        and proof.strip().replace("-", "").isalnum()
    ):
        try:
            return prove(user, proof)
        except CodeWrong:
            pass  # it may be a password all the same
    attempt = begin_attempt(user.email, client_address(request), [user])
    if not (attempt.accounts and user.check_password(proof)):
        raise CodeWrong
    attempt.succeed(user)
    return None


@never_cache
def show_setup(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Get a second factor: the QR code, then a code of the device, then the recovery codes, once."""
    user = acting_user(request)
    if user.has_second_factor:
        return HttpResponseRedirect(reverse("admin:security"))
    if (proof := ask_for_proof(request)) is not None:  # or a stolen session shuts its owner out
        return proof
    form = CodeForm(posted(request))
    form.fields["code"].help_text = _("The six digits that your app shows now.")
    if request.method == "POST" and form.is_valid():
        try:
            codes = confirm(user, form.cleaned_data["code"])
        except ProductError as error:
            form.add_error("code", _(str(error.detail)))
        else:
            note_proof(request, factor=True)
            return show_recovery_codes(site, request, codes)
    factor = SecondFactor.objects.filter(user=user).first() or begin(user)
    address = factor.address_for_apps(str(user.tenant or "MiniRAG"))
    more = {"qr": _draw(address), "key": base64.b32encode(factor.key).decode()}
    intro = _("Scan this with an app for one-time codes, and enter the code that it shows.")
    return _show(site, request, _("Set up your second factor"), _("Confirm"), intro, form, **more)


def show_recovery_codes(site: AdminSite, request: HttpRequest, codes: list[str]) -> HttpResponse:
    """Show them in the answer to the POST that made them, and nowhere else."""
    intro = _(
        "Keep these somewhere safe: each lets you in once, without your device. They are not shown again."
    )
    return _show(site, request, _("Your recovery codes"), "", intro, None, codes=codes)


def _draw(address: str) -> str:
    import qrcode  # with Pillow; drawn once in the life of a person
    from qrcode.image.svg import SvgPathImage

    picture = BytesIO()
    qrcode.make(address, image_factory=SvgPathImage, box_size=12).save(picture)
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.getvalue()).decode()}"


def _next_of(request: HttpRequest) -> str:
    """Where one was going, within this admin and nowhere else."""
    wanted, home = request.GET.get("next", ""), reverse("admin:index")
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return wanted if is_ours and wanted.startswith(home) else home


def _show(
    site: AdminSite, request: HttpRequest, title: str, submit: str, intro: str, form: forms.BaseForm | None,
    **more: Any,
) -> HttpResponse:  # fmt: skip
    context = {
        **site.each_context(request), "title": title, "submit_label": submit, "intro": intro, "form": form, **more,
        "next_url": _next_of(request), "next_quoted": quote(_next_of(request), safe=""),
    }  # fmt: skip
    request.current_app = site.name
    response = TemplateResponse(request, "admin/proof.html", context)
    response["Cache-Control"] = "no-store"
    return response
