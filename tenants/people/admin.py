"""Admin pages of users and API tokens: all of them on the platform, a tenant's own in its admin."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import register
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from minirag.lib.errors import ProductError
from tenants.admin_forms import NewTokenForm, NewUserForm, PasswordForm, RotationForm, UserForm
from tenants.context import current_tenant
from tenants.model_admin import ProductAdmin, format_age, is_writable, posted
from tenants.models import ApiToken, Role, User
from tenants.people.changing import change_user, insert_user, outranks
from tenants.permissions import acting_user
from tenants.sites import platform_site, tenant_site
from tenants.tokens.changing import Grant, mint_token, revoke_token, rotate_token

_ROLE_COLOURS = {Role.OWNER: "primary", Role.ADMIN: "info", Role.MEMBER: "default"}


def visible_users(rows: QuerySet[User]) -> QuerySet[User]:
    tenant = current_tenant()
    return rows.select_related("tenant") if tenant is None else rows.filter(tenant=tenant)


@register(User, site=platform_site)
@register(User, site=tenant_site)
class UserAdmin(ProductAdmin):
    """People. They are deactivated, not deleted: the audit log names them."""

    search_fields = ("email", "display_name")
    readonly_fields = ("shown_tenant", "created_at", "last_login")
    actions_detail = ("set_password",)
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
        return ("shown_person", *home, "shown_role", "is_active", "last_login", "created_at")

    def get_list_filter(self, request: HttpRequest) -> tuple[str, ...]:
        return ("role", "is_active") if current_tenant() else ("role", "is_active", "is_superuser")

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(
            request, obj, change, form=UserForm if obj else NewUserForm, **kwargs
        )
        if "role" in form.base_fields and outranks(User(role=Role.OWNER), acting_user(request)):
            form.base_fields["role"].choices = [
                choice for choice in Role.choices if choice[0] != Role.OWNER
            ]
        return form

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            home = () if current_tenant() else ("tenant",)
            return ((None, {"fields": ("email", "display_name", *home, "role", "password")}),)
        return (
            (None, {"fields": (("email", "display_name"), "role", "is_active")}),
            ("Facts", {"fields": ("shown_tenant", ("created_at", "last_login"))}),
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
            field.help_text = "Empty: a platform operator, who may enter every tenant."
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
            insert_user(acting_user(request), obj, request=request)
        else:
            self._change(
                request, obj, {name: form.cleaned_data[name] for name in form.changed_data}
            )

    def _change(self, request: HttpRequest, user: User, changes: dict[str, Any]) -> User:
        return change_user(
            acting_user(request), user.pk, changes, tenant=user.tenant, request=request
        )

    @display(description="user", header=True, ordering="email")
    def shown_person(self, user: User) -> list[str]:
        return [user.display_name or user.email, user.email]

    @display(description="tenant", ordering="tenant__slug")
    def shown_tenant(self, user: User) -> str:
        return str(user.tenant) if user.tenant_id else "Platform operator"

    @display(description="role", ordering="role", label=_ROLE_COLOURS)
    def shown_role(self, user: User) -> tuple[str, str]:
        return user.role, "Operator" if user.is_superuser else user.get_role_display()

    @action(description="Set password", permissions=["change"], icon="key")
    def set_password(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user: User = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> None:
            changed = self._change(request, user, {"password": data["password"]})
            if user.pk == request.user.pk:  # his other browsers are out, this one stays
                update_session_auth_hash(request, changed)
            self.log_change(request, user, "Password was set.")
            self.message_user(request, f"{user} has a new password.", messages.SUCCESS)

        form = PasswordForm(posted(request), user=user)
        intro = "Every browser session and JWT of this user ends. API tokens live on."
        return self.ask(
            request,
            act,
            title=f"Set the password of {user}",
            intro=intro,
            submit="Set password",
            obj=user,
            form=form,
        )

    @action(description="Deactivate", permissions=["change"])
    def deactivate_chosen(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        self.act_on_each(
            request, chosen, lambda user: self._switch(request, user, False), "deactivated"
        )

    @action(description="Activate", permissions=["change"])
    def activate_chosen(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        self.act_on_each(
            request, chosen, lambda user: self._switch(request, user, True), "activated"
        )

    def _switch(self, request: HttpRequest, user: User, is_active: bool) -> None:
        self._change(request, user, {"is_active": is_active})
        self.log_change(request, user, "Activated." if is_active else "Deactivated.")


@register(ApiToken, site=platform_site)
@register(ApiToken, site=tenant_site)
class ApiTokenAdmin(ProductAdmin):
    """Tokens: facts, and the rights to revoke and to rotate. The secret is seen once, by who makes it.

    Members have their own here, owners and admins everybody's.
    """

    search_fields = ("name", "token_prefix", "user__email")
    actions = ("revoke_chosen",)
    actions_detail = ("rotate", "revoke")
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        tokens = super().get_queryset(request).select_related("user", "tenant")
        tenant, actor = current_tenant(), acting_user(request)
        tokens = tokens if tenant is None else tokens.filter(tenant=tenant)
        return tokens if actor.is_manager else tokens.filter(user=actor)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        home = () if current_tenant() else ("tenant",)
        return (
            "shown_name",
            *home,
            "user",
            "shown_state",
            "shown_rights",
            "shown_use",
            "expires_at",
            "created_at",
        )

    def get_list_filter(self, request: HttpRequest) -> tuple[str, ...]:
        return ("is_active",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        home = () if current_tenant() else ("tenant",)
        return (
            "name", "token_prefix", *home, "user", "shown_state", "shown_rights", "shown_bot", "rate", "expires_at",
            "replaced_by", "last_used_at", "created_at",
        )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_writable() and acting_user(request).is_active

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not is_writable():
            return False
        return object_id is None or self.require_object(request, object_id).is_active

    def has_rotate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not is_writable():
            return False
        if object_id is None:
            return True
        token: ApiToken = self.require_object(request, object_id)
        works = (
            token.is_active
            and not token.is_expired
            and token.user.is_active
            and token.replaced_by_id is None
        )
        return works and (
            token.user_id == request.user.pk or not outranks(token.user, acting_user(request))
        )

    @display(description="token", header=True, ordering="name")
    def shown_name(self, token: ApiToken) -> list[str]:
        return [token.name or "token", f"{token.token_prefix}…"]

    @display(
        description="state", label={"active": "success", "expired": "warning", "revoked": "danger"}
    )
    def shown_state(self, token: ApiToken) -> str:
        if not token.is_active:
            return "revoked"
        return "expired" if token.is_expired else "active"

    @display(description="rights")
    def shown_rights(self, token: ApiToken) -> str:
        return ", ".join(token.scopes) or "everything its user may do"

    @display(description="bot")
    def shown_bot(self, token: ApiToken) -> str:
        return str(token.bot_profile_id or "every bot")

    @display(description="last used", ordering="last_used_at")
    def shown_use(self, token: ApiToken) -> str:
        return format_age(token.last_used_at)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Make a token and show its secret, once. Members make their own, admins none of an owner's."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        users, actor = (
            User.objects.filter(is_active=True, tenant__isnull=False),
            acting_user(request),
        )
        users = visible_users(users if actor.is_manager else users.filter(pk=actor.pk))
        if outranks(User(role=Role.OWNER), actor):
            users = users.exclude(role=Role.OWNER)

        def mint(data: dict[str, Any]) -> HttpResponse:
            grant = Grant(tuple(data["scopes"]), data["bot_profile_id"], data["expires_at"])
            token, secret = mint_token(data["user"], data["name"], grant, request=request)
            self.log_addition(request, token, [{"added": {}}])
            return self._show(request, token, secret)

        form = NewTokenForm(posted(request), users=users, initial={"user": request.user.pk})
        return self.ask(request, mint, title="Add an API token", submit="Make the token", form=form)

    def _show(self, request: HttpRequest, token: ApiToken, secret: str) -> HttpResponse:
        return self.show_secret_once(
            request, secret, title="The token is ready", user=token.user, next_url=self.change_url(token),
            next_label="Go to the token",
        )  # fmt: skip

    @action(description="Rotate", permissions=["rotate"], icon="autorenew")
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        old: ApiToken = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> HttpResponse:
            token, secret = rotate_token(
                old.pk, data["overlap"], actor=acting_user(request), request=request
            )
            self.log_change(request, old, f"Rotated; the new one begins with {token.token_prefix}.")
            self.log_addition(request, token, [{"added": {}}])
            return self._show(request, token, secret)

        form = RotationForm(posted(request))
        intro = "Makes a new token with the same user and rights, which is shown once."
        return self.ask(
            request, act, title=f"Rotate {old}?", intro=intro, submit="Rotate", obj=old, form=form
        )

    @action(
        description="Revoke", permissions=["revoke"], icon="block", variant=ActionVariant.DANGER
    )
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        token: ApiToken = self.require_object(request, object_id)
        intro = "Whatever uses it is refused from the next request on."
        return self.ask(
            request, lambda data: self._revoke(request, token), title=f"Revoke {token}?", intro=intro, submit="Revoke",
            danger=True, obj=token,
        )  # fmt: skip

    @action(description="Revoke", permissions=["revoke"])
    def revoke_chosen(self, request: HttpRequest, chosen: QuerySet[ApiToken]) -> None:
        active = chosen.filter(is_active=True)
        self.act_on_each(request, active, lambda token: self._revoke(request, token), "revoked")

    def _revoke(self, request: HttpRequest, token: ApiToken) -> None:
        revoke_token(token, request=request)
        self.log_change(request, token, "Revoked.")
