"""The language of few words, by how many they are: `python -m bench.short_texts [DATA]`.

Two sets: what visitors ask, six questions in each of 32 languages, written for this; and the messages of Django and
its packages in their own translations (on which weights were tuned, so their figures flatter us). With DATA, a
folder with `squad` and `xquad_de`, the questions of these too. docs/retrieval.md has what came out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.text_libraries import load_detectors, read_messages, read_questions
from minirag.lib.text.languages import detect_language
from minirag.lib.text.phrases import SPOKEN
from minirag.lib.text.short_texts import decide_language

QUESTIONS = """
en: opening hours | return policy | do you ship abroad | I want my money back
    | how much does delivery to Ireland cost | where can I park near the museum on Sundays
de: Öffnungszeiten | Rückgabe Frist | liefert ihr ins Ausland | ich will mein Geld zurück
    | wie viel kostet der Versand nach Irland | wo kann ich sonntags beim Museum parken
fr: horaires d'ouverture | politique de retour | livrez-vous à l'étranger | je veux être remboursé
    | combien coûte la livraison vers l'Irlande | où puis-je me garer près du musée le dimanche
es: horario apertura | devoluciones | envían al extranjero | quiero que me devuelvan el dinero
    | cuánto cuesta el envío a Irlanda | dónde puedo aparcar cerca del museo los domingos
it: orari apertura | reso gratuito | spedite anche all'estero | voglio indietro i miei soldi
    | quanto costa la spedizione in Irlanda | dove posso parcheggiare vicino al museo la domenica
nl: openingstijden | retour sturen | leveren jullie in het buitenland | ik wil mijn geld terug
    | hoeveel kost de bezorging naar Ierland | waar kan ik op zondag bij het museum parkeren
pt: horário funcionamento | devolução | enviam para o estrangeiro | quero o meu dinheiro de volta
    | quanto custa o envio para a Irlanda | onde posso estacionar perto do museu ao domingo
bg: работно време | връщане | доставяте ли в чужбина | искам си парите обратно
    | колко струва доставката до Ирландия | къде мога да паркирам до музея в неделя
hr: radno vrijeme | povrat robe | šaljete li u inozemstvo | želim natrag svoj novac
    | koliko košta dostava u Irsku | gdje mogu parkirati kod muzeja nedjeljom
cs: otevírací doba | vrácení zboží | posíláte do zahraničí | chci vrátit peníze
    | kolik stojí doprava do Irska | kde mohu v neděli zaparkovat u muzea
da: åbningstider | returret | sender I til udlandet | jeg vil have mine penge tilbage
    | hvor meget koster levering til Irland | hvor kan jeg parkere ved museet om søndagen
el: ωράριο λειτουργίας | επιστροφές | στέλνετε στο εξωτερικό | θέλω τα χρήματά μου πίσω
    | πόσο κοστίζει η αποστολή στην Ιρλανδία | πού μπορώ να παρκάρω κοντά στο μουσείο την Κυριακή
et: lahtiolekuajad | kauba tagastamine | kas saadate välismaale | tahan oma raha tagasi
    | kui palju maksab saatmine Iirimaale | kus saab pühapäeval muuseumi juures parkida
fi: aukioloajat | tuotteen palautus | lähetättekö ulkomaille | haluan rahani takaisin
    | paljonko toimitus Irlantiin maksaa | minne voi pysäköidä museon lähellä sunnuntaisin
ga: uaireanta oscailte | earraí ar ais | an seolann sibh thar lear | teastaíonn mo chuid airgid ar ais uaim
    | cé mhéad a chosnaíonn seachadadh go hÉirinn | cá bhféadfainn páirceáil in aice leis an músaem Dé Domhnaigh
hu: nyitvatartás | visszaküldés | szállítanak külföldre | kérem vissza a pénzemet
    | mennyibe kerül a szállítás Írországba | hol lehet vasárnap parkolni a múzeum közelében
lt: darbo laikas | prekių grąžinimas | ar siunčiate į užsienį | noriu atgauti savo pinigus
    | kiek kainuoja pristatymas į Airiją | kur sekmadienį galima pastatyti automobilį prie muziejaus
lv: darba laiks | preču atgriešana | vai sūtāt uz ārzemēm | gribu atpakaļ savu naudu
    | cik maksā piegāde uz Īriju | kur svētdienās var novietot auto pie muzeja
mt: ħinijiet tal-ftuħ | ritorn tal-oġġetti | tibagħtu barra minn Malta | irrid flusi lura
    | kemm tiswa l-kunsinna lejn l-Irlanda | fejn nista' nipparkja ħdejn il-mużew nhar ta' Ħadd
pl: godziny otwarcia | zwrot towaru | czy wysyłacie za granicę | chcę odzyskać pieniądze
    | ile kosztuje wysyłka do Irlandii | gdzie mogę zaparkować w niedzielę przy muzeum
ro: program funcționare | returnare produse | livrați în străinătate | vreau banii înapoi
    | cât costă livrarea în Irlanda | unde pot parca lângă muzeu duminica
