"""{% load static %} for pages that a test serves by itself: the file's name under /static/, without a hash."""

from __future__ import annotations

from django import template

register = template.Library()


@register.simple_tag
def static(path: str) -> str:
    return f"/static/{path}"
