"""PDFs as a person reads them, word by word: what PDFium glues, turns, mixes or leaves out."""

from __future__ import annotations

import time

import pytest

from knowledge.formats.parsing import ParseError, parse
from knowledge.formats.pdf.right_to_left import Glyph, read_line
from knowledge.formats.pdf.words import Vocabulary
from knowledge.formats.sections import Section
from knowledge.tests.drawn_pdf import HEBREW, draw_grid, draw_pdf, spell, write_at
from knowledge.tests.files import make_pdf

UPWARDS = "0 1 -1 0"
UPSIDE_DOWN = "-1 0 0 -1"


def read(data: bytes):
    return parse(data, kind="pdf", name="x.pdf")


def words_of(data: bytes) -> list[str]:
    return " ".join(section.text for section in read(data).sections).split()


def column(x: float, y: float, lines: list[str]) -> list[str]:
    return [write_at(x, y - 14 * number, line) for number, line in enumerate(lines)]


LEFT = ["The boiler must be vented every", "spring. Close both valves before", "opening the drain, and wait for",
        "ten minutes until it is cold."]  # fmt: skip
RIGHT = ["The alarm panel is tested on the", "first Monday of each month. Call", "the control room beforehand and",
         "give the code of the building."]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (write_at(200, 700, "e"), write_at(200, 722, "a", size=10)),
        (write_at(200, 700, "0.0000", size=8), write_at(60, 690, "0085648100380", size=8)),
        (write_at(300, 700, "37,499.96"), write_at(360, 700, "SMITH")),
        (write_at(300, 700, "4.20"), write_at(200, 700, "Adult")),
        (write_at(60, 700, "12", size=6), write_at(60, 691, "AX-200", size=6)),
    ],
)
def test_what_stands_apart_is_never_glued(one, other):
    shown = [text.partition("(")[2].partition(")")[0] for text in (one, other)]
    assert sorted(words_of(draw_pdf(one + other))) == sorted(shown)


def test_a_word_that_is_drawn_letter_by_letter_stays_a_word():
    letters = "".join(write_at(100 + 7 * at, 700, letter) for at, letter in enumerate("W11111 MW"))
    assert words_of(draw_pdf(letters)) == ["W11111", "MW"]


@pytest.mark.parametrize("is_mixed", [False, True])
def test_columns_are_read_one_after_the_other(is_mixed):
    left, right = column(60, 690, LEFT), column(330, 690, RIGHT)
    mixed = [line for pair in zip(left, right, strict=True) for line in pair]
    title = write_at(
        60, 740, "Service of the whole heating and alarm system in our building", size=13
    )
    data = draw_pdf(title + "".join(mixed if is_mixed else right + left))
    text = "Service of the whole heating and alarm system in our building " + " ".join(LEFT + RIGHT)
    assert words_of(data) == text.split()


def test_three_columns_are_read_one_after_the_other_and_a_table_of_words_by_rows():
    prose = [
        ["Alpha text begins here and", "goes on in the first column", "until its end is reached", "after some lines."],
        ["Beta text is in the middle", "and has a few lines of words", "which tell of the valves", "in the winter."],
        ["Gamma is the last column", "of them all and it is read", "at the very end of the page", "as it should be."],
    ]  # fmt: skip
    cells = [
        ["Pump P-100 standard", "Pump P-200 standard", "Hose H-7 for the garden"],
        [
            "Delivers ten litres a second",
            "Delivers six litres a second",
            "Ten metres long and blue",
        ],
        ["Available from the depot", "Sold out until next year", "On request, in a fortnight"],
    ]

    def draw(columns: list[list[str]]) -> bytes:
        rows = zip(*columns, strict=True)
        return draw_pdf("".join(
            write_at(40 + 180 * x, 700 - 14 * y, line, size=10)
            for y, row in enumerate(rows) for x, line in enumerate(row)
        ))  # fmt: skip

    assert words_of(draw(prose)) == " ".join(" ".join(column) for column in prose).split()
    by_rows = " ".join(" ".join(row) for row in zip(*cells, strict=True))
    assert words_of(draw(cells)) == by_rows.split()