sk: otváracie hodiny | vrátenie tovaru | posielate do zahraničia | chcem vrátiť peniaze
    | koľko stojí doprava do Írska | kde môžem v nedeľu zaparkovať pri múzeu
sl: delovni čas | vračilo blaga | ali pošiljate v tujino | želim svoj denar nazaj
    | koliko stane dostava na Irsko | kje lahko v nedeljo parkiram pri muzeju
sv: öppettider | returrätt | skickar ni utomlands | jag vill ha tillbaka mina pengar
    | hur mycket kostar frakten till Irland | var kan jag parkera vid museet på söndagar
tr: çalışma saatleri | ürün iadesi | yurt dışına gönderiyor musunuz | paramı geri istiyorum
    | İrlanda'ya kargo ücreti ne kadar | pazar günü müzenin yakınında nereye park edebilirim
uk: години роботи | повернення товару | чи надсилаєте за кордон | хочу повернути гроші
    | скільки коштує доставка до Ірландії | де можна припаркуватися біля музею в неділю
ru: часы работы | возврат товара | вы отправляете за границу | хочу вернуть деньги
    | сколько стоит доставка в Ирландию | где можно припарковаться у музея в воскресенье
ar: ساعات العمل | إرجاع المنتج | هل تشحنون إلى الخارج | أريد استرداد أموالي
    | كم تكلفة الشحن إلى أيرلندا | أين يمكنني ركن السيارة قرب المتحف يوم الأحد
zh: 营业时间 | 退货政策 | 你们寄到国外吗 | 我要退款
    | 寄到爱尔兰的运费是多少 | 星期天在博物馆附近哪里可以停车
ja: 営業時間 | 返品について | 海外に発送できますか | 返金してほしいです
    | アイルランドへの送料はいくらですか | 日曜日に美術館の近くで駐車できますか
ko: 영업 시간 | 반품 정책 | 해외로 배송하나요 | 환불받고 싶어요
    | 아일랜드까지 배송비가 얼마예요 | 일요일에 박물관 근처 어디에 주차할 수 있나요
hi: खुलने का समय | वापसी नीति | क्या आप विदेश भेजते हैं | मुझे मेरा पैसा वापस चाहिए
    | आयरलैंड तक डिलीवरी का कितना खर्च है | रविवार को संग्रहालय के पास गाड़ी कहाँ खड़ी कर सकते हैं
"""
LENGTHS = {"1 to 2 words": (1, 2), "3 to 5": (3, 5), "6 to 10": (6, 10)}
WITHOUT_SPACES = ("zh", "ja")
Detector = Callable[[str, str], str]
DETECTORS: dict[str, Detector] = {
    "function words": lambda text, language: detect_language(text),
    "ours, no hint": lambda text, language: decide_language(text),
    "ours, right hint": lambda text, language: decide_language(text, (language,)),
    "ours, right one second": lambda text, language: decide_language(text, ("en", language)),
    "ours, wrong hint": lambda text, language: decide_language(
        text, ("en" if language != "en" else "de",)
    ),
}


def count_words(text: str, language: str) -> int:
    """Words; two characters for one where there are no spaces."""
    return len(text) // 2 if language in WITHOUT_SPACES else len(text.split())


def read_own() -> Iterator[tuple[str, str]]:
    for line in QUESTIONS.strip().replace("\n    |", " |").splitlines():
        language, _, listed = line.partition(": ")
        yield from ((language, text.strip()) for text in listed.split("|"))


def read_translations() -> Iterator[tuple[str, str]]:
    for language in SPOKEN:
        yield from ((language, text) for text in read_messages(language, least_words=1))


def read_sets(folder: Path | None) -> dict[str, list[tuple[str, str]]]:
    sets = {"visitors": list(read_own()), "messages": list(read_translations())}
    if folder:
        sets["XQuAD de"] = list(read_questions(folder / "xquad_de", "de"))
        sets["SQuAD en"] = list(read_questions(folder / "squad", "en"))
    return sets


def main() -> None:
    detectors = dict(DETECTORS)
    for name, detect in load_detectors(sorted(SPOKEN)).items():
        if name != "ours":
            detectors[name] = lambda text, language, detect=detect: detect(text)  # type: ignore[misc]
    for each in detectors.values():
        each("Warm up, please", "en")
    print(f"{'':24}{'':14}{'texts':>7}" + "".join(f"{name:>24}" for name in detectors))
    for label, texts in read_sets(Path(sys.argv[1]) if len(sys.argv) > 1 else None).items():
        for length, (least, most) in LENGTHS.items():
            chosen = [pair for pair in texts if least <= count_words(pair[1], pair[0]) <= most]
            if len(chosen) < 20:
                continue
            cells = []
            for detect in detectors.values():
                started = time.process_time()
                right = sum(detect(text, language) == language for language, text in chosen)
                spent = (time.process_time() - started) / len(chosen) * 1e6
                cells.append(f"{right / len(chosen):13.1%} {spent:7.0f} us")
            print(f"{label:24}{length:14}{len(chosen):7}" + "".join(cells))


if __name__ == "__main__":
    main()
