"""“Your account” in both admins: one's second factor, and the browsers that one is logged in to."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from minirag.lib.errors import ProductError
from tenants.admin_site.gate import ask_for_proof
from tenants.admin_site.model_admin import may_manage
from tenants.calls.permissions import acting_user
from tenants.context import current_tenant
from tenants.factors.models import RecoveryCode
from tenants.factors.pages import show_recovery_codes
from tenants.factors.proving import needs_factor, remove, renew_codes, require_of_all
from tenants.sessions.keeping import end_own, sessions_of


def show_account(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    user, tenant = acting_user(request), current_tenant()
    may_require = tenant is not None and may_manage(request, "users")
    context = {
        **site.each_context(request), "title": _("Your account"), "me": user, "is_needed": needs_factor(user),
        "codes_left": RecoveryCode.objects.filter(user=user, used_at__isnull=True).count(),
        "sessions": sessions_of(user), "this_key": request.session.session_key,
        "may_require": may_require, "is_required": may_require and tenant.second_factor_required,  # type: ignore[union-attr]
    }  # fmt: skip
    request.current_app = site.name
    return TemplateResponse(request, "admin/account.html", context)


@require_POST
def do_account(request: HttpRequest, act: str, *, site: AdminSite) -> HttpResponse:
    """One of the buttons of the page. All but ending a session of one's own need a fresh proof."""
    user, tenant = acting_user(request), current_tenant()
    back = HttpResponseRedirect(reverse("admin:security"))
    if act == "end-session":
        try:
            end_own(user, UUID(request.POST.get("session", "")))
        except (ProductError, ValueError):
            messages.warning(request, _("This session has ended already."))
        return back
    proof = ask_for_proof(request)
    if proof is not None:
        messages.info(request, _("Press the button again afterwards."))
        proof["Location"] = f"{reverse('admin:prove')}?next={reverse('admin:security')}"
        return proof
    try:
        if act == "renew-codes":
            return show_recovery_codes(site, request, renew_codes(user))
        if act == "remove-factor":
            remove(user)
        elif (
            act in ("require", "require-not")
            and tenant is not None
            and may_manage(request, "users")
        ):
            require_of_all(tenant, required=act == "require")
    except ProductError as error:
        messages.error(request, error.detail)
    return back
