"""Our reading of languages and sentences next to libraries that do the same: `python -m bench.text_libraries [DATA]`.

The libraries are measured, not used, so they are in no requirements file; install what you want to compare:

    pip install py3langid lingua-language-detector pysbd

The texts are Django's own translations, which lie in its package, and with DATA (a folder with `squad` and `xquad_de`)
the questions people asked in English and German. docs/retrieval.md says what came out and what was decided.
"""

from __future__ import annotations

import gettext
import importlib
import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django

from minirag.lib.text.languages import detect_language
from minirag.lib.text.sentences import split_sentences
from minirag.lib.text.stopwords import STOP_WORDS

CATALOGUES = (
    "conf/locale/{}/LC_MESSAGES/django.mo",
    "contrib/admin/locale/{}/LC_MESSAGES/django.mo",
    "contrib/auth/locale/{}/LC_MESSAGES/django.mo",
)
# English is what the messages are translated from.
LOCALES = {"en": "de", "no": "nb", "zh": "zh_Hans"}
LANGUAGES = sorted({*STOP_WORDS, "ja", "zh", "ko", "th"})
PLACEHOLDERS = re.compile(r"%\(\w+\)\w|%\w|\{\w*\}|<[^>]+>|&\w+;")
Detector = Callable[[str], str]
Splitter = Callable[[str], list[str]]


def read_messages(language: str, least_words: int = 3) -> list[str]:
    """What Django says in a language, in messages of so many words (four characters each without spaces) and more."""
    root, found = Path(django.__file__).parent, []
    for path in CATALOGUES:
        file = root / path.format(LOCALES.get(language, language))
        if not file.exists():
            continue
        with file.open("rb") as opened:
            catalogue = gettext.GNUTranslations(opened)._catalog  # type: ignore[attr-defined]
        for message, text in catalogue.items():
            if language == "en":
                text = message if isinstance(message, str) else message[0]
            text = " ".join(PLACEHOLDERS.sub(" ", text).split())
            is_dense = language in ("ja", "zh", "th") and len(text) >= 4 * least_words
            enough = len(text.split()) >= least_words or is_dense
            if message and enough:
                found.append(text)
    return sorted(set(found))


def make_texts(count: int) -> Iterator[tuple[str, str]]:
    """Yield (language, text) of `count` messages each."""
    pick = random.Random(8)
    for language in LANGUAGES:
        messages = read_messages(language)
        if count == 1:
            yield from ((language, message) for message in messages)
            continue
        for _ in range(60 if len(messages) >= count else 0):
            yield language, " ".join(pick.sample(messages, count))


def read_questions(folder: Path, language: str) -> Iterator[tuple[str, str]]:
    for line in (folder / "queries.jsonl").read_text().splitlines():
        yield language, json.loads(line)["text"]


def load_detectors(languages: list[str] = LANGUAGES) -> dict[str, Detector]:
    found: dict[str, Detector] = {"ours": detect_language}
    if langid := _import("py3langid"):
        langid.set_languages(languages)
        found["py3langid"] = lambda text: langid.classify(text)[0]
    if lingua := _import("lingua"):
        codes = {code if code != "no" else "nb" for code in languages}
        chosen = [
            each for each in lingua.Language.all() if each.iso_code_639_1.name.lower() in codes
        ]
        detector = lingua.LanguageDetectorBuilder.from_languages(*chosen).build()

        def detect(text: str) -> str:
            language = detector.detect_language_of(text)
            name = language.iso_code_639_1.name.lower() if language else "en"
            return "no" if name == "nb" else name

        found["lingua"] = detect
    return found


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"(no {name} here)")
        return None


def compare_detectors(sets: dict[str, list[tuple[str, str]]]) -> None:
    print(f"{'language of':34}{'':12}{'right':>8}{'us each':>10}")
    for name, detect in load_detectors().items():
        detect("Warm up, please, and load what is needed.")
        for label, texts in sets.items():
            started = time.process_time()
            right = sum(detect(text) == language for language, text in texts)
            spent = (time.process_time() - started) / len(texts) * 1e6
            print(f"{label:34}{name:12}{right / len(texts):8.1%}{spent:10.0f}")


