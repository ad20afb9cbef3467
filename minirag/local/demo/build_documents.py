"""Writes the demo's binary documents: acme's service bulletins (DOCX) and globex's hub rules (PDF).

Run once after a change of the text, and commit the results: `python -m minirag.local.demo.build_documents`.
"""

from __future__ import annotations

import datetime
import textwrap
from pathlib import Path

DEMO = Path(__file__).resolve().parent
ISSUED_AT = datetime.datetime(2026, 10, 1, tzinfo=datetime.UTC)

BULLETINS_INTRO = (
    "Service bulletins tell installers and caretakers what the handbook could not know when it was printed. Each "
    "bulletin names the monitors it concerns by serial number, says what to do, and who pays. The Breva app shows an "
    "open bulletin on the page of the monitor until it has been marked as done."
)
BULLETINS: list[tuple[str, list[str]]] = [
    (
        "Bulletin SB-31: wall plate latch, Breva Pro built in week 14 to 19 of 2025",
        [
            "The latch of some wall plates is 0.3 mm too short. The monitor may come off when a door is slammed. "
            "Concerned are Breva Pro monitors with serial numbers from BV25P140001 to BV25P194870.",
            "Pull gently at the lower edge of the monitor. If it comes off with less than the force of two fingers, "
            "order wall plate AC-W10 in revision C with the keyword SB-31. The plate is free of charge until "
            "30 June 2027, and the time of the installer is paid with 12 euros for each monitor.",
        ],
    ),
    (
        "Bulletin SB-32: Gateway loses monitors after firmware 4.1.3",
        [
            "With firmware 4.1.3 the Gateway forgets monitors beyond the fortieth when the power returns. Firmware "
            "4.1.5 of 9 May 2026 corrects this. Gateways on manual updates must be updated by hand.",
            "If monitors are missing, do not pair them anew. Update first, then choose Restore list in the local "
            "interface of the Gateway; the list of the last seven days comes back within two minutes.",
        ],
    ),
    (
        "Bulletin SB-33: humidity drifts in rooms with ultrasonic humidifiers",
        [
            "Ultrasonic humidifiers leave a film of lime on the humidity sensor. The reading may then be up to 9 % too "
            "high. Place the monitor at least 3 m from such a humidifier, and run it with demineralised water.",
            "A sensor that has drifted recovers in most cases after 24 hours at more than 40 °C and less than 20 % "
            "relative humidity, for example in a drying cabinet. The monitor must be without power during that time.",
        ],
    ),
    (
        "Bulletin SB-34: new hose clip for the Breva Duct",
        [
            "From serial number BV26D070001 the pressure hose is held by a green clip that withstands 900 Pa. Older "
            "monitors have a grey clip that opens at 600 Pa. In plants with pressure shocks, exchange the clip; the "
            "part has the number AC-H21, costs 2.10 euros and is fitted without a tool.",
        ],
    ),
]
BULLETIN_TABLE = [
    ("Bulletin", "Concerns", "Work", "Minutes", "Paid by"),
    (
        "SB-31",
        "Breva Pro, weeks 14 to 19 of 2025",
        "exchange of the wall plate",
        "10",
        "Acme Instruments",
    ),
    ("SB-32", "Gateway with firmware 4.1.3", "update, restore the list", "15", "the customer"),
    ("SB-33", "all monitors near humidifiers", "new place, drying", "5", "the customer"),
    ("SB-34", "Breva Duct before BV26D070001", "exchange of the hose clip", "3", "the customer"),
]

