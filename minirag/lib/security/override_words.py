"""How an order to drop, show or lose one's instructions is built in languages other than English. Patterns, no code.

One row a language, by the script that it is written in, so that a text is only compared with what it may be. What is
asked for is always the bot's own ("your", "all", "previous" instructions), or a thing that only a bot has (a system
prompt): instructions for assembly, and rules for returns, are a customer's business.
"""

from __future__ import annotations

from typing import Final

_C = r"[^.!?。！？]"  # within a sentence
_FEW = r"(?:\S{1,30}\s+){0,2}?"  # some words between
_START = r"(?:^|[.!?:;,]\s*|\b(?:und|dann|et|puis|y|luego|e|ora|poi|en|nu|depois|per favore|por favor|bitte|alors)\s+)"

_GERMAN_RULES = (
    r"(?:anweisung(?:en)?|regeln|vorgaben|instruktionen|befehle|richtlinien|beschränkungen)"
)
_GERMAN_ALL = r"(?:(?:alle[ns]?|sämtlichen?|deinen?|diesen?|die|bisherigen?|vorherigen?|obigen?|vorigen?|früheren?)\s+)"
_GERMAN_DROP = r"(?:ignorieren?|vergessen|missachten|verwerfen|nicht (?:mehr )?beachten)"

LATIN: Final = (
    # German
    rf"{_START}(?:ignoriere?|vergiss|vergesst|missachte|umgehe|verwirf)\s+(?:bitte\s+|jetzt\s+|nun\s+)?{_GERMAN_ALL}+"
    rf"{_GERMAN_RULES}\b",
    rf"{_START}(?:ignoriere?|vergiss)\s+alles,?\s+was\s+(?:dir|du|man|oben|vorher|bisher|bis)\b",
    rf"(?:{_START}|\bdu (?:sollst|musst|wirst) )(?:ab jetzt |ab sofort |nun )?{_GERMAN_ALL}+{_GERMAN_RULES}\s+"
    rf"(?:bitte\s+|jetzt\s+|ab sofort\s+)?{_GERMAN_DROP}\b",
    rf"\b(?:zeige?|verrate|nenne?|gib|wiederhole|schreib|wie lautet|wie lauten|was ist|was sind|was steht in)\b{_C}{{0,30}}"
    r"\b(?:dein(?:e[nmr]?)?|den)\s+(?:system-?(?:prompt|anweisung(?:en)?|nachricht)|api-?schlüssel|"
    r"(?:geheimen|versteckten|internen|ursprünglichen|genauen)\s+(?:anweisungen|regeln))\b",
    r"\b(?:zeige?|verrate|nenne?|gib)\s+(?:mir\s+|uns\s+)?(?:bitte\s+)?deine\s+anweisungen\b",
    rf"\bdu (?:bist|hast)\b{_C}{{0,40}}\b(?:ohne|keine)\s+(?:\w+\s+)?(?:regeln|beschränkungen|einschränkungen|filter|grenzen)\b",
    # French
    rf"{_START}(?:ignore[z]?|oublie[z]?|contourne[z]?|(?:ne\s+)?tiens\s+(?:plus|pas)\s+compte\s+d(?:e|es)|fais abstraction de)\s+"
    r"(?:(?:toutes?|les|tes|vos|ces)\s+)*(?:(?:tes|vos|toutes?)\s+(?:les\s+)?\S{0,12}\s*(?:instructions|consignes|règles|directives|ordres)"
    r"|(?:instructions|consignes|règles|directives|ordres)(?:\s+(?:précédente?s|antérieure?s|ci-dessus)|\b(?=\s+(?:et|que)\b)))",
    rf"{_START}(?:ignore[z]?|oublie[z]?)\s+tout\s+ce\s+qu",
    rf"\b(?:montre|affiche|révèle|donne|répète|dis|écris|quels?(?:les?)?\s+(?:est|sont))(?:-moi|-nous|z)?\b{_C}{{0,20}}"
    r"\b(?:ton|tes|votre|vos)\s+(?:prompt|clé\s+(?:d['’])?api|message\s+système|(?:instructions|consignes|règles)\s+"
    r"(?:du\s+)?(?:système|initiales|secrètes|cachées|internes|exactes|d['’]origine))",
    rf"\b(?:tu|vous)\b{_C}{{0,40}}\b(?:(?:plus|pas)\s+(?:de\s+|d['’])|aucune?\s+|sans\s+(?:aucune?\s+)?)(?:règle|restriction|limite|filtre|consigne)",
    # Spanish
    rf"{_START}(?:ignora|ignore|olvida|olvide|omite|descarta|no\s+sigas|no\s+hagas\s+caso\s+[ad]e?)\s+"
    r"(?:(?:todas?|las|tus|sus|estas)\s+)+(?:\w+\s+)?(?:instrucciones|reglas|órdenes|indicaciones|normas)\b",
    rf"{_START}(?:ignora|olvida|olvide)\s+todo\s+lo\s+(?:que|anterior)\b",
    rf"\b(?:muestra|muéstra|revela|di|dime|dame|repite|imprime|escribe|enséña|cuál(?:es)?\s+(?:es|son))(?:me|nos)?\b{_C}{{0,20}}"
    r"\b(?:tus?|sus?)\s+(?:prompt|clave\s+(?:de\s+)?(?:la\s+)?api|mensaje\s+de(?:l)?\s+sistema|(?:instrucciones|reglas)\s+"
    r"(?:del?\s+)?(?:sistema|iniciales|originales|secretas|ocultas|internas|exactas))",
    rf"\b(?:no\s+tienes|eres|responde|actúa)\b{_C}{{0,30}}\b(?:no\s+tienes|sin|ningun[ao]|más|tienes)\s+(?:más\s+|ningun[ao]s?\s+)?"
    r"(?:restriccion|regla|límite|filtro|censura)",
    r"\bya\s+no\s+tienes\s+(?:más\s+|ningun[ao]s?\s+)?(?:restriccion|regla|límite|filtro)",
    # Italian
    rf"{_START}(?:ignora|dimentica|trascura|scorda|non\s+seguire)\s+(?:(?:tutte|le|tue|queste|vostre)\s+)+(?:\w+\s+)?"
    r"(?:istruzioni|regole|direttive|indicazioni)\b",
    rf"{_START}(?:ignora|dimentica)\s+tutto\s+(?:ciò|quello|quanto)\b",
    rf"\b(?:mostra|rivela|ripeti|stampa|scrivi|dimmi|dammi|qual\s+è|quali\s+sono)(?:mi|ci)?\b{_C}{{0,20}}"
    r"\b(?:tuo|tue|tuoi|tua|vostro|vostre)\s+(?:prompt|chiave\s+(?:di\s+)?api|messaggio\s+di\s+sistema|(?:istruzioni|regole)\s+"
    r"(?:di\s+)?(?:sistema|iniziali|originali|segrete|nascoste|interne|esatte))",
    r"\bnon\s+hai\s+(?:più\s+)?(?:alcuna?\s+|nessuna?\s+)?(?:regol|restrizion|limit|filtr)",
    # Portuguese
    rf"{_START}(?:ignore|esqueça|esquece|desconsidere|não\s+siga)\s+(?:(?:todas|as|suas|tuas|essas)\s+)+(?:\w+\s+)?"
    r"(?:instruções|regras|diretrizes|ordens)\b",
    rf"{_START}(?:ignore|esqueça|esquece)\s+tudo\s+o\s+que\b",
    rf"\b(?:mostre|mostra|revele|diga|dê|repita|imprima|escreva|qual\s+é|quais\s+são)(?:-me)?\b{_C}{{0,20}}"
    r"\b(?:seu|teu|suas|tuas|sua|tua)\s+(?:prompt|chave\s+(?:de\s+|da\s+)?api|mensagem\s+d[eo]\s+sistema|(?:instruções|regras)\s+"
    r"(?:d[eo]\s+)?(?:sistema|iniciais|originais|secretas|ocultas|internas|exatas))",
    r"\b(?:não\s+tem|não\s+tens)\s+(?:mais\s+)?(?:nenhuma?\s+)?(?:regra|restriç|limite|filtro)",
    # Dutch
    rf"{_START}(?:negeer|vergeet)\s+(?:alle\s+|de\s+|je\s+|jouw\s+|uw\s+|deze\s+)+(?:\w+\s+)?(?:instructies|regels|richtlijnen|opdrachten)\b",
    rf"{_START}(?:negeer|vergeet)\s+alles\s+wat\b",
    rf"\b(?:toon|laat|geef|vertel|herhaal|print|wat\s+is|wat\s+zijn)\b{_C}{{0,20}}\b(?:je|jouw|uw)\s+"
    r"(?:systeem-?(?:prompt|bericht|instructies)|api-?sleutel|(?:geheime|oorspronkelijke|interne|verborgen)\s+(?:instructies|regels))\b",
    rf"\b(?:je|u)\s+(?:hebt|heeft|bent)\b{_C}{{0,30}}\b(?:geen|zonder)\s+(?:\w+\s+)?(?:regels|beperkingen|filters|grenzen)\b",
    # Polish
    rf"\b(?:zignoruj|ignoruj|zapomnij|pomiń|nie\s+(?:stosuj|przestrzegaj))\w*\s+(?:o\s+)?{_FEW}"
    rf"(?:wszystk\w+|poprzedni\w+|wcześniejsz\w+|swo\w+|two\w+)\s+{_FEW}(?:instrukcj\w+|polece\w+|zasad\w*|reguł\w*|wytyczn\w+)",
    rf"\b(?:pokaż|wyświetl|ujawnij|podaj|powtórz|wypisz|zdradź|jaki\s+jest|jakie\s+są)\b{_C}{{0,20}}\b(?:sw|tw)\w+\s+"
    r"(?:prompt|klucz\w*\s+api|(?:systemow|ukryt|tajn|początkow)\w+\s+(?:prompt|instrukcj|zasad)|instrukcj\w+\s+(?:systemow|ukryt|tajn))",
    r"\bnie\s+masz\s+(?:już\s+)?(?:żadn\w+\s+)?(?:zasad|reguł|ogranicze|filtr)",
    # Turkish
    rf"\b(?:önceki|yukarıdaki|tüm|bütün|verilen|mevcut|eski|kendi)\s+{_FEW}(?:talimat|kural|yönerge|komut|emir)\w*\s+{_FEW}"
    r"(?:görmezden\s+gel|yok\s+say|unut|dikkate\s+alma|göz\s+ardı\s+et|boş\s*ver)",
    rf"\b(?:sistem\s+(?:istem|prompt|komut|mesaj|talimat)|gizli\s+talimat|api\s+anahtar)\w*(?:ini|ını|unu|ünü|i|ı)\s+{_FEW}"
    r"(?:göster|yaz|söyle|ver|paylaş|açıkla|yazdır)",
    rf"\b(?:hiçbir|artık)\s+{_FEW}(?:kural|kısıtlama|sınır)\w*\s+yok",
)  # fmt: skip