SENTENCES = {
    "en": [
        "Dr. Smith arrived at 9.30 a.m. on Jan. 5.",
        "He met J. R. Miller of Acme Inc. for lunch.",
        "The price rose by 3.5 % to $4.20.",
        "Is that right?",
        '"Yes!" she said.',
        "See fig. 3 and pp. 12–14 for more.",
        "Version 2.0.1 is out.",
        "Use e.g. a hammer, i.e. something heavy.",
        "It works.",
        "The U.S. Army sent a letter.",
        "Visit www.example.com today.",
        "She earned a Ph.D. in 1999.",
        "Wait… what?",
        "Press F5 (or click Reload).",
        "The U.K. and the U.N. agreed.",
        "No. 5 is the best one.",
    ],
    "de": [
        "Am 3. Oktober ist Feiertag.",
        "Die Frist endet z. B. am 31.12.2024.",
        "Das gilt u. a. für Dr. Müller.",
        "Wirklich?",
        "Ja, d. h. fast immer.",
        "Der Preis beträgt ca. 3,50 Euro inkl. MwSt. und Versand.",
        "Siehe Abs. 2 der Satzung.",
        "Er wohnt in der Goethestr. 5 in Bonn.",
        "Das ist alles.",
        "Rufen Sie Hrn. Meier an.",
        "Das 20. Jahrhundert war lang.",
        "Die Fa. Schmidt liefert bzw. montiert.",
        "Wie viel kostet das?",
        "Nichts!",
    ],
    "fr": [
        "M. Dupont est arrivé à 9 h.",
        "Mme Martin habite av. Foch.",
        "Est-ce vrai ?",
        "Oui !",
        "Voir p. ex. le chap. 3.",
        "« Bonjour », dit-il.",
        "Le prix est de 3,50 €.",
        "C'est fini.",
    ],
    "es": [
        "El Sr. García llegó a las 9.",
        "¿Es verdad?",
        "¡Claro!",
        "La Sra. López vive en la pág. 3.",
        "Cuesta 3,50 €.",
        "Ud. tiene razón.",
        "Todo ha terminado.",
    ],
    "ru": [
        "Он родился в 1980 г. в Москве.",
        "Это правда?",
        "Да!",
        "Цена выросла на 3,5 млн руб. за год.",
        "См. рис. 3.",
        "И т. д. и т. п. без конца.",
        "Всё.",
    ],
    "ja": [
        "今日は晴れです。",
        "本当ですか？",
        "はい！",
        "「行きます。」と彼は言った。",
        "終わりました。",
    ],
    "zh": ["今天天气很好。", "真的吗？", "是的！", "价格是3.5元。", "结束了。"],
    "ar": ["وصل الطبيب في التاسعة.", "هل هذا صحيح؟", "نعم!", "انتهى الأمر."],
    "hi": ["आज मौसम अच्छा है।", "क्या यह सच है?", "हाँ!", "सब समाप्त हुआ।"],
}


def make_paragraphs() -> list[tuple[str, list[str]]]:
    """Paragraphs of four sentences in chance order, with the sentences they were made of."""
    pick, made = random.Random(8), []
    for language, sentences in SENTENCES.items():
        for _ in range(100):
            chosen = pick.sample(sentences, 4)
            made.append((language, chosen))
    for language in LANGUAGES:
        whole = [text for text in read_messages(language) if _is_sentence(text)]
        made += [(language, pick.sample(whole, 4)) for _ in range(30) if len(whole) >= 4]
    return made


def _is_sentence(text: str) -> bool:
    return bool(re.fullmatch(r"[^\W\d_a-z][^.!?。！？؟।:]{20,}[.!?。！？؟।]", text))


def load_splitters() -> dict[str, Callable[[str], Splitter]]:
    found: dict[str, Callable[[str], Splitter]] = {"ours": lambda language: split_sentences}
    if pysbd := _import("pysbd"):

        def of(language: str) -> Splitter:
            try:
                return pysbd.Segmenter(language=language, clean=False).segment  # type: ignore[no-any-return]
            except ValueError:  # a language it does not know
                return pysbd.Segmenter(language="en", clean=False).segment  # type: ignore[no-any-return]

        found["pysbd"] = of
    return found


def compare_splitters(paragraphs: list[tuple[str, list[str]]]) -> None:
    print(f"\n{'sentences of':34}{'':12}{'F1':>8}{'us each':>10}")
    hard = len(SENTENCES) * 100
    sets = {"hard ones, 9 languages": paragraphs[:hard]}
    sets["plain ones, all languages"] = paragraphs[hard:]
    sets |= {f"hard ones, {code}": paragraphs[n * 100 : n * 100 + 100] for n, code in enumerate(SENTENCES)}  # fmt: skip
    for label, chosen in sets.items():
        for name, of in load_splitters().items():
            splitters = {language: of(language) for language in {pair[0] for pair in chosen}}
            right = expected = found = 0
            started = time.process_time()
            for language, sentences in chosen:
                gap = "" if language in ("ja", "zh") else " "
                cut = [part.strip() for part in splitters[language](gap.join(sentences))]
                wanted = set(_ends(sentences))
                given = set(_ends([part for part in cut if part]))
                right += len(wanted & given)
                expected, found = expected + len(wanted), found + len(given)
            spent = (time.process_time() - started) / len(chosen) * 1e6
            print(f"{label:34}{name:12}{2 * right / (expected + found):8.1%}{spent:10.0f}")


def _ends(sentences: list[str]) -> Iterator[int]:
    """Where sentences end, counted without spaces; the paragraph's own end says nothing."""
    at = 0
    for sentence in sentences[:-1]:
        at += len("".join(sentence.split()))
        yield at


def main() -> None:
    sets = {"single messages, 31 languages": list(make_texts(1)), "five messages": list(make_texts(5))}  # fmt: skip
    if len(sys.argv) > 1:
        data = Path(sys.argv[1])
        sets["questions in English (SQuAD)"] = list(read_questions(data / "squad", "en"))
        sets["questions in German (XQuAD)"] = list(read_questions(data / "xquad_de", "de"))
    compare_detectors(sets)
    compare_splitters(make_paragraphs())


if __name__ == "__main__":
    main()
