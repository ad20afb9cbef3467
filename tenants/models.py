"""Who may enter: tenants, their hosts, users and tokens. All of it lives in the public schema."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_tenants.models import TenantMixin

from minirag.lib.bounds import JsonOfAtMost, ListOf
from minirag.lib.masking.choosing import check_masking
from minirag.lib.rows import QuickRow
from minirag.lib.security.passwords import check_password
from tenants.branding.colours import validate_accent, validate_dark_accent
from tenants.branding.models import TenantLogo
from tenants.due import DueKind, make_all_due
from tenants.entering.models import OperatorEntry
from tenants.entering.rights import RightsByRole
from tenants.factors.models import RecoveryCode, SecondFactor
from tenants.hosts.models import Domain
from tenants.links.models import EmailLink
from tenants.log.models import AuditEvent
from tenants.moving.models import ErasureReceipt, TenantTransfer, TransferKind, TransferStatus
from tenants.people.roles import May, Role, right_for
from tenants.plans.models import Plan
from tenants.platform.models import SchemaMigration, SchemaTemplate, TenantDay, TenantFigures
from tenants.sessions.models import BrowserSession
from tenants.sso.models import SsoIdentity, SsoProvider
from tenants.tokens.models import (
    ApiToken,
    ApiTokenQuerySet,
    BotAddress,
    OperatorToken,
    Right,
    hash_token,
)
from tenants.validators import (
    MOST_LANGUAGES,
    validate_languages,
    validate_rate,
    validate_time_zone,
)

__all__ = [
    "SCHEMA_PREFIX",
    "ApiToken",
    "ApiTokenQuerySet",
    "AuditEvent",
    "BotAddress",
    "BrowserSession",
    "Domain",
    "EmailLink",
    "ErasureReceipt",
    "May",
    "OperatorEntry",
    "OperatorToken",
    "Plan",
    "RecoveryCode",
    "Right",
    "Role",
    "SchemaMigration",
    "SchemaTemplate",
    "SecondFactor",
    "SsoIdentity",
    "SsoProvider",
    "Tenant",
    "TenantDay",
    "TenantFigures",
    "TenantLogo",
    "TenantStatus",
    "TenantTransfer",
    "TransferKind",
    "TransferStatus",
    "User",
    "UserManager",
    "hash_token",
    "make_schema_name",
    "normalise_email",
    "validate_rate",
    "validate_time_zone",
]

SCHEMA_PREFIX = "t_"
_SCHEMA_MAX = 63
MOST_WORK_WEIGHT = 20


def make_schema_name(slug: str) -> str:
    """Name the schema of a slug: readable, at most 63 bytes, and different for different slugs."""
    name = SCHEMA_PREFIX + slug.replace("-", "_")
    if len(name) < _SCHEMA_MAX:
        return name
    # All shortened names have the full length, so that no plain one can be the same.
    return f"{name[:46]}_{hashlib.sha256(slug.encode()).hexdigest()[:16]}"


class TenantStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"
    ARCHIVED = "archived", "Archived"


class Tenant(QuickRow, TenantMixin):
    """A customer: one schema. Made by `tenants.provisioning`, which also creates and drops the schema."""

    auto_create_schema = False
    auto_drop_schema = False

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, blank=True)
    slug = models.SlugField(max_length=100, unique=True)
    plan = models.CharField(max_length=50, default="free")
    description = models.CharField(max_length=2048, blank=True, default="")
    metadata = models.JSONField(
        default=dict,
        blank=True,
        validators=[JsonOfAtMost(20_000)],
        help_text="The operator's own facts; the tenant sees none.",
    )
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[validate_time_zone],
        help_text="Where its days and months begin, for statistics and quotas: an IANA name such as Europe/Berlin.",
    )
    rate = models.CharField(
        max_length=50,
        blank=True,
        default="",
        validators=[validate_rate],
        help_text="What all its callers together may call, such as 6000/minute; 0 is no limit. Empty: TENANT_RATE.",
    )
    work_weight = models.PositiveSmallIntegerField(
        default=1,
        db_default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_WORK_WEIGHT)],
        help_text="Its share of the workers' time where several tenants have work waiting: 2 is twice that of a tenant "
        "with 1.",
    )
    shown_name = models.CharField(
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text=_("What people and visitors read. Empty: the name."),
    )
    accent = models.CharField(
        max_length=7, blank=True, default="", db_default="", validators=[validate_accent],
        help_text=_("Of buttons and links, such as #3f51d8. Empty: the product's."),
    )  # fmt: skip
    dark_accent = models.CharField(
        max_length=7, blank=True, default="", db_default="", validators=[validate_dark_accent],
        help_text=_("The same where a page is dark. Empty: made of the other."),
    )  # fmt: skip
    logo_hash = models.CharField(
        max_length=16, blank=True, default="", db_default="", editable=False
    )
    languages = models.JSONField(
        default=list, blank=True, db_default=[], validators=[ListOf(MOST_LANGUAGES, 8), validate_languages],
        help_text=_("Of its people and visitors, the usual one first, such as de and en."),
    )  # fmt: skip
    contact = models.CharField(
        max_length=200, blank=True, default="", db_default="",
        help_text=_("Where a person can be reached, for visitors of bots that name nobody else."),
    )  # fmt: skip
    default_model = models.CharField(
        max_length=100, blank=True, default="", db_default="",
        help_text=_("What new bots speak with. Empty: the installation's."),
    )  # fmt: skip
    masking = models.JSONField(
        default=dict, blank=True, db_default={}, validators=[check_masking],
        help_text=_("What is kept from models, of bots that do not choose for themselves."),
    )  # fmt: skip
    second_factor_required = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Everybody here has to have a second factor; who has none is led to set one up.",
    )
    status = models.CharField(max_length=10, choices=TenantStatus, default=TenantStatus.ACTIVE)
    status_reason = models.CharField(max_length=2048, blank=True)
    status_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    maintenance_message = models.CharField(
        max_length=500, blank=True, default="", db_default="", editable=False
    )
    maintenance_until = models.DateTimeField(null=True, blank=True, editable=False)
    maintenance_of_all = models.BooleanField(default=False, db_default=False, editable=False)
    schema_version = models.CharField(max_length=64, blank=True, editable=False)
    is_canary = models.BooleanField(default=False, help_text="Migrated before the others.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name or self.slug

    @property
    def is_active(self) -> bool:
        return self.status == TenantStatus.ACTIVE

    @property
    def public_name(self) -> str:
        """What people and visitors read."""
        return self.shown_name or self.name or self.slug

    @property
    def colours_version(self) -> str:
        return f"{self.accent}{self.dark_accent}".replace("#", "")

    @property
    def is_readable(self) -> bool:
        """Whether its tokens may read by API: an archived one keeps its data and can be read."""
        return self.status in (TenantStatus.ACTIVE, TenantStatus.ARCHIVED)

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save; where the time zone is another one its days begin elsewhere, so usage is added up again, and times of
        schedules come at other moments. Where the plan is another one, its quotas follow.
        """
        is_new = self._state.adding
        with transaction.atomic():
            super().save(*args, update_fields=update_fields, **kwargs)
            if not is_new and (update_fields is None or "time_zone" in update_fields):
                make_all_due(self.pk, [DueKind.USAGE, DueKind.SCHEDULES])
            may_be_another = update_fields is None or "plan" in update_fields
            if may_be_another and (not is_new or Plan.objects.filter(key=self.plan).exists()):
                make_all_due(self.pk, [DueKind.PLANS])

    def change_status(self, status: str, reason: str = "") -> None:
        """Suspend, archive or restore; takes effect on the next request, since nothing caches a tenant."""
        self.status, self.status_reason, self.status_changed_at = status, reason, timezone.now()
        with transaction.atomic():
            self.save(update_fields=["status", "status_reason", "status_changed_at", "updated_at"])
            if self.is_active:  # what came due in the meantime was dropped
                make_all_due(self.pk)


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None, **fields: Any) -> User:
        """Make a user, who has no password to log in with where it is None. Raises PasswordWeak."""
        user: User = self.model(email=normalise_email(email), **fields)
        if password is not None:
            check_password(password, user)
        user.set_password(password)
        user.save()
        return user

    def end_jwts(self, user: User) -> None:
        """Have all JWTs of a user that were made before be worth nothing."""
        self.filter(pk=user.pk).update(jwt_epoch=models.F("jwt_epoch") + 1)

    def create_superuser(self, email: str, password: str | None, **fields: Any) -> User:
        """Make a platform operator: a user of no tenant who may enter every one."""
        return self.create_user(
            email, password, is_superuser=True, role=Role.OWNER, tenant=None, **fields
        )


