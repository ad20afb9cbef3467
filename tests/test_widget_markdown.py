"""How widget.js shows Markdown: complete, as it comes in, and harmless whatever stands in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.fakes.widget_server import FakeWidgetServer
from tests.test_widget_browser import ask, browser, last_answer, open_widget, server

__all__ = ["browser", "server"]
pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser, server: FakeWidgetServer) -> Iterator[Page]:
    """The demo's page, whose policy refuses pictures of others and says so in the console."""
    context = browser.new_context(viewport={"width": 1200, "height": 800}, locale="en-GB")
    context.set_default_timeout(60_000)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(server.url + "/demo/")
    yield page
    context.close()
    assert errors == []


# Shows a text as a greeting, by the script as it is served, and returns its HTML.
SHOW = """async texts => {
  const widget = document.querySelector('minirag-widget'), shown = [];
  window.pwned = 0;
  for (const greeting of texts) {
    await widget.preview({image_hosts: ['img.example']}, {greeting});
    shown.push(widget.log.querySelector('.body').innerHTML);
  }
  await new Promise(done => setTimeout(done, 100));
  return [shown, window.pwned];
}"""
BLANK = 'target="_blank" rel="noopener noreferrer nofollow"'
KNOWN = [
    ("~~old~~ **new**", ["<del>old</del>", "<strong>new</strong>"]),
    ('[a (b)](https://x.example/a_(b) "The title")', ['href="https://x.example/a_(b)"', BLANK, 'title="The title"']),
    ("[mail](mailto:help@acme.example)", ['<a href="mailto:help@acme.example">mail</a>']),
    ("[call](tel:+491234)", ['<a href="tel:+491234">call</a>']),
    ("https://x.example/a.", ['<a href="https://x.example/a"', "</a>."]),
    ("1. a\n   - b\n     1. c", ["<ol", "<ul", "<li", "b<ol"]),
    ("3. c\n4. d", ['<ol dir="auto" start="3">']),
    ("• a\n• b", ["<ul", "<li"]),
    ("- [x] a\n- [ ] b", ["☑ a", "☐ b"]),
    ("> a\n> b", ["<blockquote", "a<br>b"]),
    ("```py\na < b\n```", ['<pre tabindex="0"><code>a &lt; b</code></pre>', "Copy</button>"]),
    ("| a | b |\n|---|--:|\n| 1 | **2** |", ['scope="col">a', 'class="to-right"><strong>2']),
    ("# One\n\n### Two", ["<h3", "One</h3>", "<h4", "Two</h4>"]),
    ("![Logo](https://img.example/l.png)", ['<img src="https://img.example/l.png" alt="Logo" loading="lazy"']),
    ("![Logo](https://evil.example/l.png)", [f'<a href="https://evil.example/l.png" {BLANK}>Logo</a>']),
    ("![Logo](http://img.example/l.png)", [f'<a href="http://img.example/l.png" {BLANK}>Logo</a>']),
    ("a &lt;b&gt; &#65;&#x42; `&lt;`", ["a &lt;b&gt; AB", "<code>&amp;lt;</code>"]),
    ("[1]: https://x.example", ["[1]: <a"]),
    ("snake_case_name 2 * 3 * 4", ["snake_case_name 2 * 3 * 4"]),
]  # fmt: skip
HOSTILE = [
    "<script>pwned=1</script>",
    "<img src=x onerror=pwned=1>",
    "<svg/onload=pwned=1>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'>",
    "<a href='javascript:pwned=1'>x</a>",
    "<style>*{display:none}</style>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=pwned=1>",
    "[x](javascript:pwned=1)",
    "[x](JaVaScRiPt:pwned=1)",
    "[x](java\nscript:pwned=1)",
    "[x](&#106;avascript:pwned=1)",
    "[x](&#x6A;avascript&#58;pwned=1)",
    "[x](\\x01javascript:pwned=1)",
    "[x](vbscript:pwned=1)",
    "[x](data:text/html;base64,PHNjcmlwdD5wd25lZD0xPC9zY3JpcHQ+)",
    "[x](//evil.example)",
    "[x](file:///etc/passwd)",
    "[x](blob:https://x.example/1)",
    "[x](mailto:a@b?subject=%0d%0aBcc:c@d) [y](tel:javascript:pwned=1)",
    "![x](javascript:pwned=1)",
    "![x](data:image/svg+xml,<svg/onload=pwned=1>)",
    '![x](https://img.example/"onerror="pwned=1)',
    '[x](https://x.example/ "\\" onclick=\\"pwned=1")',
    '[x](https://x.example/"onmouseover="pwned=1)',
    "![<img src=x onerror=pwned=1>](https://evil.example/a)",
    "| <img src=x onerror=pwned=1> | b |\n|---|---|\n| <script>pwned=1</script> | [x](javascript:pwned=1) |",
    '```"><img src=x onerror=pwned=1>\n<script>pwned=1</script>\n```',
    "# <img src=x onerror=pwned=1>\n> <svg onload=pwned=1>\n- <script>pwned=1</script>",
    "<https://x.example/><javascript:pwned=1>",
    "[a]: javascript:pwned=1\n\n[a]",
    "`<img src=x onerror=pwned=1>` **<img src=x onerror=pwned=1>**",
    "&lt;img src=x onerror=pwned=1&gt; &#60;script&#62;pwned=1&#60;/script&#62;",
    "<!--><img src=x onerror=pwned=1>-->",
    "<form id=log><input name=attributes></form>",
]
# What may stand in an answer at all.
LOOK = """() => {
  const all = [...document.querySelector('minirag-widget').log.querySelectorAll('.body *')];
  const names = new Set(all.flatMap(each => each.getAttributeNames()));
  const urls = all.flatMap(each => [each.getAttribute('href'), each.getAttribute('src')]).filter(Boolean);
  return [[...new Set(all.map(each => each.localName))], [...names], urls];
}"""