def test_a_table_that_goes_on_on_the_next_page_keeps_the_names_of_its_columns():
    def draw(top: int, rows: list[list[str]]) -> str:
        lines = [top - 20 * y for y in range(len(rows) + 1)]
        return draw_grid([60, 200, 330, 450], lines) + "".join(
            write_at((64, 204, 334)[x], top - 14 - 20 * y, cell)
            for y, row in enumerate(rows) for x, cell in enumerate(row)
        )  # fmt: skip

    head, first, second = (
        ["Part", "Use", "Price"],
        ["Hinge", "opens", "4.20"],
        ["Cap", "closes", "1.10"],
    )
    for rows in ([second, first], [head, second, first]):
        data = draw_pdf(draw(720, [head, first]), draw(800, rows))
        assert [section.text for section in read(data).sections] == [
            "Part | Use | Price\nHinge | opens | 4.20", "Part | Use | Price\nCap | closes | 1.10\nHinge | opens | 4.20",
        ]  # fmt: skip
    other = draw_pdf(draw(720, [head, first]), draw(800, [["Day", "From", "To"], second]))
    assert read(other).sections[1].text == "Day | From | To\nCap | closes | 1.10"


def test_a_table_without_lines_is_read_by_rows():
    rows = [
        ["Model", "Weight", "Price"],
        ["AX-200", "12 kg", "40.00"],
        ["AX-300", "14 kg", "55.00"],
    ]
    cells = [
        write_at(60 + 150 * x, 700 - 14 * y, cell)
        for y, row in enumerate(rows)
        for x, cell in enumerate(row)
    ]
    by_columns = cells[::3] + cells[1::3] + cells[2::3]
    for drawn in (cells, by_columns):
        assert read(draw_pdf("".join(drawn))).sections == (
            Section(
                (),
                "Model | Weight | Price\nAX-200 | 12 kg | 40.00\nAX-300 | 14 kg | 55.00",
                1,
                "table",
            ),
        )


def test_a_table_that_is_drawn_by_lines_keeps_its_cells_and_what_is_around_it():
    drawn = write_at(60, 760, "Prices of this year") + draw_grid(
        [60, 200, 330, 450], [640, 680, 700, 720]
    )
    drawn += write_at(64, 706, "Part") + write_at(204, 706, "Use") + write_at(334, 706, "Price")
    drawn += write_at(64, 686, "Hinge") + write_at(334, 686, "4.20")
    drawn += (
        write_at(64, 668, "Lid")
        + write_at(204, 668, "covers the ther-")
        + write_at(204, 654, "mostat")
    )
    drawn += write_at(334, 668, "9.80") + write_at(60, 600, "Without tax.")
    assert [(section.kind, section.text) for section in read(draw_pdf(drawn)).sections] == [
        ("text", "Prices of this year"),
        ("table", "Part | Use | Price\nHinge |  | 4.20\nLid | covers the thermostat | 9.80"),
        ("text", "Without tax."),
    ]


@pytest.mark.parametrize(
    ("rotate", "turned", "places"),
    [(90, UPWARDS, [(100, 100), (114, 100)]), (0, UPWARDS, [(100, 100), (114, 100)]),
     (180, UPSIDE_DOWN, [(500, 100), (500, 114)]), (90, "1 0 0 1", [(60, 700), (60, 686)])],
)  # fmt: skip
def test_turned_pages_are_read_upright(rotate, turned, places):
    lines = ["The pump needs oil", "every week of it"]
    drawn = [
        write_at(x, y, line, turned=turned) for (x, y), line in zip(places, lines, strict=True)
    ]
    assert words_of(draw_pdf("".join(reversed(drawn)), rotate=rotate)) == " ".join(lines).split()


