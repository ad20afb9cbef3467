"""Admin pages of the people in a tenant."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import register
from django.contrib.auth import update_session_auth_hash
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import action, display

from minirag.lib.errors import ProductError
from tenants.admin_site.forms import NewUserForm, PasswordForm, UserForm
from tenants.admin_site.model_admin import ProductAdmin, posted
from tenants.admin_site.sites import platform_site, tenant_site
from tenants.calls.permissions import acting_user
from tenants.context import current_tenant
from tenants.models import Role, User
from tenants.people.changing import change_user, insert_user, outranks

_ROLE_COLOURS = {
    Role.OWNER: "primary", Role.ADMIN: "info", Role.EDITOR: "success", Role.AGENT: "warning",
    Role.VIEWER: "default", Role.MEMBER: "default",
}  # fmt: skip


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
            insert_user(acting_user(request), obj)
        else:
            self._change(
                request, obj, {name: form.cleaned_data[name] for name in form.changed_data}
            )

    def _change(self, request: HttpRequest, user: User, changes: dict[str, Any]) -> User:
        return change_user(acting_user(request), user.pk, changes, tenant=user.tenant)

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
            if user.pk == request.user.pk:  # other browsers are logged out, this one stays
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
