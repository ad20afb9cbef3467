"""Admin pages of the people in a tenant."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import register
from django.contrib.auth import update_session_auth_hash
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import get_language_from_request, gettext_lazy, ngettext, override
from django.utils.translation import gettext as _
from unfold.decorators import action, display

from minirag.lib.errors import ProductError
from tenants.admin_site.forms import PasswordForm, UserForm
from tenants.admin_site.gate import ask_for_proof
from tenants.admin_site.model_admin import ProductAdmin, posted
from tenants.admin_site.sites import platform_site, tenant_site
from tenants.calls.permissions import acting_user
from tenants.context import current_tenant
from tenants.factors.proving import reset
from tenants.links.base import base_of
from tenants.links.sending import Sent, invite, revoke_invitation, send_again
from tenants.models import Role, User
from tenants.people.changing import change_user, outranks
from tenants.sessions.keeping import end_all_of

_ROLE_COLOURS = {
    Role.OWNER: "primary", Role.ADMIN: "info", Role.EDITOR: "success", Role.AGENT: "warning",
    Role.VIEWER: "default", Role.MEMBER: "default",
}  # fmt: skip


_INVITED = gettext_lazy(
    "A link is mailed with which the person sets a password: it works once, for 7 days."
)


def visible_users(rows: QuerySet[User]) -> QuerySet[User]:
    tenant = current_tenant()
    return rows.select_related("tenant") if tenant is None else rows.filter(tenant=tenant)


@register(User, site=platform_site)
@register(User, site=tenant_site)
class UserAdmin(ProductAdmin):
    """People. They are deactivated, not deleted: the audit log names them."""

    needs_proof = True  # an account that is made or changed is a way in
    search_fields = ("email", "display_name")
    readonly_fields = ("shown_tenant", "created_at", "last_login")
    actions_detail = (
        "invite_again", "revoke_invitation", "set_password", "reset_second_factor", "end_sessions"
    )  # fmt: skip
    actions = ("deactivate_chosen", "activate_chosen")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return visible_users(super().get_queryset(request))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say why a rule of `tenants.people.changing` forbids what was sent; nothing of it is stored then."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except ProductError as error:
            self.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        home = () if current_tenant() else ("shown_tenant",)
        return ("shown_person", *home, "shown_role", "shown_state", "last_login", "created_at")

    def get_list_filter(self, request: HttpRequest) -> tuple[str, ...]:
        return ("role", "is_active") if current_tenant() else ("role", "is_active", "is_superuser")

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change, form=UserForm, **kwargs)
        if "role" in form.base_fields and outranks(User(role=Role.OWNER), acting_user(request)):
            form.base_fields["role"].choices = [
                choice for choice in Role.choices if choice[0] != Role.OWNER
            ]
        return form

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            home = () if current_tenant() else ("tenant",)
            return (
                (
                    None,
                    {"fields": ("email", "display_name", *home, "role"), "description": _INVITED},
                ),
            )
        return (
            (None, {"fields": (("email", "display_name"), "role", "is_active")}),
            (_("Facts"), {"fields": ("shown_tenant", ("created_at", "last_login"))}),
        )

    def get_autocomplete_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return () if current_tenant() else ("tenant",)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        own = ("role", "is_active") if obj is not None and obj.pk == request.user.pk else ()
        operator = ("role",) if obj is not None and obj.is_superuser else ()
        return tuple(dict.fromkeys((*self.readonly_fields, *own, *operator)))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "tenant" and field is not None:
            field.help_text = _("Empty: a platform operator, who may enter every tenant.")
        return field

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (
            obj is None or not outranks(self.require_object(request, obj), acting_user(request))
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        if not change:
            tenant = current_tenant()
            if tenant is not None:
                obj.tenant = tenant
            obj.is_superuser = obj.tenant_id is None
            obj.role = Role.OWNER if obj.is_superuser else obj.role
            with override(
                get_language_from_request(request)
            ):  # the best guess at what is read there
                sent = invite(acting_user(request), obj, base=base_of(request, obj.tenant))
            request.__dict__["sent"] = sent  # for response_add
        else:
            self._change(
                request, obj, {name: form.cleaned_data[name] for name in form.changed_data}
            )

    def response_add(
        self, request: HttpRequest, obj: User, post_url_continue: Any = None
    ) -> HttpResponse:
        return self._tell_sent(request, obj, request.__dict__["sent"])

    def _tell_sent(self, request: HttpRequest, user: User, sent: Sent) -> HttpResponse:
        """Say that the invitation is mailed; where it could not be, show its link, once, to be handed over."""
        if not sent.url:
            said = _("An invitation is on its way to %(email)s.") % {"email": user.email}
            self.message_user(request, said, messages.SUCCESS)
            return HttpResponseRedirect(self.change_url(user))
        return self.show_secret_once(
            request, sent.url, title=_("No mail went out: hand this link over"), what=_("Invitation"),
            next_url=self.change_url(user), next_label=_("Go to the user"),
        )  # fmt: skip

    def is_offered(self, act: str, row: User) -> bool:
        is_invited = row.is_active and not row.has_usable_password()
        acts = {
            "invite_again": is_invited,
            "revoke_invitation": is_invited,
            "reset_second_factor": row.has_second_factor,
        }
        return acts.get(act, True)

    def _change(self, request: HttpRequest, user: User, changes: dict[str, Any]) -> User:
        return change_user(acting_user(request), user.pk, changes, tenant=user.tenant)

    @display(description=gettext_lazy("user"), header=True, ordering="email")
    def shown_person(self, user: User) -> list[str]:
        return [user.display_name or user.email, user.email]

    @display(description=gettext_lazy("tenant"), ordering="tenant__slug")
    def shown_tenant(self, user: User) -> str:
        return str(user.tenant) if user.tenant_id else _("Platform operator")

    @display(description=gettext_lazy("role"), ordering="role", label=_ROLE_COLOURS)
    def shown_role(self, user: User) -> tuple[str, str]:
        return user.role, _("Operator") if user.is_superuser else user.get_role_display()

    @display(
        description=gettext_lazy("state"),
        label={"active": "success", "invited": "info", "disabled": "danger"},
    )
    def shown_state(self, user: User) -> tuple[str, str]:
        if not user.is_active:
            return "disabled", _("Disabled")
        return ("active", _("Active")) if user.has_usable_password() else ("invited", _("Invited"))

    @action(
        description=gettext_lazy("Invite again"), permissions=["change"], icon="forward_to_inbox"
    )
    def invite_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user: User = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> HttpResponse:
            base = base_of(request, user.tenant)
            with override(get_language_from_request(request)):
                sent = send_again(acting_user(request), user.tenant, user.pk, base=base)
            self.log_change(request, user, "Invited again.")
            return self._tell_sent(request, user, sent)

        intro = _("A new link is mailed. The one before works no longer.")
        title = _("Invite %(user)s again") % {"user": user}
        return self.ask(
            request, act, title=title, intro=intro, submit=_("Invite"), obj=user, needs_proof=True
        )

    @action(description=gettext_lazy("Revoke invitation"), permissions=["change"], icon="block")
    def revoke_invitation(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user: User = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> None:
            revoke_invitation(acting_user(request), user.tenant, user.pk)
            self.log_change(request, user, "The invitation was revoked.")

        intro = _("The link works no longer, and the person is disabled.")
        title = _("Revoke the invitation of %(user)s") % {"user": user}
        return self.ask(
            request, act, title=title, intro=intro, submit=_("Revoke"), danger=True, obj=user
        )

    @action(description=gettext_lazy("Set password"), permissions=["change"], icon="key")
    def set_password(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user: User = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> None:
            changed = self._change(request, user, {"password": data["password"]})
            if user.pk == request.user.pk:  # other browsers are logged out, this one stays
                update_session_auth_hash(request, changed)
            self.log_change(request, user, "Password was set.")
            self.message_user(
                request, _("%(user)s has a new password.") % {"user": user}, messages.SUCCESS
            )

        form = PasswordForm(posted(request), user=user)
        intro = _("Every browser session and JWT of this user ends. API tokens live on.")
        return self.ask(
            request,
            act,
            title=_("Set the password of %(user)s") % {"user": user},
            intro=intro,
            submit=_("Set password"),
            obj=user,
            form=form,
            needs_proof=True,
        )

    @action(description=gettext_lazy("Deactivate"), permissions=["change"])
    def deactivate_chosen(
        self, request: HttpRequest, chosen: QuerySet[User]
    ) -> HttpResponse | None:
        if (proof := ask_for_proof(request)) is not None:
            return proof
        self.act_on_each(
            request,
            chosen,
            lambda user: self._switch(request, user, False),
            _("%(count)s deactivated."),
        )
        return None

    @action(description=gettext_lazy("Activate"), permissions=["change"])
    def activate_chosen(self, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse | None:
        if (proof := ask_for_proof(request)) is not None:
            return proof
        self.act_on_each(
            request,
            chosen,
            lambda user: self._switch(request, user, True),
            _("%(count)s activated."),
        )
        return None

    @action(
        description=gettext_lazy("Reset second factor"),
        permissions=["change"],
        icon="phonelink_erase",
    )
    def reset_second_factor(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user: User = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> None:
            reset(acting_user(request), user.tenant, user.pk)
            self.log_change(request, user, "The second factor was reset.")

        intro = _(
            "For somebody who has lost the device and the recovery codes. Make sure who asks for it."
        )
        title = _("Reset the second factor of %(user)s") % {"user": user}
        return self.ask(
            request, act, title=title, intro=intro, submit=_("Reset"), danger=True, obj=user,
            needs_proof=True,
        )  # fmt: skip

    @action(description=gettext_lazy("Log out everywhere"), permissions=["change"], icon="logout")
    def end_sessions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user: User = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> None:
            count = end_all_of(acting_user(request), user.tenant, user.pk)
            self.message_user(
                request,
                ngettext(
                    "Logged out of %(count)s browser.", "Logged out of %(count)s browsers.", count
                )
                % {"count": count},
                messages.SUCCESS,
            )

        title = _("Log %(user)s out everywhere") % {"user": user}
        intro = _("Every browser session of the admin and every JWT ends. API tokens live on.")
        return self.ask(
            request, act, title=title, intro=intro, submit=_("Log out"), danger=True, obj=user
        )

    def _switch(self, request: HttpRequest, user: User, is_active: bool) -> None:
        self._change(request, user, {"is_active": is_active})
        self.log_change(request, user, "Activated." if is_active else "Deactivated.")
