"""The pages of quotas in the tenant admin: what an owner may remove, and what stays the operator's."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from bots.quotas.models import Quota, QuotaUse
from bots.tests.test_admin_usage import alice  # noqa: F401 - a fixture

PAGE = "/admin/bots/quota/"


def make_quota(*, is_platform: bool) -> Quota:
    """A quota of which something was used already."""
    quota = Quota.objects.create(resource="messages", limit=10, is_platform=is_platform)
    QuotaUse.objects.create(quota=quota, starts_at=timezone.now(), used=3)
    return quota


@pytest.mark.parametrize(("is_platform", "left"), [(False, 0), (True, 1)])
def test_an_owner_removes_a_quota_that_was_used_and_none_of_the_operators(
    alice: Client, is_platform, left
):
    quota = make_quota(is_platform=is_platform)
    alice.post(f"{PAGE}{quota.pk}/delete/", {"post": "yes"})
    assert Quota.objects.count() == left


@pytest.mark.parametrize(("is_platform", "left"), [(False, 0), (True, 1)])
def test_of_chosen_quotas_too_only_ones_own_are_removed(alice: Client, is_platform, left):
    quota = make_quota(is_platform=is_platform)
    alice.post(
        PAGE, {"action": "delete_selected", "_selected_action": [str(quota.pk)], "post": "yes"}
    )
    assert Quota.objects.count() == left
