"""A lost or invented "not" is noticed in every language of the EU, and in some others."""

from __future__ import annotations

from unittest.mock import patch

from conversations.citing.supporting import Evidence, compare

SAID_AND_DENIED = {
    "bg": (
        "Гаранцията на уреда покрива щети от вода и прах.",
        "Гаранцията на уреда не покрива щети от вода и прах.",
    ),
    "hr": (
        "Jamstvo za uređaj pokriva štetu od vode i prašine.",
        "Jamstvo za uređaj ne pokriva štetu od vode i prašine.",
    ),
    "cs": (
        "Záruka na přístroj kryje škody způsobené vodou a prachem.",
        "Záruka na přístroj nekryje škody způsobené vodou a prachem.",
    ),
    "da": (
        "Garantien på apparatet dækker skader fra vand og støv.",
        "Garantien på apparatet dækker ikke skader fra vand og støv.",
    ),
    "nl": (
        "De garantie op het toestel dekt schade door water en stof.",
        "De garantie op het toestel dekt geen schade door water en stof.",
    ),
    "et": (
        "Seadme garantii katab veest ja tolmust tekkinud kahju.",
        "Seadme garantii ei kata veest ja tolmust tekkinud kahju.",
    ),
    "fi": (
        "Laitteen takuu kattaa veden ja pölyn aiheuttamat vahingot.",
        "Laitteen takuu ei kata veden ja pölyn aiheuttamat vahingot.",
    ),
    "fr": (
        "La garantie de l'appareil couvre les dommages causés par l'eau et la poussière.",
        "La garantie de l'appareil ne couvre pas les dommages causés par l'eau et la poussière.",
    ),
    "el": (
        "Η εγγύηση της συσκευής καλύπτει ζημιές από νερό και σκόνη.",
        "Η εγγύηση της συσκευής δεν καλύπτει ζημιές από νερό και σκόνη.",
    ),
    "hu": (
        "A készülék garanciája fedezi a víz és por okozta károkat.",
        "A készülék garanciája nem fedezi a víz és por okozta károkat.",
    ),
    "ga": (
        "Clúdaíonn an barántas damáiste ó uisce agus ó dheannach.",
        "Ní chlúdaíonn an barántas damáiste ó uisce agus ó dheannach.",
    ),
    "it": (
        "La garanzia dell'apparecchio copre i danni causati da acqua e polvere.",
        "La garanzia dell'apparecchio non copre i danni causati da acqua e polvere.",
    ),
    "lv": (
        "Ierīces garantija sedz ūdens un putekļu radītos bojājumus.",
        "Ierīces garantija nesedz ūdens un putekļu radītos bojājumus.",
    ),
    "lt": (
        "Prietaiso garantija dengia vandens ir dulkių padarytą žalą.",
        "Prietaiso garantija nedengia vandens ir dulkių padarytą žalą.",
    ),
    "mt": (
        "Il-garanzija tal-apparat tkopri l-ħsara kkawżata mill-ilma u t-trab.",
        "Il-garanzija tal-apparat ma tkopri ebda ħsara kkawżata mill-ilma u t-trab.",
    ),
    "pl": (
        "Gwarancja na urządzenie obejmuje szkody spowodowane wodą i kurzem.",
        "Gwarancja na urządzenie nie obejmuje szkody spowodowane wodą i kurzem.",
    ),
    "pt": (
        "A garantia do aparelho cobre danos causados por água e poeira.",
        "A garantia do aparelho não cobre danos causados por água e poeira.",
    ),
    "ro": (
        "Garanția aparatului acoperă daunele provocate de apă și praf.",
        "Garanția aparatului nu acoperă daunele provocate de apă și praf.",
    ),
    "sk": (
        "Záruka na prístroj kryje škody spôsobené vodou a prachom.",
        "Záruka na prístroj nekryje škody spôsobené vodou a prachom.",
    ),
    "sl": (
        "Garancija za napravo krije škodo zaradi vode in prahu.",
        "Garancija za napravo ne krije škode zaradi vode in prahu.",
    ),
    "es": (
        "La garantía del aparato cubre los daños causados por agua y polvo.",
        "La garantía del aparato no cubre los daños causados por agua y polvo.",
    ),
    "sv": (
        "Garantin på apparaten täcker skador från vatten och damm.",
        "Garantin på apparaten täcker inte skador från vatten och damm.",
    ),
    "tr": (
        "Bu çanta suya dayanıklı değildir ve yağmurda kullanılamaz.",
        "Bu çanta suya dayanıklıdır ve yağmurda kullanılamaz.",
    ),
    "uk": (
        "Гарантія на пристрій покриває збитки від води та пилу.",
        "Гарантія на пристрій не покриває збитки від води та пилу.",
    ),
    "ru": (
        "Гарантия на устройство покрывает ущерб от воды и пыли.",
        "Гарантия на устройство не покрывает ущерб от воды и пыли.",
    ),
}


def test_a_lost_or_invented_not_is_noticed_in_each_language():
    wrong = {}
    for language, (said, denied) in SAID_AND_DENIED.items():
        with patch(
            "conversations.citing.supporting.detect_language",
            lambda text, language=language: language,
        ):
            found = (
                compare(denied, Evidence(said)),
                compare(said, Evidence(denied)),
                compare(said, Evidence(said)),
                compare(denied, Evidence(denied)),
            )
        if found != ("negation", "negation", "", ""):
            wrong[language] = found
    assert wrong == {} and len(SAID_AND_DENIED) >= 24