def test_markdown_is_complete(page):
    shown, _ = page.evaluate(SHOW, [text for text, _ in KNOWN])
    for (text, wanted), html in zip(KNOWN, shown, strict=True):
        for piece in wanted:
            assert piece in html, (text, html)
        assert "<img" not in html or "img.example" in text
    assert page.evaluate(SHOW, ["[1]"])[0] == ['<p dir="auto">[1]</p>']


def test_a_text_that_is_made_to_keep_its_reader_waiting_is_shown_as_it_is(page):
    for sign in ("*a ", "_a", "[", "a."):
        text = "**b** " + sign * (30_000 // len(sign)) + "@"
        (html,), _ = page.evaluate(SHOW, [text])
        assert html == f'<p dir="auto">{text}</p>', sign


def test_nothing_that_stands_in_a_text_is_run_or_becomes_an_element_of_its_own(page):
    for text in HOSTILE:
        (html,), pwned = page.evaluate(SHOW, [text])
        tags, names, urls = page.evaluate(LOOK)
        assert pwned == 0, text
        assert not {"script", "svg", "iframe", "style", "math", "form", "input"} & {*tags}, html
        assert not [name for name in names if name.startswith("on") or name in ("style", "srcdoc")]
        for url in urls:
            assert url.startswith(("https://", "mailto:a@b")), (text, url)
    deep = "* " * 20_000 + "x"
    assert "* * * x" in page.evaluate(SHOW, [deep])[0][0]
    page.wait_for_timeout(50)
    assert page.evaluate("window.pwned") == 0


LONG = """# A *heading*

A paragraph with **bold words**, `code`, ~~old~~ and a [link](https://docs.example/a_(b) "Title") [1].

- one **item**
  - nested *item* [2]

| Model | Price |
|-------|------:|
| BR-1 | 9 € |
| BR-2 | 12 € |

```python
x = a ** b  # [not a mark](here)
```

***The*** last words."""
# At every change: does a sign of Markdown show that is none in the end, is a block that was done made anew?
WATCH = r"""() => {
  const widget = document.querySelector('minirag-widget');
  window.flashes = [];
  let first = null;
  const look = () => {
    const body = [...widget.log.querySelectorAll('.body')].pop();
    const text = [...body.childNodes].filter(node => node.className !== 'code').map(each => each.textContent)
      .join('\n');
    if (/[*`~|\]\[]|--|https/.test(text)) flashes.push(text.slice(-60));
    const heading = body.querySelector('h3');
    if (first && heading !== first && body.isConnected) flashes.push('the heading was made anew');
    if (body.querySelector('p')) first = first || heading;
  };
  new MutationObserver(look).observe(widget.log, { childList: true, subtree: true, characterData: true });
}"""


def test_an_answer_streams_without_half_signs_and_leaves_what_is_done_alone(page):
    open_widget(page)
    page.evaluate(WATCH)
    page.evaluate("text => document.querySelector('minirag-widget').ask(text)", f"echo {LONG}")
    expect(last_answer(page).locator(".thumbs")).to_be_visible()
    assert page.evaluate("flashes") == []
    answer = last_answer(page)
    expect(answer.locator("button.mark")).to_have_count(2)
    expect(answer.locator("td").first).to_have_text("BR-1")
    answer.get_by_role("button", name="Copy").click()
    expect(answer.get_by_role("button", name="Copied")).to_be_visible()


def test_without_markdown_answers_are_shown_as_they_are_written_and_anew_when_it_comes(
    page, server
):
    page.route("**/static/minirag/markdown.js*", lambda route: route.abort())
    open_widget(page)
    ask(page, "echo A **bold** word [1].\n\n<b onclick=pwned=1>x</b> [7]")
    answer = page.locator(".message.assistant").nth(1)  # after the greeting
    expect(answer.locator(".thumbs")).to_be_visible()
    expect(answer.locator(".body")).to_contain_text(
        "A **bold** word 1.\n\n<b onclick=pwned=1>x</b> [7]"
    )
    answer.locator("button.mark").click()
    expect(answer.locator(".excerpt").first).to_be_visible()
    page.unroute("**/static/minirag/markdown.js*")
    ask(page, "echo *another*")
    expect(last_answer(page).locator("em")).to_have_text("another")
    expect(answer.locator("strong")).to_have_text("bold")
    expect(answer.locator("button.mark")).to_have_count(1)
    expect(page.locator(".plain, b[onclick]")).to_have_count(0)


def test_a_page_that_demands_trusted_types_gets_markdown(page, server):
    server.policy = "; require-trusted-types-for 'script'; trusted-types minirag-widget"
    page.reload()
    open_widget(page)
    ask(page, "echo A **bold** word [1].")
    expect(last_answer(page).locator("strong")).to_have_text("bold")


@pytest.mark.parametrize("step", [1, 7])
def test_a_text_that_grows_ends_as_one_that_was_there_at_once(page, step):
    """Whatever was shown on the way, by whatever steps it came."""
    page.evaluate(SHOW, ["x"])
    ends = page.evaluate(
        """([texts, step]) => {
          const widget = document.querySelector('minirag-widget');
          const draw = (body, text, isGrowing) => widget.drawText(body, text, isGrowing);
          return texts.map(text => {
            const [grown, whole] = [document.createElement('div'), document.createElement('div')];
            for (let end = 0; end < text.length; end += step) draw(grown, text.slice(0, end), true);
            draw(grown, text, false);
            draw(whole, text, false);
            return [grown.innerHTML, whole.innerHTML];
          });
        }""",
        [[LONG, *(text for text, _ in KNOWN), *HOSTILE], step],
    )
    for grown, whole in ends:
        assert grown == whole