def test_a_watermark_aslant_does_not_mix_with_the_text():
    aslant = write_at(200, 400, "DRAFT", size=60, turned="0.7 0.7 -0.7 0.7")
    lines = "".join(column(60, 690, LEFT))
    assert words_of(draw_pdf(aslant + lines)) == [*" ".join(LEFT).split(), "DRAFT"]


@pytest.mark.parametrize("is_logical", [False, True])
def test_hebrew_is_read_from_the_right_however_it_is_drawn(is_logical):
    words = ["שלום", "עולם", "25", "חדש"]
    drawn, x = "", 300.0
    for word in words:
        codes = spell(word, HEBREW)
        x -= 7.2 * len(codes)
        seen = codes if word.isdigit() else codes[::-1]
        letters = [write_at(x + 7.2 * at, 700, code) for at, code in enumerate(seen)]
        drawn += "".join(letters[::-1] if is_logical and not word.isdigit() else letters)
        x -= 7.2
    assert words_of(draw_pdf(drawn, letters_from=HEBREW)) == words


def draw_line(*pieces: tuple[str, float, int]) -> tuple[list[Glyph], str]:
    """Glyphs of pieces in the order of the text: what it is, where it begins, and which way its letters go."""
    glyphs = [
        Glyph(letter, x + 7 * way * at, x + 7 * way * at + 6) if letter != " " else Glyph(" ", None, None)
        for text, x, way in pieces
        for at, letter in enumerate(text)
    ]  # fmt: skip
    return glyphs, "".join(text for text, _, _ in pieces)


@pytest.mark.parametrize(
    ("drawn", "read"),
    [
        # Of one line PDFium turns some words and leaves others, as Chromium's PDFs have it.
        ([("שלום", 200, -1), (" ", 0, 0), ("נמ", 150, 1), (" ", 0, 0), ("חדש", 130, -1)], "שלום מנ חדש"),
        # It puts a sign, a space and a part of a number elsewhere, and names one bracket by its look.
        (
            [("אורשלום", 328, -1), (")", 272, 1), (" ", 0, 0), ("-", 238, 1), ("200", 245, 1), ("X", 231, 1),
             (" ", 0, 0), ("Model", 186, 1), (")", 179, 1), (".", 172, 1)],
            "אורשלום (Model X-200).",
        ),
        (
            [("טל:", 300, -1), (" ", 0, 0), (",", 200, 1), ("0800-123", 207, 1), (" ", 0, 0), ("ימ", 186, -1)],
            "טל: 0800-123, ימ",
        ),
        # Marks stay with their letters, whichever way these go.
        ([("שׁלום", 200, -1)], "שׁלום"),
    ],
)  # fmt: skip
def test_words_and_signs_of_a_line_are_read_from_where_they_stand(drawn, read):
    glyphs, text = draw_line(*drawn)
    assert read_line(glyphs, text) == read


def test_joined_forms_and_ligatures_become_letters():
    assert words_of(draw_pdf(write_at(60, 700, "ab c"), letters_from="\ufb00")) == ["fffi", "fl"]
    lam_alef = draw_pdf(write_at(60, 700, "a"), letters_from="\ufefb")
    assert words_of(lam_alef) == ["لا"]


def test_a_hyphen_at_a_lines_end_goes_only_where_the_word_is_known_without_it():
    document = Vocabulary(
        [
            "The battery and the battery-driven pump are well-known.",
            "An electric motor",
            "a car park in an aw-",
        ]
    )
    joined = {
        ("the bat-", "tery of"): "the battery of", ("a battery-", "driven pump"): "a battery-driven pump",
        ("it is well-", "known that"): "it is well-known that", ("the AX-", "200 is"): "the AX-200 is",
        ("electric-", "motor of"): "electric-motor of", ("a self-", "test runs"): "a self-test runs",
        ("the ther-", "mostat is"): "the thermostat is", ("Ein-", "und Ausgang"): "Ein- und Ausgang",
        ("cash -", "or card"): "cash - or card", ("USB-", "stick in"): "USB-stick in",
        ("2024-", "2026"): "2024-2026", ("ther\u00ad", "mostat"): "thermostat",
    }  # fmt: skip
    assert {pair: document.join(*pair) for pair in joined} == joined


