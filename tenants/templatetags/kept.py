"""`{{ reason|retell }}`: a sentence that a worker kept, in the reader's language."""

from __future__ import annotations

from django import template

from minirag.lib.telling.kept_sentences import retell

register = template.Library()
register.filter("retell", retell)
