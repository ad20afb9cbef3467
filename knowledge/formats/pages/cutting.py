"""A web page cut to what its owner's rules keep of it, before it is read."""

from __future__ import annotations

from knowledge.formats.cleaning import Rules
from knowledge.formats.pages.furniture import leave_out, open_templates
from knowledge.formats.pages.restricting import read_restriction, write_restriction
from knowledge.formats.pages.webpage import decode_html


def cut_page(data: bytes, rules: Rules) -> bytes:
    """What its owner wants of a page: one part, if it has it, and none of what is to be left out."""
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    if not rules.keep_selector and not rules.drop_selectors:
        return data
    try:
        text = open_templates(decode_html(data)[0].replace("\0", ""))
        tree = LexborHTMLParser(text)
        # Whatever is cut away, not who may read it.
        readers = write_restriction(read_restriction(tree, text))
        for selector in rules.drop_selectors:
            for node in tree.css(selector):
                if node.css_first("body") is None:
                    leave_out(node)
        kept = (
            [node.html or "" for node in tree.css(rules.keep_selector)]
            if rules.keep_selector
            else []
        )
        head = tree.head.html if tree.head is not None else ""
    except SelectolaxError:
        return data
    if not kept:
        return f"{tree.html or ''}{readers}".encode("utf-16")
    return f"<html>{head}{readers}<body><main>{''.join(kept)}</main></body></html>".encode("utf-16")