def test_running_heads_go_and_sentences_that_look_alike_stay():
    pages = [
        write_at(60, 800, "Handbook 2026") + write_at(60, 700, f"Chapter {n} explains valve {n}00.")
        + write_at(60, 690 - n, f"Chapter {n} ends.") + write_at(280, 28, f"- {n} -")
        for n in (1, 2, 3)
    ]  # fmt: skip
    assert (
        words_of(draw_pdf(*pages))
        == " ".join(
            f"Chapter {n} explains valve {n}00. Chapter {n} ends." for n in (1, 2, 3)
        ).split()
    )


def test_of_two_pages_a_running_head_is_read_once():
    pages = [
        write_at(60, 800, "Handbook 2026")
        + write_at(60, 700, f"Valve {n} opens.")
        + write_at(280, 28, f"{n}/2")
        for n in (1, 2)
    ]
    text = "Handbook 2026 Valve 1 opens. Valve 2 opens."
    assert words_of(draw_pdf(*pages)) == text.split()


def test_the_values_of_a_form_are_read_and_passwords_are_not():
    data = draw_pdf(
        write_at(50, 700, "Order form"),
        fields=[
            "/FT /Tx /T (customer) /TU (Customer's name) /V (Ada Smith)",
            "/FT /Btn /T (express) /V /Yes /AS /Yes /AP << /N << /Yes 11 0 R /Off 11 0 R >> >>",
            "/FT /Btn /T (gift) /V /Off /AS /Off /AP << /N << /Yes 11 0 R /Off 11 0 R >> >>",
            "/FT /Tx /T (pin) /Ff 8192 /V (secret)",
            "/FT /Tx /T (empty)",
            "/FT /Ch /Ff 131072 /T (size) /Opt [[(s) (Small)] [(l) (Large)]] /V (l)",
            "/FT /Ch /Ff 2097152 /T (with) /Opt [(Lid) (Hose) (Cap)] /V [(Lid) (Cap)]",
        ],
    )
    assert read(data).sections[0].text == (
        "Order form\n\nCustomer's name: Ada Smith\nexpress: yes\nsize: Large\nwith: Lid, Cap"
    )


def test_an_empty_password_opens_and_another_is_asked_to_go():
    page = write_at(60, 700, "The pump needs oil.")
    assert words_of(draw_pdf(page, password="")) == ["The", "pump", "needs", "oil."]
    with pytest.raises(ParseError) as caught:
        read(draw_pdf(page, password="letmein"))
    assert caught.value.code == "encrypted"


def test_pages_that_are_pictures_are_named():
    document = read(make_pdf([["Text."], [], [], ["More text."], []]))
    assert document.metadata["notes"] == [
        "Pages 2 to 3 are pictures without text, which cannot be read.",
        "Page 5 is a picture without text, which cannot be read.",
    ]


def test_what_programs_write_for_a_title_is_none():
    assert read(make_pdf([["Text."]], title="untitled")).title == "x"
    assert read(make_pdf([["Text."]], title="Microsoft Word - Prices.docx")).title == "Prices.docx"


