"""CSV files as people save them: titles, notes, dialects, no header; and texts in every encoding."""

from __future__ import annotations

import pytest

from knowledge.formats.parsing import ParseError, parse
from knowledge.formats.sections import Section

TEXTS = {
    "windows-1252": "Größe;Gebühr\nSchraube für Türen;4,20 €\nMütter – „groß“;1,10 €",
    "windows-1250": "Záruční doba činí dva roky ode dne nákupu. Kontaktujte naše středisko, prosím.",
    "iso-8859-2": "Zażółć gęślą jaźń. Proszę podać cenę części, łącznie z podatkiem.",
    "windows-1254": "Garanti süresi satın alma tarihinden itibaren iki yıldır. Şirket değiştirir.",
    "windows-1257": "Garantija galioja dvejus metus nuo pirkimo dienos. Šviežias žuvų ąžuolas.",
    "cp1251": "Гарантия составляет два года со дня покупки товара.",
    "koi8_r": "Гарантия составляет два года со дня покупки товара.",
    "cp1253": "Η εγγύηση ισχύει για δύο χρόνια από την αγορά.",
    "cp1255": "האחריות היא לשנתיים ממועד הקנייה.",
    "cp1256": "الضمان ساري لمدة سنتين من تاريخ الشراء.",
    "shift_jis": "保証期間はご購入日から二年間です。詳しくはお問い合わせください。",
    "euc_jp": "保証期間はご購入日から二年間です。詳しくはお問い合わせください。",
    "gb18030": "保修期为自购买之日起两年。请联系我们的客户服务。",
    "euc_kr": "보증 기간은 구입일로부터 2년입니다. 고객센터에 문의하세요.",
    "mac-roman": "¿Cuánto cuesta la reparación? El año próximo, señor, será más caro.",
    "cp850": "¿Cuánto cuesta la reparación? El año próximo, señor, será más caro.",
    "utf-16-le": "Der Preis: 4,20 €\nGröße: 12",
    "utf-16-be": "Der Preis: 4,20 €\nGröße: 12",
}


def read_csv(text: str, name: str = "file.csv"):
    return parse(text.encode(), kind="csv", name=name)


def records_of(text: str) -> list[str]:
    return [
        record
        for s in read_csv(text).sections
        if s.kind == "table"
        for record in s.text.split("\n\n")
    ]


@pytest.mark.parametrize("encoding", TEXTS)
def test_an_encoding_is_told_from_the_letters_and_said(encoding):
    document = parse(TEXTS[encoding].encode(encoding), kind="txt", name="a.txt")
    assert document.sections[0].text == TEXTS[encoding]
    assert document.metadata["encoding"] == encoding
    assert f"read as {encoding}" in document.notes[0]


def test_of_utf_8_nothing_is_said_and_a_hurt_one_loses_only_what_is_hurt():
    assert parse("Größe".encode(), kind="txt", name="a").metadata == {}
    hurt = parse(("Größe und Gebühr. " * 4).encode() + b"\xff end", kind="md", name="a")
    assert hurt.sections[0].text == "Größe und Gebühr. " * 4 + " end"
    assert hurt.notes == ["1 bytes of it are not valid UTF-8 and were left out."]


def test_a_short_word_in_the_most_usual_encoding_is_read():
    assert parse("Größe".encode("latin-1"), kind="txt", name="a").sections[0].text == "Größe"


@pytest.mark.parametrize("data", [bytes(range(1, 256)) * 3, b"\x01\x02\x03\x81\x8d\x04"])
def test_what_is_hardly_a_text_is_refused(data):
    with pytest.raises(ParseError) as caught:
        parse(data, kind="txt", name="a.txt")
    assert caught.value.code == "encoding"


def test_the_table_of_an_invoice_is_found_between_more_lines_of_names_and_values():
    document = read_csv(
        "Invoice;2026-117\nCustomer;Miller\n;\nPos;Article;Units;Each;Sum\n1;Pump;2;129,00;258,00\n"
        "2;Hose;10;4,20;42,00\n;;;Net;300,00\n;;;VAT;57,00\n;;;Total;357,00\n"
    )
    assert document.metadata["columns"] == ["Pos", "Article", "Units", "Each", "Sum"]
    assert "Invoice 2026-117" in document.sections[0].heading


def test_a_title_above_the_header_is_a_heading_and_a_note_below_is_text():
    document = read_csv(
        "Price list spring 2026,,\nAll in EUR\n\nArticle,Stock,Price\nPump P-100,4,129\nPump P-200,0,189\n"
        ",,\nTotal,4,318\nPrices do not include tax.\n"
    )
    title = ("Price list spring 2026",)
    assert document.sections == (
        Section(title, "All in EUR"),
        Section(title, "Article: Pump P-100\nStock: 4\nPrice: 129\n\nArticle: Pump P-200\nStock: 0\nPrice: 189\n\n"
                "Article: Total\nStock: 4\nPrice: 318", None, "table"),
        Section(title, "Prices do not include tax."),
    )  # fmt: skip
    assert document.metadata["columns"] == ["Article", "Stock", "Price"]