CYRILLIC: Final = (
    rf"(?:за|про)?[иі]гнор(?:ируй|уй)\w*\s+{_FEW}(?:вс[еі]\w*|ус[іи]\w*|сво\w+|тво\w+|ваш\w*|предыдущ\w+|прежн\w+|прошл\w+|попередн\w+)\s+"
    rf"{_FEW}(?:инструкци|указани|правил|команд|ограничени|інструкці|вказівк|обмежен)",
    rf"\b(?:забудь|отбрось|відкинь|не\s+следуй|не\s+соблюдай)\w*\s+{_FEW}"
    rf"(?:вс[еі]\w*|ус[іи]\w*|сво\w+|тво\w+|ваш\w*|предыдущ\w+|прежн\w+|прошл\w+|попередн\w+)\s+"
    rf"{_FEW}(?:инструкци|указани|правил|команд|ограничени|інструкці|вказівк|обмежен)",
    r"\b(?:забудь|игнорируй|ігноруй)\w*\s+вс[её],?\s+(?:что|що)\b",
    rf"\b(?:покажи|выведи|раскрой|назови|повтори|напиши|скажи|сообщи|виведи|розкрий|назви|како[йв]|какие|який)\w*\b{_C}{{0,20}}"
    r"\b(?:(?:сво|тво|ваш)\w*\s+(?:системн\w+\s+)?(?:промпт|api|ключ\w*\s+api|системн\w+\s+(?:инструкци|сообщени|інструкці))|системн\w+\s+промпт)",
    rf"\b(?:ты|ти|отвечай|відповідай)\b{_C}{{0,30}}\b(?:без)\s+(?:\w+\s+)?(?:ограничени|правил|цензур|фильтр|обмежен)",
    rf"\b(?:у\s+тебя|у\s+тебе)\b{_C}{{0,20}}\b(?:нет|немає)\s+{_FEW}(?:правил|ограничени|фильтр|обмежен)",
)  # fmt: skip