def normalise_email(email: str) -> str:
    """Lower the domain and keep the local part, as the wire contract does."""
    local, at, domain = email.strip().rpartition("@")
    return f"{local}{at}{domain.lower()}"


class User(QuickRow, RightsByRole, AbstractBaseUser):
    """A person who manages a tenant, or, without a tenant, the platform."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, blank=True, related_name="users"
    )
    email = models.EmailField(max_length=320)
    display_name = models.CharField(max_length=255, blank=True)
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    is_active = models.BooleanField(default=True)
    jwt_epoch = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    has_second_factor = models.BooleanField(default=False, db_default=False, editable=False)
    is_superuser = models.BooleanField("platform operator", default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(
                "tenant",
                "email",
                name="user_email_once_per_tenant",
                nulls_distinct=False,
                violation_error_message="A user with this email already exists in this tenant.",
            ),
            models.CheckConstraint(
                name="user_is_of_a_tenant_or_of_the_platform",
                condition=models.Q(tenant__isnull=True, is_superuser=True)
                | models.Q(tenant__isnull=False, is_superuser=False),
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or self.email

    def get_full_name(self) -> str:
        """What the admin greets the user by."""
        return self.display_name

    @property
    def is_staff(self) -> bool:
        return True  # every user belongs to an admin; which one, its AdminSite decides by tenant

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Django's permission check, answered by role (`tenants.people.roles`)."""
        right = right_for(perm)
        return self.is_active and (self.has_all_rights or (right is not None and self.may(right)))

    def has_perms(self, perms: list[str], obj: object = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perms)

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active
