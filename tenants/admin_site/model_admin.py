"""Bases of the admin pages: what a suspended or archived tenant hides, read-only pages, confirmations."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Model, TextField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import linebreaksbr
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from unfold.dataclasses import UnfoldAction

from minirag.lib.errors import ProductError
from minirag.lib.saving.tags import hold_row
from tenants.admin_site.gate import ask_for_proof
from tenants.admin_site.meanwhile import GuardedModelForm
from tenants.admin_site.searching import SearchedFields
from tenants.audit import record, tell_changes
from tenants.calls.permissions import acting_user
from tenants.context import current_tenant
from tenants.models import Tenant, User
from tenants.people.roles import NOUNS
from tenants.plans.holding import NotInPlan, require_feature
from tenants.plans.models import Feature

R = TypeVar("R")
Act = Callable[[dict[str, Any]], HttpResponse | None]


class NothingToFill(forms.Form):
    """A question that only needs a yes."""


class ProductAdmin(SearchedFields):
    """Managers change, members look, and nobody changes anything in a tenant that is suspended or archived.

    What Django itself saves or deletes is written into the audit log here; a page that has a verb do it overrides
    `save_model` and its like, and the verb writes it down.
    """

    form = GuardedModelForm  # what people change at the same time is told, see there
    fixed_once_saved: tuple[str, ...] = ()
    """Fields that are chosen when a row is made and only shown afterwards."""
    feature: Feature | None = None
    """What the tenant's plan has to have for rows to be added here; the list says so where it has not."""
    needs_proof = False
    """Whether adding, changing and deleting want a fresh proof of who one is; looking never does."""
    facts_once_saved = False
    """Whether the last of `fieldsets` tells what only a row that is there has."""
    warn_unsaved_form = True
    conditional_fields: dict[str, str] = {}
    """None; the theme's templates look for it at each field, and looking for what is not there takes long."""

    @cached_property
    def readonly_preprocess_fields(self) -> dict[str, Any]:
        """The theme would run the lines of a text together."""
        return {each.name: linebreaksbr for each in self.opts.fields if isinstance(each, TextField)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        allowed = is_writable() and super().has_add_permission(request)
        return allowed and self._missing_in_plan(request) is None

    def _ask_for_proof(self, request: HttpRequest, is_new: bool) -> HttpResponse | None:
        if not self.needs_proof:
            return None
        if is_new:
            may, acts = self.has_add_permission(request), True
        else:
            may, acts = self.has_change_permission(request), request.method == "POST"
        proof = ask_for_proof(request) if may and acts else None
        if proof is not None and not is_new:
            self.message_user(request, _("Nothing was saved yet: change it again."))
        return proof

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        proof = None
        if self.needs_proof and self.has_delete_permission(request):
            proof = ask_for_proof(request)
        return proof or super().delete_view(request, object_id, extra_context)

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        """For the list of all pages, which asks each of them: what roles allow, whatever the plan has."""
        request.__dict__["plan_is_left_out"] = True
        try:
            return super().get_model_perms(request)
        finally:
            request.__dict__["plan_is_left_out"] = False

    def _missing_in_plan(self, request: HttpRequest) -> str | None:
        """What to say of a feature that the tenant's plan lacks; asked once for a request."""
        if self.feature is None or request.__dict__.get("plan_is_left_out"):
            return None
        known: dict[str, str | None] = request.__dict__.setdefault("missing_in_plan", {})
        if self.feature.value not in known:
            try:
                require_feature(self.feature)
                known[self.feature.value] = None
            except NotInPlan as error:
                known[self.feature.value] = str(error.detail)
        return known[self.feature.value]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        missing = self._missing_in_plan(request)
        if missing is not None and request.method == "GET":
            self.message_user(request, missing, messages.WARNING)
        return super().changelist_view(request, extra_context)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say what the tenant's plan does not have; nothing of the form is stored then."""
        is_new = not (kwargs.get("object_id") or (args and args[0]))
        if (proof := self._ask_for_proof(request, is_new)) is not None:
            return proof
        try:
            return super().changeform_view(request, *args, **kwargs)
        except NotInPlan as error:
            self.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_writable() and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_writable() and super().has_delete_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return (*fields, *self.fixed_once_saved) if obj else fields

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_fieldsets(request, obj)
        return found[:-1] if self.facts_once_saved and not obj else found

    def get_object(self, request: HttpRequest, object_id: Any, from_field: Any = None) -> Any:
        if request.method == "POST":
            hold_row(object_id)
        return super().get_object(request, object_id, from_field)

    def facts_beside(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """What the templates around a row's form show besides."""
        return {}

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        facts = self.facts_beside(request, obj) if obj else {}
        return super().render_change_form(request, {**context, **facts}, *args, obj=obj, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            self.note_saved(obj, form, change=change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_formset(request, form, formset, change)
            for row in formset.new_objects:
                self._note("created", row)
            for row, fields in formset.changed_objects:
                self._note("changed", row, detail={"fields": fields})
            for row in formset.deleted_objects:
                self._note("deleted", row)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with transaction.atomic():
            self._note("deleted", obj)
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for row in queryset:
            self.delete_model(request, row)

    def note_saved(self, obj: Any, form: Any, *, change: bool) -> None:
        """Write down what a form has made or changed."""
        if not change:
            self._note("created", obj)
            return
        columns = {field.name for field in obj._meta.concrete_fields}
        before = {name: form.initial.get(name) for name in form.changed_data if name in columns}
        others = sorted(set(form.changed_data) - columns)
        detail = {"fields": others} if others else {}
        self._note("changed", obj, changes=tell_changes(before, obj), detail=detail)

    def _note(self, what: str, row: Any, **facts: Any) -> None:
        tenant = row if isinstance(row, Tenant) else getattr(row, "tenant", None)
        noun = row._meta.verbose_name_raw.lower().replace(" ", "_")
        record(f"{noun}.{what}", of=row, tenant=tenant, **facts)

    def require_object(self, request: HttpRequest, object_id: Any) -> Any:
        """Return the row that this user may see here, or raise Http404 or PermissionDenied; also of a row."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if isinstance(object_id, Model):
            return object_id
        try:
            return self.get_queryset(request).get(pk=object_id)
        except (self.model.DoesNotExist, ValidationError, ValueError):
            raise Http404 from None

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        """Offer of a row's acts those that it is in a state for."""
        acts = super().get_actions_detail(request, object_id)
        row = self.require_object(request, object_id) if acts else None
        return [each for each in acts if self.is_offered(each.method.__name__, row)]

    def is_offered(self, act: str, row: Any) -> bool:
        """Whether the row's page offers this act now; who asks for it all the same is told why not."""
        return True

    def change_url(self, obj: Model) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[obj.pk])

    def list_url(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def ask(
        self, request: HttpRequest, act: Act, *, title: str, intro: str = "", submit: str = "",
        danger: bool = False, obj: Model | None = None, form: forms.BaseForm | None = None, needs_proof: bool = False,
    ) -> HttpResponse:  # fmt: skip
        """Show a form of its own and run `act` with its data when it is posted.

        A ProductError of `act` is shown above the form. Without a response of its own the browser goes back to the
        row, or to the list. Acts need a POST, so that no link on a foreign page can trigger one; with `needs_proof`
        whoever proved long ago who they are does it again first.
        """
        if needs_proof and (proof := ask_for_proof(request)) is not None:
            return proof
        back = self.change_url(obj) if obj else self.list_url()
        form = form if form is not None else NothingToFill(posted(request))
        if request.method == "POST" and form.is_valid():
            try:
                response = act(form.cleaned_data)
            except ProductError as error:
                form.add_error(None, error.detail)
            else:
                return response or HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": title, "intro": intro, "form": form,
            "submit_label": submit or _("Confirm"), "is_dangerous": danger, "cancel_url": back,
        }  # fmt: skip
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/ask.html", context)

    def show_secret_once(
        self, request: HttpRequest, secret: str, *, title: str, next_url: str, next_label: str,
        user: User | None = None, what: str = "",
    ) -> HttpResponse:  # fmt: skip
        """Show a new secret in the answer to the POST that made it: it is in no message, session or second page."""
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": title, "secret": secret,
            "what": what or _("API token"),
            "secret_user": user, "next_url": next_url, "next_label": next_label,
        }  # fmt: skip
        response = TemplateResponse(request, "admin/secret_once.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def act_on_each(
        self, request: HttpRequest, rows: Any, act: Callable[[Any], object], done: str
    ) -> None:
        """Run an action on the chosen rows; says how many it was done for, and why not for the others.

        `done` is translated and has `%(count)s` in it.
        """
        count, refused = 0, {}
        for row in rows:
            try:
                act(row)
                count += 1
            except ProductError as error:
                refused[str(row)] = error.detail
        if count:
            self.message_user(request, done % {"count": count}, messages.SUCCESS)
        for name, detail in list(refused.items())[:5]:
            self.message_user(request, f"{name}: {detail}", messages.WARNING)


class LookOnlyAdmin(ProductAdmin):
    """Facts that the product writes itself."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def once_per_row(shown: Callable[[Any, Any], R]) -> Callable[[Any, Any], R]:
    """Have a read-only field that asks the database computed once: the theme asks for its text several times."""

    @wraps(shown)
    def remembered(admin: Any, row: Any) -> R:
        kept = row.__dict__.setdefault("_shown_once", {})
        if shown.__name__ not in kept:
            kept[shown.__name__] = shown(admin, row)
        text: R = kept[shown.__name__]
        return text

    return remembered


def posted(request: HttpRequest) -> Any:
    """Return the data for a form that is asked for by GET and answered by POST, even by an empty one."""
    return request.POST if request.method == "POST" else None


def may_manage(request: HttpRequest, what: str) -> bool:
    """Whether who is logged in may change `what`, one of NOUNS, in a tenant that is not archived."""
    return is_writable() and acting_user(request).may(NOUNS[what].change)


def is_writable() -> bool:
    """Whether rows may be changed where we are: on the platform, or in an active tenant."""
    tenant = current_tenant()
    return tenant is None or tenant.is_active


def format_age(moment: Any) -> str:
    """`3 minutes ago`, with one unit."""
    if moment is None:
        return _("never")
    if (timezone.now() - moment).total_seconds() < 60:
        return _("just now")
    return _("%(age)s ago") % {"age": timesince(moment, depth=1)}
