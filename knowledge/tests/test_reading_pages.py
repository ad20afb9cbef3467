"""Web pages and Markdown without their furniture, and with what they fold away, word by word."""

from __future__ import annotations

import json

import pytest

from knowledge.formats.pages.absent import says_not_found
from knowledge.formats.parsing import parse
from knowledge.formats.sections import Section


def read(text: str, kind: str = "html") -> tuple[Section, ...]:
    return parse(text.encode(), kind=kind, name=f"page.{kind}").sections


def text_of(text: str, kind: str = "html") -> str:
    return "\n\n".join(section.text for section in read(text, kind))


FURNITURE = [
    "<nav><a href=/>Home</a></nav>",
    '<div role="navigation"><a href=/>Home</a></div>',
    '<ol class="breadcrumb"><li>Home</li><li>Fares</li></ol>',
    '<a class="skip-link" href="#main">Skip to main content</a>',
    '<p><a href="#top">Back to top ↑</a></p>',
    '<p><a href="#">Nach oben</a></p>',
    '<ul><li><a href="#a">Dogs</a></li><li><a href="#b">Bikes</a></li><li><a href="#c">Prams</a></li></ul>',
    '<div class="toc"><p>Contents</p></div>',
    '<div id="onetrust-banner-sdk">We value your privacy</div>',
    '<div class="notice"><p>We use cookies to improve this site.</p>'
    "<div><button>Accept all</button><button>Reject</button></div></div>",
    '<section><p>Diese Seite verwendet Cookies.</p><div><a href="/c">Alle akzeptieren</a></div></section>',
    '<aside class="cookie-consent">Cookies help us.</aside>',
    '<div class="pagination"><a href="?p=2">2</a></div>',
    '<h2>On this page</h2><ul><li><a href="#dogs">Dogs</a></li></ul>',
    "<p>Was this page helpful? <button>Yes</button></p>",
    '<p><a href="https://github.com/a/b/edit/main/x.md">Edit this page on GitHub</a></p>',
    "<p>This website uses cookies. By continuing to browse you agree to their use. <a href=/c>Learn more</a></p>",
    "<p>Durch die weitere Nutzung der Seite stimmen Sie der Verwendung von Cookies zu.</p>",
]


@pytest.mark.parametrize("furniture", FURNITURE)
@pytest.mark.parametrize("frame", ["<main>{}</main>", "<div>{}</div>"])
def test_furniture_is_never_text(furniture, frame):
    page = "<h1>Fares</h1><p>Dogs travel free.</p>"
    assert text_of(frame.format(f"{furniture}{page}")) == "Dogs travel free."
    assert text_of(frame.format(f"{page}{furniture}")) == "Dogs travel free."


def test_a_page_about_cookies_keeps_what_it_says():
    policy = "<h1>Cookies</h1><p>We use cookies to remember your basket. They last for 30 days.</p>"
    assert text_of(f"<main>{policy}</main>").startswith("We use cookies to remember")
    asked = f"<main>{policy}<p>By continuing you accept cookies.</p></main>"
    assert "By continuing" in text_of(asked)
    assert "30 days" in text_of(
        f"<body><h1 class=title>Bake</h1><div class='cookie-recipe'>{policy}</div>"
    )


ACCORDIONS = [
    "<details><summary>May dogs travel?</summary><p>Dogs travel free.</p></details>",
    '<button aria-expanded="false" aria-controls="p1">May dogs travel?</button>'
    '<div id="p1" hidden><p>Dogs travel free.</p></div>',
    '<a role="button" aria-expanded="false" aria-controls="p1">May dogs travel?</a>'
    '<div id="p1" style="display:none" aria-hidden="true">Dogs travel free.</div>',
    '<button class="accordion">May dogs travel?</button><div style="display:none">Dogs travel free.</div>',
    '<button class="btn" data-bs-target="#d1">May dogs travel?</button><div id="d1" hidden>Dogs travel free.</div>',
    "<dl><dt>May dogs travel?</dt><dd>Dogs travel free.</dd></dl>",
    "<template><details><summary>May dogs travel?</summary><p>Dogs travel free.</p></details></template>",
    '<script type="application/ld+json">'
    + json.dumps({"@graph": [{"@type": "FAQPage", "mainEntity": [{
        "@type": "Question", "name": "May dogs travel?",
        "acceptedAnswer": {"@type": "Answer", "text": "<p>Dogs travel <b>free</b>.</p>"}}]}]})
    + "</script>",
]  # fmt: skip


@pytest.mark.parametrize("accordion", ACCORDIONS)
def test_questions_keep_their_answers_however_they_are_folded(accordion):
    words = text_of(f"<main><p>Fares</p>{accordion}</main>").replace("\n", " ").split()
    assert words == ["Fares", "May", "dogs", "travel?", "Dogs", "travel", "free."]


def test_a_heading_that_is_a_button_heads_what_it_opens():
    for target in (' aria-controls="x"', ""):
        button = f'<button aria-expanded="false"{target}>Dogs?</button>'
        page = f"<main><h3>{button}</h3><div id=x hidden>Free.</div></main>"
        assert read(page) == (Section(("Dogs?",), "Free."),)


def test_tabs_are_read_one_below_the_other_under_their_names():
    page = (
        "<main><div role=tablist><button role=tab aria-controls=a>Summer</button><a role=tab aria-controls=b>Winter</a>"
        "</div><div role=tabpanel id=a><p>9 to 20</p></div><div role=tabpanel id=b hidden><p>10 to 16</p></div></main>"
    )
    assert text_of(page).split("\n\n") == ["Summer", "9 to 20", "Winter", "10 to 16"]


