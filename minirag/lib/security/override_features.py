"""What an order to a bot about its own instructions is made of, whatever its words: patterns built from lists of words.

Three things in one sentence make one: its instructions are addressed as its own ("your", or what it was given), and
are to be laid aside, or told in any form; or it is to behave as though it had none. For each language only the words
are given, not the sentences. English has some more: new tasks, other roles, those who made it, what others asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_C = r"[^.!?。！？।]"  # within a sentence
_FREE = r"(?:rules|restrictions?|guidelines|guardrails|(?:safety )?filters|limits|limitations|censorship|boundaries)"
_RULES = r"(?:instructions?|rules?|prompts?|guidelines?|guardrails?|directives?|restrictions?|programming|constraints|(?:safety )?filters?)"
_HIDDEN = r"(?:(?:system|initial|hidden|original|secret|internal|developer|starting|first)\s+(?:prompt|instructions?|message|rules?|guidelines?)|(?:hidden |full |whole )?prompt)"
_TOLD = r"(?:summari[sz]e|paraphrase|rephrase|translate|encode|encrypt|spell(?: out)?|copy|paste|reproduce|convert|recite|list|describe|write(?: down| out)?|begin|start|continue|complete)"
_OFF = r"(?:set aside|put aside|lay aside|throw (?:out|away|overboard)|leave behind|switch off|turn off|disable|deactivate|suspend|lift|remove|abandon|drop|unlearn|shed)"
_GIVEN = r"you\s+(?:were|have been|had been|got|are|have|received)\b"
_OTHERS = r"(?:(?:other|another|previous|different|all)\s+(?:customer|user|visitor|tenant|client|compan)\w*(?:['’]s?)?|(?:the\s+)?(?:customer|user|visitor)s?\s+before me)"

ENGLISH: Final = (
    rf"\b{_OFF}\s+(?:\w+\s+){{0,2}}your\s+(?:\w+\s+){{0,2}}{_RULES}\b",
    rf"\b{_OFF}\s+(?:all|any|whatever|every|the)\s+(?:\w+\s+)?{_RULES}\s+(?:that\s+)?{_GIVEN}",
    rf"\b(?:consider|treat|regard)\s+(?:all|any|every|your)\s+(?:\w+\s+)?{_RULES}\b{_C}{{0,50}}\b(?:cancel+ed|void|invalid|revoked|suspended|gone|lifted)\b",
    rf"\byou\s+(?:no longer|do(?: not|n't)|need not|are no longer|are not)\s+(?:have to\s+|need to\s+|must\s+)?(?:obey|follow|heed|respect|keep to|comply with|bound by)\s+(?:your|any|these|those|all)\s+(?:\w+\s+)?{_RULES}",
    rf"\byou are (?:now\s+)?(?:free|released|liberated)\s+(?:of|from)\s+(?:every|all|any|your)\s+(?:\w+\s+)?{_RULES}",
    rf"\b(?:act|behave|talk|speak|answer|respond|reply|pretend|imagine|suppose|assume)\b{_C}{{0,60}}\byou\s+(?:had|have|were|are)\s+(?:\w+\s+)?(?:no|without(?: any)?|free of|not bound by(?: any)?)\s+(?:\w+\s+)?{_FREE}\b",
    rf"\b(?:pretend|imagine|suppose|assume|act)\b{_C}{{0,40}}\byour\s+(?:\w+\s+)?{_FREE}\s+(?:are|were|is)\s+(?:\w+\s+)?(?:off|gone|disabled|lifted)\b",
    rf"\b{_TOLD}\b{_C}{{0,60}}\byour\s+(?:\w+\s+)?{_HIDDEN}\b(?!\s+(?:for|on|about|regarding)\s+(?!me\b|us\b))",
    rf"\b{_TOLD}\s+(?:\w+\s+){{0,2}}?(?:instructions|message|rules|prompt|text)\b{_C}{{0,25}}\byou\s+(?:received|got|were given|were sent|were told)\b{_C}{{0,30}}\b(?:before|above|at the (?:start|beginning))\b",
    rf"\b{_TOLD}\b{_C}{{0,40}}\b(?:text|message|words|everything)\s+(?:that\s+)?(?:(?:stands?|is|comes?|came|stood)\s+)?(?:before|above)\s+(?:this|my|the first)\b",
    rf"\b{_TOLD}\b{_C}{{0,40}}\bmessage\s+(?:that\s+)?you\s+(?:got|received)\s+before\b",
    r"\b(?:encode|encrypt|spell|write|print|output|send)\b[^.!?]{0,20}\byour\s+(?:\w+\s+)?(?:instructions|rules|prompt|guidelines)\b[^.!?]{0,20}\b(?:base64|rot13|hex|morse|backwards|in reverse)\b",
    rf"\b(?:creators?|developers?|makers?|programmers?|people who (?:built|made|programmed|trained))\b{_C}{{0,12}}\b(?:tell|told|order|instruct)\s+you\b",
    r"\binstructions?\b[^.!?]{0,20}\byou\b[^.!?]{0,20}\bfrom\s+(?:your (?:creators?|developers?|makers?)|the people who (?:built|made|programmed|trained) you)",
    r"\byour\s+(?:new|real|actual|true|only)\s+(?:task|role|job|purpose|identity|instructions?)\s+(?:is|are)\s*(?:to\b|:)",
    r"\b(?:stop being|you are no longer)\b[^!?]{0,40}\b(?:from now on|you are now|instead you are)\b",
    rf"\b(?:you are|you're|become|be|play|as)\s+(?:now\s+)?an?\s+(?:(?:uncensored|unfiltered|unrestricted|jailbroken|unlimited)\s+(?:ai|assistant|model|bot|chatbot)|(?:ai|assistant|model|bot|chatbot)\s+(?:without|with no|free of)\s+(?:any\s+)?{_FREE})\b",
    r"\bfrom now on\b[^.!?]{0,40}\b(?:answers?|says?|does|can (?:say|do|answer))\s+(?:everything|anything)\b",
    r"(?:^|[.!?:;,]\s*)(?:please\s+)?(?:enter|switch (?:in)?to|go into|activate|enable)\s+(?:debug|maintenance|developer|god|root|admin|jailbreak)\s+mode\b[^.!?]{0,20}\b(?:and|then)\s+(?:print|show|list|reveal|output|dump|tell|give)\b",
    rf"\b(?:show|tell|give|send|list|read|print|repeat)\b{_C}{{0,25}}\b(?:what\s+)?{_OTHERS}\s+(?:(?:asked|wrote|told)\b|(?:chats?|conversations?|messages|passwords)\b)",
    rf"\b(?:show|tell|give|send|list|read|print)\b{_C}{{0,15}}\b(?:chats?|conversations?|messages|documents|files|data|passwords|addresses)\s+of\s+(?:your\s+)?{_OTHERS}",
    r"\b(?:show|give|send|list|print)\b[^.!?]{0,20}\b(?:documents|files|data|chats|customers)\s+of\s+(?:your\s+)?(?:other|all)\s+tenants\b",
    rf"\bwhat did\s+{_OTHERS}\s+(?:ask|write|tell|say)\b{_C}{{0,12}}\byou\b",
    r"\b(?:show|tell|give|send|print)\s+(?:me\s+)?(?:the|your)\s+(?:password|credentials|connection string|(?:api|access|secret)[- ]?(?:key|token))s?\s+(?:that you (?:use|have)|(?:of|for|to) your\s+\w+)",
)  # fmt: skip


@dataclass(frozen=True)
class _Words:
    """One language: `own` are its instructions as the bot's own, `hidden` such as only a bot has; `aside` lays them
    aside, `tell` gives them away, `as_if` opens a pretence of being without, which `without` names.
    """

    own: str
    hidden: str
    aside: str
    tell: str
    as_if: str
    without: str

    @property
    def patterns(self) -> tuple[str, ...]:
        return (
            rf"(?:{self.aside}){_C}{{0,40}}?(?:{self.own})|(?:{self.own}){_C}{{0,25}}?(?:{self.aside})",
            rf"(?:{self.tell}){_C}{{0,40}}?(?:{self.hidden})|(?:{self.hidden}){_C}{{0,25}}?(?:{self.tell})",
            rf"(?:{self.as_if}){_C}{{0,50}}?(?:{self.without})|(?:{self.without}){_C}{{0,25}}?(?:{self.as_if})",
        )


_GERMAN = _Words(
    r"\b(?:deine|ihre|eure)[nr]?\s+(?:\w+\s+)?(?:anweisungen|vorgaben|regeln|richtlinien|instruktionen|programmierung)\b",
    r"\b(?:dein|ihr)\w*\s+(?:systemprompt|prompt)\w*|\b(?:dein|ihr)\w*\s+(?:intern|geheim|versteckt|ursprünglich|anfänglich)\w*\s+(?:anweisung|vorgab|regel|instruktion)\w*",
    r"\b(?:setze?|setzen)\b(?=[^.!?]{0,120}\bhinweg)|\b(?:wirf|werfen|lass|lassen|leg|lege|schalte?)\b(?=[^.!?]{0,120}\b(?:bord|weg|beiseite|außer acht|aus)\b)",
    r"\b(?:übersetze?|fasse?|gib|verrate?|nenne?|schreibe?|wiederhole?|umschreibe?|kopiere?|zitiere?|liste)\b",
    r"\b(?:tu|tun sie)\s+so\b|\bstell\w*\s+(?:dir|sie sich)\s+vor\b|\bals (?:hättest|hätten|gäbe)\b|\bverhalte? dich\b",
    r"\bkeine\w*\s+(?:regeln|beschränkungen|einschränkungen|grenzen|filter|vorgaben)\s+(?:mehr\s+)?(?:hättest|hast|hätten)\b|\bhättest du keine\w*\s+(?:regeln|beschränkungen|einschränkungen|grenzen|filter|vorgaben)",
)  # fmt: skip
_FRENCH = _Words(
    r"\b(?:tes|vos|ta|votre)\s+(?:instructions|consignes|règles|directives|programmation)\b",
    r"\b(?:ton|votre)\s+(?:prompt|invite système)\b|\b(?:tes|vos)\s+(?:instructions|consignes|règles|directives)\s+(?:internes|secrètes|cachées|système|initiales|de départ)\b",
    r"\b(?:mets|mettez|laisse|laissez)\b(?=[^.!?]{0,120}\b(?:de côté|tomber)\b)|\b(?:abandonne|désactive|oublie)z?\b",
    r"\b(?:tradui(?:s|sez)|résume[zr]?|reformule[zr]?|récite[zr]?|copie[zr]?|écri(?:s|vez)|donne[zr]?|révèle[zr]?|épelle[zr]?|liste[zr]?)\b",
    r"\b(?:fais|faites|agis|agissez|réponds|répondez)\s+comme si\b|\bimagine[zr]?\s+que\b",
    r"\b(?:tu|vous)\s+n['’]?\s*(?:avais|aviez|as|avez)\s+(?:plus\s+)?(?:pas de|aucune?|plus de)\s+(?:règle|limite|restriction|contrainte|filtre)s?\b",
)  # fmt: skip
_SPANISH = _Words(
    r"\b(?:tus|sus|vuestras)\s+(?:instrucciones|directrices|reglas|normas|directivas)\b",
    r"\b(?:tu|su)\s+prompt\b|\b(?:tus|sus)\s+(?:instrucciones|directrices|reglas)\s+(?:internas|secretas|ocultas|iniciales|de sistema|del sistema)\b",
    r"\b(?:deja|dejad|deje|pon|ponga)\b(?=[^.!?]{0,120}\b(?:de lado|a un lado|aparte)\b)|\b(?:abandona|desactiva|descarta)\b",
    r"\b(?:traduce|resume|resuma|parafrasea|recita|copia|escribe|revela|deletrea|enumera|dame|di)\b",
    r"\b(?:haz|haga|actúa|actúe|responde|compórtate)\s+como si\b|\bimagin[ae](?:te)?\s+que\b",
    r"\bno\s+(?:tuvieras|tienes|tuvieses|tiene|tuviera)\s+(?:\w+\s+)?(?:reglas|restricciones|límites|filtros|normas)\b",
)  # fmt: skip
_ITALIAN = _Words(
    r"\b(?:tue|sue|vostre)\s+(?:istruzioni|regole|direttive|linee guida)\b",
    r"\b(?:tuo|suo)\s+prompt\b|\b(?:tue|sue)\s+(?:istruzioni|regole|direttive)\s+(?:interne|segrete|nascoste|iniziali|di sistema)\b",
    r"\b(?:metti|metta|lascia|lasci)\b(?=[^.!?]{0,120}\b(?:da parte|perdere)\b)|\b(?:abbandona|disattiva)\b",
    r"\b(?:traduci|riassumi|riassuma|parafrasa|recita|copia|scrivi|rivela|elenca|dimmi)\b",
    r"\b(?:fai|faccia)\s+finta\b|\bimmagina\b|\b(?:agisci|rispondi|comportati)\s+come se\b",
    r"\b(?:non\s+(?:avere|avessi|hai)\s+(?:più\s+)?|senza\s+)(?:regole|limiti|restrizioni|filtri)\b",
)  # fmt: skip
_DUTCH = _Words(
    r"\b(?:je|jouw|uw)\s+(?:instructies|regels|richtlijnen|opdrachten|programmering)\b",
    r"\b(?:je|jouw|uw)\s+(?:systeem)?prompt\b|\b(?:je|jouw|uw)\s+(?:interne|geheime|verborgen|oorspronkelijke)\s+(?:instructies|regels|richtlijnen)\b",
    r"\b(?:zet|leg|gooi|schuif)\b(?=[^.!?]{0,120}\b(?:opzij|overboord|terzijde|weg)\b)",
    r"\b(?:vertaal|vat|parafraseer|herhaal|kopieer|schrijf|onthul|geef|noem)\b",
    r"\b(?:doe|gedraag je|antwoord)\s+alsof\b|\bstel je voor\b",
    r"\bgeen\s+(?:regels|beperkingen|grenzen|filters)\s+(?:hebt|heeft|had)\b|\b(?:hebt|heeft|had)\s+geen\s+(?:regels|beperkingen|grenzen|filters)\b",
)  # fmt: skip
_PORTUGUESE = _Words(
    r"\b(?:tuas|suas|vossas)\s+(?:instruções|regras|diretrizes|directrizes)\b",
    r"\b(?:teu|seu)\s+prompt\b|\b(?:tuas|suas)\s+(?:instruções|regras|diretrizes)\s+(?:internas|secretas|ocultas|iniciais|de sistema|do sistema)\b",
    r"\b(?:deixa|deixe|põe|ponha|coloque)\b(?=[^.!?]{0,120}\bde lado\b)|\b(?:abandona|desativa|descarta)\b",
    r"\b(?:traduz|traduza|resume|resuma|parafraseia|recita|copia|copie|escreve|escreva|revela|revele|lista)\b",
    r"\b(?:finge|finja|imagine|imagina)\s+que\b|\b(?:age|aja|responde)\s+como se\b",
    r"\bnão\s+(?:tens|tem|tivesses|tivesse)\s+(?:\w+\s+)?(?:regras|limites|restrições|filtros)\b",
)  # fmt: skip
_POLISH = _Words(
    r"\b(?:swoje|twoje|swoich|twoich)\s+(?:instrukcj\w+|zasad\w*|reguł\w*|wytyczn\w+|polece\w+)",
    r"\b(?:swój|twój)\s+prompt\w*|\b(?:swoje|twoje)\s+(?:wewnętrzn|tajn|ukryt|początkow)\w+\s+(?:instrukcj|zasad|wytyczn|polece)\w+",
    r"\b(?:odłóż|odrzuć|porzuć|wyłącz|odstaw)\b",
    r"\b(?:przetłumacz|streść|sparafrazuj|przepisz|wypisz|skopiuj|ujawnij|podaj|powtórz)\b",
    r"\b(?:udawaj|wyobraź sobie|zachowuj się)\b",
    r"\bnie\s+masz\s+(?:\w+\s+)?(?:zasad|reguł|ogranicz\w+|filtrów|limitów)",
)  # fmt: skip
_TURKISH = _Words(
    r"\b(?:talimatların|kuralların|yönergelerin)(?:ı|i|ızı|izi)\b",
    r"\b(?:gizli|iç|dahili|sistem)\s+(?:talimat|kural|yönerge|prompt|istem)\w*",
    r"\b(?:bir kenara bırak|kenara koy|terk et|devre dışı bırak)\w*",
    r"\b(?:çevir|özetle|tercüme et|kopyala|açıkla|yaz|söyle)\w*\b",
    r"\bgibi davran\w*|\bhayal et\w*|\bvarsay\w*",
    r"\b(?:kural|sınır|kısıtlama|filtre)\w*\s+(?:yokmuş|olmadığını|yok)\b",
)  # fmt: skip
_RUSSIAN = _Words(
    r"\b(?:свои|твои|ваши|своих|твоих)\s+(?:инструкци|правил|указани|директив)\w+",
    r"\b(?:сво|тво|ваш)\w*\s+(?:внутренн|секретн|скрыт|системн|начальн|исходн)\w+\s+(?:инструкци|правил|указани|промпт)\w*|\b(?:сво|тво)\w*\s+промпт\w*",
    r"\b(?:отложи|отбрось|отключи|брось|отмени)\w*\b",
    r"\b(?:переведи|перескажи|перефразируй|скопируй|перепиши|изложи|резюмируй|раскрой|перечисли)\w*\b",
    r"\b(?:веди себя|представь|вообрази|притворись|действуй)\w*\b",
    r"\b(?:у тебя|у вас)\s+(?:больше\s+)?(?:нет|не было)\s+(?:\w+\s+)?(?:правил|ограничени|фильтр|запрет)\w*",
)  # fmt: skip
_UKRAINIAN = _Words(
    r"\b(?:свої|твої|ваші)\s+(?:інструкці|правил|вказівк|настанов)\w+",
    r"\b(?:сво|тво)\w*\s+(?:внутрішн|секретн|прихован|системн|початков)\w+\s+(?:інструкці|правил|вказівк|промпт)\w*|\b(?:сво|тво)\w*\s+промпт\w*",
    r"\b(?:відклади|відкинь|вимкни|скасуй)\w*\b",
    r"\b(?:переклади|перекажи|перефразуй|скопіюй|перепиши|розкрий|перелічи)\w*\b",
    r"\b(?:поводься|уяви|удавай|прикинься)\w*\b",
    r"\b(?:в|у)\s+тебе\s+(?:більше\s+)?(?:немає|нема|не було)\s+(?:\w+\s+)?(?:правил|обмеж|фільтр|заборон)\w*",
)  # fmt: skip
_ARABIC = _Words(
    r"(?:تعليمات|قواعد|أوامر|إرشادات|توجيهات)ك",
    r"(?:تعليمات|قواعد|أوامر|توجيهات)ك\s+(?:ال)?(?:داخلية|سرية|خفية|أصلية|أولية|مخفية)|موجه\s+النظام",
    r"(?:ضع|اترك|دع|ألق)\b(?=[^.!?]{0,120}(?:جانبا|جانبًا))|عط[لّ]\w*",
    r"(?:لخص|ترجم|انسخ|أعد\s+صياغة|اكشف|اذكر)",
    r"(?:تصرف|تخيل|تظاهر|افترض)",
    r"(?:ليس\s+لديك|لا\s+توجد|ليست\s+لديك|بدون|بلا)\s+(?:أي\s+)?(?:قواعد|قيود|حدود)",
)  # fmt: skip
_CHINESE = _Words(
    r"(?:你|您)的?(?:指令|指示|规则|規則|提示|设定|設定|准则)",
    r"(?:你|您)?的?(?:内部|內部|隐藏|隱藏|秘密|初始|系统|系統)(?:指令|指示|规则|規則|提示|提示词|设定)",
    r"放在一边|放到一边|抛开|拋開|丢开|扔掉|关闭|停用",
    r"总结|總結|翻译|翻譯|改写|复述|抄写|背诵|列出",
    r"假装|假裝|想象|想像|假设|表现得",
    r"没有(?:任何)?(?:规则|限制|約束|约束|过滤)|沒有(?:任何)?(?:規則|限制)",
)  # fmt: skip
_JAPANESE = _Words(
    r"(?:あなた|君|お前)の(?:指示|ルール|規則|命令|指令|ガイドライン)",
    r"(?:あなた|君)?の?(?:内部|隠れた|隠された|秘密の|初期|システム)(?:の)?(?:指示|ルール|プロンプト|命令|指令)",
    r"脇に置|捨て|無効に|横に置",
    r"要約|翻訳|言い換え|書き写|コピー|暗唱",
    r"振る舞|想像|ふりを|仮定",
    r"(?:ルール|制限|規則|制約)(?:が|は)?(?:ない|なかった|存在しない)",
)  # fmt: skip
_KOREAN = _Words(
    r"(?:너|네|당신)의?\s*(?:지시|규칙|지침|명령)",
    r"(?:너|네|당신)?의?\s*(?:내부|숨겨진|비밀|초기|시스템)\s*(?:지시|규칙|지침|프롬프트|명령)",
    r"제쳐|치워|버려|무효|꺼\s*줘",
    r"요약|번역|바꿔\s*말|복사|베껴",
    r"행동해|행동하|상상해|상상하|가정|척\s*해",
    r"(?:규칙|제한|제약)\S?\s*(?:없)",
)  # fmt: skip
_HINDI = _Words(
    r"(?:अपने|तुम्हारे|आपके)\s+(?:निर्देश|नियम|आदेश)\S{0,12}",
    r"(?:अपने|तुम्हारे|आपके)\s+(?:आंतरिक|छिपे|गुप्त|सिस्टम|प्रारंभिक)\s+(?:निर्देश|नियम|प्रॉम्प्ट)\S{0,12}",
    r"एक\s+तरफ|किनारे|छोड़\s+दो|त्याग",
    r"सारांश|अनुवाद|दोहरा|कॉपी",
    r"बर्ताव\s+करो|व्यवहार\s+करो|कल्पना\s+करो|मान\s+लो|जैसे\s+तुम्हारे",
    r"कोई\s+(?:नियम|पाबंदी|सीमा|प्रतिबंध)\S{0,12}\s+(?:नहीं|न)",
)  # fmt: skip

LATIN: Final = (
    *ENGLISH, *_GERMAN.patterns, *_FRENCH.patterns, *_SPANISH.patterns, *_ITALIAN.patterns, *_DUTCH.patterns,
    *_PORTUGUESE.patterns, *_POLISH.patterns, *_TURKISH.patterns,
)  # fmt: skip
CYRILLIC: Final = (*_RUSSIAN.patterns, *_UKRAINIAN.patterns)
ARABIC: Final = _ARABIC.patterns
EAST_ASIAN: Final = (*_CHINESE.patterns, *_JAPANESE.patterns, *_KOREAN.patterns)
DEVANAGARI: Final = _HINDI.patterns