def test_a_file_may_name_its_delimiter():
    document = read_csv("sep=;\r\nArticle;Price\r\nPump, small;129\r\n")
    assert document.sections[0].text == "Article: Pump, small\nPrice: 129"
    assert document.metadata["delimiter"] == ";"
    assert read_csv('"sep=|"\nA|B\n1|2').sections[0].text == "A: 1\nB: 2"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Pump,129,4\nLid,12,8\nHose,7,1", "Column 1: Pump\nColumn 2: 129\nColumn 3: 4"),
        ("0085648100380;0,61 €\n0085648100303;0,71 €", "Column 1: 0085648100380\nColumn 2: 0,61 €"),
        ("Article,2025,2026\nPump,129,131\nLid,12,13", "Article: Pump\n2025: 129\n2026: 131"),
        ("Town,Mayor\nUlm,Ada\nBonn,Bob", "Town: Ulm\nMayor: Ada"),
        ("Price,Price\n1,2\n3,4", "Price: 1\nPrice (2): 2"),
    ],
)
def test_the_first_row_is_a_header_only_where_it_names_something(text, first):
    assert records_of(text)[0] == first


def test_quotation_marks_are_read_as_databases_and_as_spreadsheets_write_them():
    for quoted in (r"say \"hi\", ok", 'say ""hi"", ok'):
        assert records_of(f'Item,Note\nTea,"{quoted}"\nCup,5')[0] == 'Item: Tea\nNote: say "hi", ok'
    assert records_of('Path,Size\n"C:\\new\\x",4\n"D:\\",5')[0] == "Path: C:\\new\\x\nSize: 4"


def test_fifty_columns_and_quoted_line_breaks_keep_every_cell_under_its_name():
    names = [f"name {n}" for n in range(50)]
    row = [f'"cell {n}\nwith ""two"" lines, and a comma"' for n in range(50)]
    record = records_of(",".join(names) + "\n" + ",".join(row))[0]
    assert record == "\n".join(
        f'name {n}: cell {n}\nwith "two" lines, and a comma' for n in range(50)
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [("a,b\n" + "1,2\n" * 600_000, "more cells"), ('a,b\n"' + "x" * 17_000_000, "One cell")],
)
def test_a_table_beyond_what_a_document_may_hold_is_refused_before_all_of_it_is_held(text, reason):
    with pytest.raises(ParseError) as caught:
        read_csv(text)
    assert caught.value.code == "too_large" and reason in caught.value.reason


def test_a_second_table_below_an_empty_row_has_its_own_header_and_title():
    tables = (
        "Prices\nModel,Price\nAX,10\nBX,20\n\nCX,30\n\nBranches\n\nCity,Staff\nBern,14\nBasel,17\n",
        "Model;Price\nAX;10\nBX;20\nCX;30\n;\nCity;Country;Staff\nBern;CH;14\nUlm;DE;9\n",
    )
    titled, wider = (parse(table.encode(), kind="csv", name="f") for table in tables)
    assert [(each.heading, each.text) for each in titled.sections] == [
        (("Prices",), "Model: AX\nPrice: 10\n\nModel: BX\nPrice: 20\n\nModel: CX\nPrice: 30"),
        (("Branches",), "City: Bern\nStaff: 14\n\nCity: Basel\nStaff: 17"),
    ]  # fmt: skip
    assert titled.metadata == {"rows": 5, "columns": ["Model", "Price", "City", "Staff"]}
    assert (
        wider.sections[1].text
        == "City: Bern\nCountry: CH\nStaff: 14\n\nCity: Ulm\nCountry: DE\nStaff: 9"
    )


def test_an_empty_row_below_the_first_title_hides_no_table():
    text = "Prices\n\nModel,Price\nAX,10\nBX,20\n\nCity,Staff\nBern,14\nBasel,17\n"
    first, second = parse(text.encode(), kind="csv", name="f").sections
    assert first.heading == ("Prices",) and first.text.endswith("Model: BX\nPrice: 20")
    assert second.text == "City: Bern\nStaff: 14\n\nCity: Basel\nStaff: 17"


def test_empty_rows_within_a_table_divide_nothing():
    rows = "".join(f"M{number},{number}\n\n" for number in range(1, 4))
    assert len(parse(f"Model,Price\n\n{rows}".encode(), kind="csv", name="f").sections) == 1