def test_a_page_that_is_utf_8_and_says_otherwise_is_read_as_what_it_is():
    page = "<meta charset=iso-8859-1><p>Größe: 4 €</p>"
    assert text_of(page) == "Größe: 4 €"
    assert parse(page.encode("cp1252"), kind="html", name="x").sections[0].text == "Größe: 4 €"


def test_menus_and_placeholders_stay_hidden():
    page = (
        '<button aria-expanded="false" aria-controls="m">Menu</button><div id="m" hidden><nav>Home</nav></div>'
        "<button class=toggle aria-expanded=false>Menu</button><div hidden><a href=/a>Shop</a> <a href=/b>Us</a></div>"
        "<button class=expand>More</button><div hidden><button>Buy</button> ghost</div>"
        "<template><h3>{{ question }}?</h3></template><template><p>Row</p></template><p hidden>ghost</p><p>Text</p>"
    )
    assert text_of(page) == "Text"


def test_questions_that_a_page_shows_are_not_read_twice_and_broken_json_is_no_harm():
    broken = '<script type="application/ld+json">{</script>'
    shown = "<main><h2>May dogs travel?</h2><p>Yes.</p></main>"
    assert text_of(f"{shown}{ACCORDIONS[-1]}{broken}") == "Yes."


def test_terms_stand_with_what_they_mean():
    page = "<dl><dt>Adult<dt>Senior<dd>4.20<dt>Child<dd>2.10<dd>free below six</dl>"
    assert text_of(page) == "Adult, Senior: 4.20\n\nChild: 2.10 free below six"


@pytest.mark.parametrize(
    "line",
    ["[toc]", "[TOC]", "[[_TOC_]]", "{{toc}}", "[Back to top](#top)", "↑ Back to top", "[Zum Seitenanfang](#)",
     "- [Dogs](#dogs)\n- [Bikes](#bikes)\n- [Prams](#prams)\n  - [Old](#old)", "<!-- toc -->", "* TOC\n{:toc}",
     "## Contents\n\n1. [Dogs](#dogs)", "## Contents\n\n[toc]", "Was this page helpful?",
     "This site uses cookies. If you continue we assume that you agree."],
)  # fmt: skip
def test_markdowns_furniture_is_never_text(line):
    assert (
        text_of(f"# Fares\n\n{line}\n\nDogs travel free.\n\n{line}\n", "md") == "Dogs travel free."
    )


def test_markdown_lists_of_links_elsewhere_and_brackets_in_prose_stay():
    text = "- [Dogs](https://a.b/dogs)\n- [Bikes](#bikes) cost 2 EUR\n- [Prams](#prams)\n\nSee [toc] below."
    assert text_of(text, "md") == (
        "- Dogs (https://a.b/dogs)\n- Bikes cost 2 EUR\n- Prams\n\nSee [toc] below."
    )


def test_markdown_terms_and_a_heading_of_contents_without_links_stay():
    text = "# Contents\n\nOne pump, two lids.\n\nAdult\nSenior\n: 4.20\n: free on Sundays\n\nChild\n: 2.10"
    assert read(text, "md") == (
        Section(
            ("Contents",),
            "One pump, two lids.\n\nAdult\nSenior: 4.20 free on Sundays\n\nChild: 2.10",
        ),
    )
    assert "Inhalt" in text_of("# Inhalt\n\n# Tee\n\nGrün.", "md")


def test_html_within_markdown_keeps_its_form():
    table = (
        "<table><tr><td>Adult</td><td>4.20</td></tr><tr><td>Child</td><td>2.10</td></tr></table>"
    )
    text = f"{table}\n\nText[^1]\n\n[^1]: Not on Sundays."
    assert text_of(text, "md") == "Adult | 4.20\nChild | 2.10\n\nText\n\nNot on Sundays."


def test_a_fence_keeps_its_form_within_another():
    code = "```sh\nferry --now\n\n    indented\n```"
    assert read(f"````md\n{code}\n````", "md") == (Section((), code, None, "code"),)


@pytest.mark.parametrize("kind", ["md", "html", "txt", "csv"])
def test_what_is_not_seen_is_not_stored(kind):
    text = "Die Bür\u00adger\u00adsteuer, Wert\u200bstoff\u2060hof und \u202eeleven\u202c Euro"
    assert "Die Bürgersteuer" in text_of(text, kind)
    assert "Wertstoffhof und eleven Euro" in text_of(text, kind)


@pytest.mark.parametrize(
    "unit",
    ["<template>", "<ul><li><a href=#x>x", "<button>OK", "<div class=toc>", "<a href=#>", "<details><summary>?",
     '<script type="application/ld+json">[[[[', "<dl><dt>a<dd>"],
)  # fmt: skip
def test_hostile_repetition_is_read_or_refused(unit):
    assert isinstance(read(unit * (100_000 // len(unit))), tuple)


@pytest.mark.parametrize(
    "name", ["Page not found | Aeris", "Error 404", "Hoppla! Webseite nicht gefunden", "Lost? The page does not exist"]
)  # fmt: skip
def test_a_short_page_that_calls_itself_absent_is_a_notice(name):
    assert says_not_found([name], "Try our search.") and not says_not_found([name], "word " * 200)


@pytest.mark.parametrize(
    "name",
    ["What does “Page not found” mean?", "Seite nicht gefunden – was tun? | Hilfe", "Printer not found",
     "Seitenwagen nicht verfügbar", "Documentation not available offline", "404 West Street"],
)  # fmt: skip
def test_a_page_of_help_about_what_is_absent_is_none(name):
    assert not says_not_found([name], "Ask your dealer.")
