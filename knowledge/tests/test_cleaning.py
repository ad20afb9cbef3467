"""An operator's own rules: which lines and parts of a source are no text of it."""

from __future__ import annotations

import pytest

from knowledge.formats.cleaning import Rules, find_fault
from knowledge.formats.parsing import parse, parse_isolated
from knowledge.models import Chunk
from knowledge.tests.api import refusal
from knowledge.tests.conftest import make_source, run

PAGE = b"""<html><head><title>Fares</title></head><body><div class=promo>Buy now!</div><div id=text><h1>Dogs</h1>
<p>Dogs travel free.</p><div class=promo><p>Sale</p><div class=promo>more</div></div>
<p>Was this helpful? Yes No</p></div>
<p>Imprint</p></body></html>"""


def text_of(data: bytes, kind: str, **clean) -> str:
    document = parse(data, kind=kind, name="a", rules=Rules.read({"clean": clean}))
    return "\n\n".join(section.text for section in document.sections)


def test_lines_and_parts_of_a_page_are_left_out_and_kept():
    clean = {
        "keep_selector": "#text", "drop_selectors": [".promo"], "drop_lines": ["was this * yes no"],
    }  # fmt: skip
    assert text_of(PAGE, "html", **clean) == "Dogs travel free."
    assert parse(PAGE, kind="html", name="a", rules=Rules.read({"clean": clean})).title == "Fares"
    assert "Imprint" in text_of(PAGE, "html", keep_selector=".nowhere")


def test_lines_are_left_out_of_every_format_also_in_a_process_of_its_own():
    text = "# Dogs\n\nDogs travel free.\n\nConfidential\n\n* * *\n\nCats pay.\nDraft of May\n\n"
    rules = Rules.read({"clean": {"drop_lines": ["CONFIDENTIAL", "draft of *"]}})
    assert text_of(text.encode(), "md", drop_lines=["CONFIDENTIAL", "draft of *"]) == (
        "Dogs travel free.\n\nCats pay."
    )
    large = (text + "filler\n\n" * 20_000).encode()
    shown = parse_isolated(large, kind="md", name="a", rules=rules).sections[0].text
    assert shown.startswith("Dogs travel free.\n\nCats pay.\n\nfiller")


@pytest.mark.parametrize(
    "clean",
    ["x", [], {"other": []}, {"drop_lines": "x"}, {"drop_lines": [""]}, {"drop_lines": ["*"]}, {"drop_lines": [1]},
     {"drop_lines": ["x"] * 51}, {"drop_lines": ["x" * 201]}, {"keep_selector": "div["}, {"keep_selector": 3},
     {"drop_selectors": [":nonsense(a)"]}],
)  # fmt: skip
def test_rules_that_cannot_be_are_refused(clean):
    fault = find_fault(clean)
    assert fault is not None and fault.startswith("config.clean")
    assert Rules.read({"clean": clean}) == Rules()


def test_a_source_with_rules_is_read_by_them_and_read_again_with_others(bot):
    source = make_source(
        bot, "Dogs travel free.\n\nConfidential", config={"clean": {"drop_lines": ["confidential"]}}
    )
    assert run(source).status == "ready"
    assert list(Chunk.objects.values_list("content", flat=True)) == ["Dogs travel free."]
    type(source).objects.filter(pk=source.pk).update(config={})
    run(source)
    assert "Confidential" in Chunk.objects.get().content


def test_the_api_takes_rules_and_refuses_wrong_ones(api):
    fields = {
        "bot_profile_id": api.bot(),
        "name": "Dogs",
        "source_type": "text",
        "content": "Dogs travel free.",
    }
    clean = {"drop_lines": ["Confidential"], "drop_selectors": [".promo"]}
    assert api.make("sources", **fields, config={"clean": clean})["config"] == {"clean": clean}
    refused = api.send("post", "sources", **fields, config={"clean": {"keep_selector": "div["}})
    assert refusal(refused) == (422, "config_invalid")