def test_lines_in_larger_letters_are_headings_where_there_is_no_outline():
    text = [
        "The pump runs at night and",
        "rests by day. It is serviced",
        "in May by our own people.",
    ]

    def write(top: int, lines: list[str]) -> str:
        return "".join(write_at(50, top - 14 * at, line) for at, line in enumerate(lines))

    page = write_at(50, 780, "Pump handbook", size=24) + write_at(50, 740, "Care of the", size=16)
    page += write_at(50, 722, "whole pump", size=16) + write(690, text)
    page += (
        write_at(50, 600, "Prices", size=16)
        + write(570, text)
        + write_at(50, 500, "99.50", size=24)
    )
    found = parse(draw_pdf(page, write(700, text)), kind="pdf", name="a.pdf")
    one = " ".join(text)
    assert found.title == "Pump handbook"
    assert [(each.heading, each.text, each.page) for each in found.sections] == [
        (("Pump handbook", "Care of the whole pump"), one, 1),
        (("Pump handbook", "Prices"), f"{one}\n\n99.50", 1),
        (("Pump handbook", "Prices"), one, 2),
    ]  # fmt: skip


def test_a_footnote_below_a_column_stands_at_the_end_of_its_page_and_a_sum_is_text():
    notes = write_at(60, 90, "1 In writing, not by telephone, and", size=8)
    notes += write_at(60, 80, "two weeks before.", size=8)
    data = draw_pdf("".join(column(60, 690, LEFT) + column(330, 690, RIGHT)) + notes)
    assert words_of(data) == [
        *" ".join(LEFT + RIGHT).split(),
        *["1", "In", "writing,", "not", "by", "telephone,", "and", "two", "weeks", "before."],
    ]
    text = "".join(write_at(50, 700 - 14 * at, "The pump runs at night and") for at in range(5))
    data = draw_pdf(
        text + write_at(50, 600, "Total due", size=18) + write_at(250, 600, "594.41", size=18)
    )
    assert "Total due 594.41" in " ".join(words_of(data))


def test_raised_figures_are_no_figures_of_the_number_before_them():
    def draw(word: str, figure: str, at: float, y: int) -> str:
        return (
            f"BT /F1 12 Tf 1 0 0 1 50 {y} Tm ({word}) Tj /F1 7 Tf 1 0 0 1 {at} {y + 5} Tm ({figure}) Tj "
            f"/F1 12 Tf 1 0 0 1 {at + 8} {y} Tm (is much.) Tj ET "
        )

    data = draw_pdf(
        draw("About 10", "6", 97, 700)
        + draw("A room of 20 m", "2", 131, 680)
        + draw("The pump", "1", 101, 660)
    )
    assert " ".join(words_of(data)) == (
        "About 10⁶ is much. A room of 20 m² is much. The pump ¹ is much."
    )


def test_a_long_word_with_marks_takes_no_time():
    letters = "א\u05b0" * 5000
    begun = time.process_time()
    glyphs = [Glyph(letter, 5.0 * at, 5.0 * at + 4) for at, letter in enumerate(letters)]
    assert len(read_line(glyphs, letters)) == len(letters)
    assert time.process_time() - begun < 4


def test_a_number_that_ends_a_sentence_at_a_line_begins_no_list():
    lines = ["First-aid rooms are beside docks 5 and", "13. A defibrillator hangs at each dock.",
             "To open the lid of the pump do the", "1. first of these things, and then do",
             "2. the second one"]  # fmt: skip
    assert [
        section.text for section in read(draw_pdf("\n".join(column(72, 700, lines)))).sections
    ] == [
        "First-aid rooms are beside docks 5 and 13. A defibrillator hangs at each dock. To open the lid of the pump do "
        "the\n\n1. first of these things, and then do\n\n2. the second one"
    ]


def test_an_item_below_items_of_another_kind_is_one_though_the_line_before_it_is_full():
    lines = ["1. Look at all of these parts and at", "a) the lid and the seal of this pump",
             "b) the cord and the plug of the pump", "2. Close the lid and turn on the pump",
             "1) for the first time in this year so", "2) for all of the times behind this one",
             "3. Write down what you have seen then"]  # fmt: skip
    [section] = read(draw_pdf("\n".join(column(72, 700, lines)))).sections
    assert section.text.split("\n\n") == lines