HUB_RULES: list[tuple[str, list[str]]] = [
    (
        "Globex Freight: Hub Rules for Drivers and Visitors",
        [
            "These rules hold at the hubs in Rotterdam, Hamburg, Trieste and Gdynia. Whoever enters a hub accepts "
            "them. "
            "They are posted at each gate in eight languages; in case of doubt the English text counts.",
        ],
    ),
    (
        "1. Arrival",
        [
            "Book a slot in the portal at least 4 hours before you arrive. A slot lasts 30 minutes for up to "
            "10 pallets and 60 minutes for more. Arrive no earlier than 45 minutes before your slot; the waiting area "
            "in Hamburg has room for 22 trucks, the one in Gdynia for only 9.",
            "Report at the gate with the booking number, an identity card and the number of the seal. Trucks that come "
            "more than 20 minutes late lose their slot and wait for the next free one, which costs 28 euros.",
        ],
    ),
    (
        "2. Opening hours",
        [
            "Rotterdam works around the clock from Monday 06:00 to Saturday 22:00. Hamburg is open from 06:00 to 23:00 "
            "on working days and from 07:00 to 14:00 on Saturday. Trieste is open from 07:00 to 20:00 on working "
            "days. Gdynia is open from 06:00 to 22:00 on working days, and on Saturday until the closing of the train.",
        ],
    ),
    (
        "3. Safety on the yard",
        [
            "The speed limit is 15 km/h on the yard and walking pace in the halls. Wear a high-visibility vest of "
            "class 2, safety shoes of class S3, and a helmet in the crane area, which is marked with yellow lines. "
            "Passengers and animals stay in the cab. Persons under 16 years are not admitted.",
            "Hand the ignition key in at the dock desk before loading starts; you get it back with the papers. "
            "Smoking is allowed only in the two glass shelters. Photos need the consent of the shift leader.",
        ],
    ),
    (
        "4. Loading and unloading",
        [
            "Our staff drives the forklifts. The driver secures the load and must carry at least 16 lashing belts, "
            "24 edge protectors and 8 mm anti-slip mats for a full trailer. A trailer with a wet or damaged floor is "
            "turned away. Docks 1 to 12 take trailers of 1.15 to 1.35 m floor height; swap bodies go to docks 14 to "
            "17.",
            "Count the packages together with our clerk and sign the tally sheet GF-12 before you leave. Complaints "
            "about the number of packages cannot be accepted after the gate.",
        ],
    ),
    (
        "5. Dangerous goods on the yard",
        [
            "Trucks with orange plates use gate 3 and park on the sealed area behind hall F. The driver shows the ADR "
            "certificate and the written instructions. No more than 6 such trucks may stand there at a time. In case "
            "of a leak, stop, move upwind and call the internal number 2200.",
        ],
    ),
    (
        "6. Emergencies",
        [
            "A siren that rises and falls for one minute means: leave the hall and go to the assembly point, which is "
            "the flagpole at the main gate. First-aid rooms are beside docks 5 and 13. A defibrillator hangs at each "
            "dock desk. Every accident and near miss is reported to the shift leader within 15 minutes.",
        ],
    ),
    (
        "7. Breaches",
        [
            "Who breaks these rules is warned once. A second breach within 12 months means a ban from all hubs of "
            "3 months. Who smokes near dangerous goods, drives under the influence of alcohol (limit 0.0) or "
            "threatens staff is banned at once and for 2 years.",
        ],
    ),
]


def write_bulletins(path: Path) -> None:
    import docx  # heavy, and needed by this script alone

    document = docx.Document()
    document.core_properties.title = "Acme Breva Service Bulletins 2026"
    document.core_properties.author = "Acme Instruments"
    document.core_properties.created = document.core_properties.modified = ISSUED_AT.replace(
        tzinfo=None
    )
    document.add_heading("Acme Breva Service Bulletins 2026", level=0)
    document.add_paragraph(BULLETINS_INTRO)
    for title, paragraphs in BULLETINS:
        document.add_heading(title, level=1)
        for text in paragraphs:
            document.add_paragraph(text)
    document.add_heading("Overview", level=1)
    table = document.add_table(rows=0, cols=len(BULLETIN_TABLE[0]))
    table.style = "Table Grid"
    for row in BULLETIN_TABLE:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    document.save(str(path))


def write_hub_rules(path: Path) -> None:
    lines: list[tuple[str, int, str]] = []
    for position, (title, paragraphs) in enumerate(HUB_RULES):
        size = 16 if position == 0 else 13
        lines += [("F2", size, title), ("F1", 5, "")]
        for text in paragraphs:
            lines += [("F1", 11, line) for line in textwrap.wrap(text, 88)] + [("F1", 7, "")]
    pages: list[list[str]] = []
    page: list[str] = []
    y = 780
    for font, size, text in lines:
        if y < 80:
            pages, page, y = [*pages, page], [], 780
        page.append(f"BT /{font} {size} Tf 1 0 0 1 64 {y} Tm ({_escape_pdf(text)}) Tj ET")
        y -= round(size * 1.4)
    path.write_bytes(_assemble_pdf([*pages, page]))


def _escape_pdf(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _assemble_pdf(pages: list[list[str]]) -> bytes:
    """A PDF 1.4 file of text pages in A4 with the two standard fonts F1 (Helvetica) and F2 (bold)."""
    first_page = 5
    kids = " ".join(f"{first_page + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        content = "\n".join(page)
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> "
            f"/Contents {first_page + 2 * number + 1} 0 R >>"
        )
        objects.append(
            f"<< /Length {len(content.encode('cp1252'))} >>\nstream\n{content}\nendstream"
        )
    title = "<< /Title (Globex Freight Hub Rules) /Author (Globex Freight) >>"
    output, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate([*objects, title], start=1):
        offsets.append(len(output))
        output += f"{number} 0 obj\n{body}\nendobj\n".encode("cp1252")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    count = len(offsets) + 1
    trailer = f"trailer\n<< /Size {count} /Root 1 0 R /Info {count - 1} 0 R >>\nstartxref\n{len(output)}\n%%EOF\n"
    return output + f"xref\n0 {count}\n0000000000 65535 f \n{table}{trailer}".encode("cp1252")


if __name__ == "__main__":
    write_bulletins(DEMO / "acme" / "service-bulletins.docx")
    write_hub_rules(DEMO / "globex" / "hub-rules.pdf")
