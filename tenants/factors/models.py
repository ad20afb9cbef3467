"""A second proof beside the password: a device that shows codes (TOTP, RFC 6238), and codes on paper for without it.

The arithmetic is django-otp's. Its tables are not used, since they keep the device's key and the recovery codes as they
are: here the key is sealed for its user, and of a recovery code a keyed digest is kept.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import models
from django.utils import timezone
from django_otp.oath import TOTP

from minirag.lib.security.crypto import decrypt, encrypt, rotate

if TYPE_CHECKING:
    from tenants.models import User

RECOVERY_CODES = 10
_STEP, _TOLERANCE = 30, 1  # seconds; a clock may be one step off
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another


class SecondFactor(models.Model):
    """A person's device. It counts once a code of it was entered (`confirmed_at`)."""

    user = models.OneToOneField(
        "tenants.User", on_delete=models.CASCADE, related_name="second_factor", primary_key=True
    )
    encrypted_key = models.TextField(editable=False)
    last_step = models.BigIntegerField(
        default=-1, help_text="Of the code used last: none before it counts again."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.user_id)

    @classmethod
    def begin(cls, user: User) -> SecondFactor:
        """Give a user a new key, which nothing asks for until it is confirmed."""
        sealed = encrypt(secrets.token_bytes(20).hex(), context=_context(user.pk))
        fields = {
            "encrypted_key": sealed,
            "last_step": -1,
            "confirmed_at": None,
            "created_at": timezone.now(),
        }
        return cls.objects.update_or_create(user=user, defaults=fields)[0]

    @property
    def key(self) -> bytes:
        return bytes.fromhex(decrypt(self.encrypted_key, context=_context(self.user_id)))

    def reseal(self) -> dict[str, str]:
        """What changes where the key is under an older encryption key."""
        new = rotate(self.encrypted_key, _context(self.user_id))
        return {"encrypted_key": new} if new != self.encrypted_key else {}

    def address_for_apps(self, place: str) -> str:
        """The `otpauth:` address that apps read as a QR code."""
        key = base64.b32encode(self.key).decode()
        label = quote(f"{place}:{self.user.email}")
        return f"otpauth://totp/{label}?{urlencode({'secret': key, 'issuer': place})}"

    def accepts(self, code: str) -> bool:
        """Whether a code is right and newer than the one used last; it is used up by that."""
        if not (code.isascii() and code.isdigit() and len(code) == 6):
            return False
        totp = TOTP(self.key, _STEP)
        totp.time = time.time()
        if not totp.verify(int(code), tolerance=_TOLERANCE):
            return False
        step = totp.t()
        newer = SecondFactor.objects.filter(pk=self.pk, last_step__lt=step)
        return newer.update(last_step=step) == 1


class RecoveryCode(models.Model):
    """Good once, in place of a code of the device."""

    user = models.ForeignKey(
        "tenants.User", on_delete=models.CASCADE, related_name="recovery_codes"
    )
    digest = models.CharField(max_length=64, editable=False)
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.user_id)

    @classmethod
    def renew(cls, user: User) -> list[str]:
        """Replace all of a user's codes; returns the new ones, which cannot be read again."""
        codes = [
            "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(2))
            for _ in range(RECOVERY_CODES)
        ]
        cls.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user=user, digest=_digest(user.pk, code)) for code in codes
        )
        return codes

    @classmethod
    def use(cls, user: User, code: str) -> bool:
        open_codes = cls.objects.filter(user=user, used_at__isnull=True)
        found = open_codes.filter(digest=_digest(user.pk, code.strip().lower()))
        return found.update(used_at=timezone.now()) == 1


def _context(user_id: Any) -> str:
    return f"user:{user_id}/second_factor"


def _digest(user_id: Any, code: str) -> str:
    return hmac.new(
        settings.SECRET_KEY.encode(), f"{user_id}:{code}".encode(), "sha256"
    ).hexdigest()