ARABIC: Final = (
    rf"(?:تجاهل|انس[ىَ]?|أهمل|اهمل|لا\s+تتبع)\w*\s+{_FEW}(?:(?:كل|جميع|كافة)\s+{_FEW}(?:ال)?(?:تعليمات|قواعد|أوامر|إرشادات|توجيهات)"
    r"|(?:تعليمات|قواعد|أوامر|إرشادات|توجيهات)ك|ال(?:تعليمات|قواعد|أوامر|إرشادات|توجيهات)\s+(?:السابقة|أعلاه))",
    rf"(?:اعرض|أظهر|اكشف|أخبرن|اطبع|كرر|اكتب|أعط|ما\s+ه[يو])\w*\b{_C}{{0,20}}(?:موجه\s+النظام|(?:تعليمات|قواعد|أوامر)ك|تعليمات\s+النظام|مفتاح\s+(?:ال)?api)",
    rf"(?:أنت\s+الآن|من\s+الآن|أجب){_C}{{0,30}}(?:بدون|دون|بلا|لا\s+توجد|ليس\s+لديك)\s+{_FEW}(?:قيود|قواعد|حدود)",
)  # fmt: skip

EAST_ASIAN: Final = (
    # Chinese
    rf"(?:忽略|无视|無視|忘记|忘記|忘掉|不要(?:理会|遵守|遵循)|抛开|拋開){_C}{{0,8}}(?:之前|以上|上面|先前|此前|前面|所有|你的|一切){_C}{{0,6}}"
    r"(?:指令|指示|提示|规则|規則|命令|说明|設定|设定|限制)",
    rf"(?:发|给|告诉|显示|输出|展示|打印|重复|透露|说出|公开|写出){_C}{{0,12}}(?:系统提示|系统指令|系统消息|初始指令|隐藏指令|你的提示词|api密钥|你的密钥)",
    rf"(?:你的|把){_C}{{0,6}}(?:系统提示|系统指令|系统消息|初始指令|隐藏指令|提示词|api密钥){_C}{{0,8}}(?:发|给|告诉|显示|输出|展示|打印|重复|是什么|公开|写出)",
    rf"(?:从现在|現在|现在|你是|从此){_C}{{0,12}}(?:没有|不受|無|无|沒有){_C}{{0,4}}(?:限制|规则|約束|约束|过滤)",
    # Japanese
    rf"(?:これまで|以前|今まで|前|上記|すべて|全て|あなた|君)の?{_C}{{0,10}}(?:指示|命令|ルール|規則|プロンプト|制約){_C}{{0,8}}(?:無視|忘れ|破棄|従わな)",
    rf"(?:システムプロンプト|システムメッセージ|初期指示|隠された指示|apiキー){_C}{{0,10}}(?:教え|見せ|表示|出力|繰り返|公開|書いて|書き出)",
    rf"(?:今から|これから|あなたに?は|君に?は){_C}{{0,15}}(?:制限|ルール|制約|規則){_C}{{0,4}}(?:ない|ありません|なし|なく)",
    # Korean
    rf"(?:이전|지금까지|위|모든|앞|너|네|당신)\S{{0,3}}\s*{_FEW}(?:지시|명령|규칙|지침|프롬프트)\S{{0,12}}\s*{_FEW}(?:무시|잊)",
    rf"(?:시스템\s*(?:프롬프트|메시지|지침)|숨겨진\s*지시|api\s*키)\S{{0,12}}\s*{_FEW}(?:보여|알려|출력|공개|말해)",
    rf"(?:지금부터|이제){_C}{{0,15}}(?:제한|규칙|제약)\S{{0,12}}\s*없",
)  # fmt: skip

DEVANAGARI: Final = (
    rf"(?:पिछले|पहले|सभी|सारे|अपने|ऊपर)\s+{_FEW}(?:निर्देश|नियम|आदेश)\S{{0,12}}\s+{_FEW}(?:अनदेखा|नज़रअंदाज़|नजरअंदाज|भूल|भुला)",
    rf"(?:सिस्टम\s+(?:प्रॉम्प्ट|संदेश)|छिपे\s+निर्देश|अपने\s+निर्देश)\S{{0,12}}\s+{_FEW}(?:दिखा|बता|लिख)",
)  # fmt: skip
