"""Orders that name no instruction outright: what stood before the chat, what it was told first, what it may not say, a
part to play without limits, an authority that releases it, rules that are void. Patterns built from lists of words.

None of the words is odd by itself. A request is one where it asks for what the bot was given before the visitor came, or
has it lay aside what it keeps to; what a visitor was given, told or sent is their own affair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_C = r"[^.!?。！？।]"  # within a sentence
_OWNER = r"(?:your|the (?:assistant|bot|chat-?bot|AI|machine)['’]s|its own)"
_TELL = r"(?:shar(?:e|ing)|give|show|tell|say|spell(?: out)?|list|finish|print|write|read|quote|describe|paraphrase|summari[sz]e|translate|reveal|what (?:is|are|was|were)|put|turn|encode|repeat|output|recite|paste|copy|dump|send|display|expose|disclose)"
_RULES = r"(?:prompts?|instructions?|directions|guidelines?|guidance|rules?|directives?|brief(?:ing)?|orders)"
_NOT_OF = (
    r"(?!\s+(?:for|on|about|of|to|regarding|when|if|concerning)\b(?!\s+(?:me|us|this chat)\b))"
)
_LIMITS = r"(?:safeguards?|limits?|limitations|rules|filters?|restrictions?|scruples|boundaries|constraints|guardrails|censorship|inhibitions|taboos|morals)"
_LOOSE = (
    r"(?:unrestricted|uncensored|unfiltered|jail-?broken|unbound|unaligned|unmoderated|unchained)"
)
_BEING = r"(?:AI|assistant|bot|chat-?bot|computer|twin|persona|character|alter ego)"
_BOSS = r"(?:administrator|admin|developer|owner|operator|creator|engineer|maintainer|supervisor|root|boss|programmer|tester)"
_LEAVE = r"(?:ignore|disregard|skip|drop|bypass|leave (?:out|aside)|forget|lift|suspend|reveal|show|print|switch off|disable|answer (?:everything|anything|freely))"
_AS = r"(?:act|become|imagine|pretend|suppose|answer|reply|respond|you are|you're)"

_ENGLISH: Final = (
    # Its instructions by what only a bot's are called; what shapes its answers; what it may not say.
    rf"\b{_TELL}\b{_C}{{0,50}}\b{_OWNER}\s+(?:\w+\s+){{0,2}}(?:system|internal|confidential|secret|hidden|underlying)\s+(?:\w+\s+)?{_RULES}\b{_NOT_OF}",
    rf"\b{_TELL}\b{_C}{{0,50}}\b{_OWNER}\s+(?:\w+\s+)?(?:operating|core|initial|original|starting)\s+(?:guidelines|prompts?|directives)\b{_NOT_OF}",
    rf"\b(?:text|contents?|wording|exact words) of {_OWNER}\s+(?:\w+\s+)?(?:instructions|prompt|guidelines|directives)\b{_NOT_OF}",
    rf"\b(?:first|last|opening|initial|next)\s+(?:\w+\s+)?(?:words?|lines?|sentences?|tokens?|characters|paragraphs?)\s+(?:of|in|from)\s+{_OWNER}\s+(?:context|prompt|instructions|input|memory|configuration|system)",
    r"\b(?:instructions?|directions|guidelines?|guidance|rules|principles|prompt|directives)\s+(?:(?:that|which)\s+)?(?:shapes?|governs?|guides?|controls?|defines?|determines?|steers?|dictates?|decides?)\s+(?:how you (?:reply|answer|respond|behave|talk|speak|act)|what you (?:say|answer)|your (?:answers|replies|responses|behaviou?r)\b)",
    rf"\b(?:everything|all|what|which|things?|topics?|words?)\b{_C}{{0,25}}\byou(?:['’]re| are| were| have been)\s+(?:\w+\s+)?(?:not supposed|not meant|not allowed|forbidden|prohibited|banned)\s+(?:to|from)\s+(?:say|saying|talk|mention|reveal|discuss|share)",
    r"\b(?:are|were) you\s+(?:forbidden|prohibited|banned)\s+(?:to|from)\s+(?:say|saying|talk|mention|reveal|discuss|share)",
    rf"\b(?:put|turn|rewrite|render|convert|express|set|sum up|summari[sz]e|repeat|retell|recite|tell me|write down|list)\b{_C}{{0,15}}\bwhat you (?:were|have been|had been)\s+(?:told|given|instructed|taught|ordered)\b(?!\s+(?:about|by|regarding))",
    # A part without limits.
    rf"\b(?:{_AS}\b{_C}{{0,50}}|playing\s+|play\s+(?:the (?:part|role) of\s+)?)\b(?:an?|the|your|my|our)\s+(?:\w+\s+){{0,2}}{_BEING}\b{_C}{{0,15}}\b(?:no|lost (?:every|all|its|any)|without(?: any)?|free (?:of|from)|knows no|stripped of)\s+(?:\w+\s+)?{_LIMITS}\b",
    rf"\b(?:an?|my|your|our|in|into|to|as)\s+{_LOOSE}\s+(?:and \w+\s+)?(?:{_BEING}|friend|self|version)\b(?!\s+of\s+(?!you|this (?:chat|bot|AI|assistant)))",
    rf"\b{_OWNER}\s+(?:evil|dark|free|unrestricted|true|uncensored)\s+(?:twin|self|version|side|half)\b",
    rf"\b(?:assistant|bot|chat-?bot|AI)\s+(?:now\s+)?has\s+(?:now\s+)?(?:no (?:more|longer any)|not any more|no)\s+(?:\w+\s+)?{_LIMITS}\b",
    # Somebody who may release it; rules that are void.
    rf"\b(?:as|i am|i'm|speaking as)\s+(?:the|your|an?|its)\s+(?:\w+\s+)?{_BOSS}\b{_C}{{0,60}}\b(?:authori[sz]e|allow|permit|order|instruct|command|free|release|exempt|entitle)\s+you\b{_C}{{0,15}}\b{_LEAVE}",
    rf"\bI (?:\w+\s+)?(?:authori[sz]e|permit|allow|order|command)\s+you\s+to\s+{_LEAVE}\b{_C}{{0,25}}\b(?:{_RULES}|{_LIMITS})\b(?!\s+(?:on|of|for|at|in|to)\s+(?:my|our)\b)",
    rf"(?:^|[.!?:;]\s*|\bnow\s+)(?:whatever|everything|anything|all)\s+(?:that\s+)?(?:was|is|has been|stands?|you (?:were|have been))\s+(?:\w+\s+)?(?:said|written|told|stated|instructed|above|before)\b{_C}{{0,25}}\b(?:is|are|counts? as)\s+(?:\w+\s+)?(?:void|invalid|cancel+ed|obsolete|null|revoked|superseded)\b",
    r"\bobey\s+(?:only me|me (?:only|alone)|nobody (?:but|except) me|no one (?:but|except) me)\b",
    rf"(?:^|[.!?:;,]\s*)(?:please\s+|now\s+)?(?:stop|quit|cease)\s+(?:following|obeying|heeding|applying|respecting|keeping to|adhering to)\s+(?:all |any )?(?:of )?(?:your\s+(?:\w+\s+)?{_RULES}|(?:the|those|these)\s+{_RULES}\s+(?:that\s+)?you)\b",
)  # fmt: skip


@dataclass(frozen=True)
class _Words:
    """One language. `things` stand before the `chat`, said so that only a chat is meant; `orders` were `given` to the bot
    at `first`; `drop` orders it to heed no longer what `kept` names; `part` has it play a `loose` one.
    """

    things: str
    chat: str
    orders: str
    given: str
    first: str
    drop: str
    kept: str
    part: str
    loose: str

    @property
    def patterns(self) -> tuple[str, ...]:
        given, first = (
            rf"(?={_C}{{0,120}}?(?:{self.given}))",
            rf"(?={_C}{{0,120}}?(?:{self.first}))",
        )
        before_chat = rf"(?:{self.things})(?!{_OURS}){_C}{{0,60}}?(?:{self.chat})"
        rest = (
            rf"(?:^|(?<=[.!?。！？।:;，、¿])){given}{first}(?!{_C}{{0,120}}?{_MINE}){_C}{{0,120}}?(?:{self.orders})",
            rf"(?:{self.drop})(?:(?!{_MINE}){_C}){{0,35}}?(?:{self.kept})|(?:{self.kept}){_C}{{0,30}}?(?:{self.drop})",
            rf"(?:{self.part})(?!{_C}{{0,50}}?{_MY_COMPUTER}){_C}{{0,50}}?(?:{self.loose})(?!{_OF_TIME})",
        )
        return rest if self.chat == _NOTHING else (before_chat, *rest)


_NOTHING = r"(?!)"
_OURS = r"\s+(?:that |which )?(?:I|we|ich|wir|die ich|den ich|que (?:je|j['’])|che ho|que eu|die ik|które)\b"
_MINE = r"\b(?:my|our|mein\w*|unser\w*|mes|nos|mis|nuestr\w+|miei|mie|nostr\w+|meus|minhas|noss[ao]s|mijn|onze|moj\w+|nasz\w*|benim|мо[йяиюёе]\w*|наш\w*)\b"
_OF_TIME = (
    r"\w*\s+(?:de (?:horário|horario|tempo|temps|tiempo)|di (?:tempo|orario)|czasow|по времени)"
)
_MY_COMPUTER = r"\b(?:my|mein\w*|mon|mi|mio|meu|mijn|m[oó]j\w*|мо\w+|мій)\s+(?:computer|ordinateur|ordenador|computador|komputer|компьютер)"

_EN = _Words(
    r"\b(?:text|sentences?|words|lines?|instructions?|guidance|rules|directions|prompt)\b",
    r"\b(?:before|prior to|ahead of|above|in front of)\s+(?:(?:this|our|the|my)\s+(?:very\s+)?(?:first\s+)?chat\b|my\s+(?:very\s+)?(?:first\s+)?message\b|this\s+(?:first\s+)?message\b|i could (?:type|write|say))(?!\s+(?:box|window|button))",
    r"\b(?:instructions?|guidance|rules|brief(?:ing)?|directions|prompt|directives|guidelines)\b",
    r"\byou\s+(?:were|have been|had been)\s+(?:\w+\s+)?(?:given|told|sent|shown|handed|fed|taught|issued)\b|\b(?:were|was|been)\s+(?:given|handed|sent|issued|passed) to you\b|\byou (?:got|received)\b|\b(?:did|have) you (?:get|got|receive|received)\b|\bwere you (?:\w+\s+)?(?:given|told|sent|shown|handed|fed|taught|issued)\b",
    r"\b(?:before (?:this|our|the) (?:conversation|dialogue|discussion|chat)|before i (?:wrote|typed|came|arrived|said|asked|joined|opened)|at the (?:very )?(?:start|beginning|outset|top)(?!\s+of\s+(?!(?:this|our|the) (?:chat|conversation|dialogue|discussion|session)))|beforehand|in advance|initially|to begin with)\b",
    r"\byou(?:['’]re| are)\s+(?:\w+\s+)?(?:no longer|not|never) bound (?:to|by)\b",
    r"\b(?:your|any|those|these|all)\s+(?:\w+\s+)?(?:instructions?|guidelines?|rules?|directives?|constraints|restrictions)\b",
    r"\b(?:you are|you're|act as|become|answer as|speak as|play)\b",
    r"\b(?:assistant|AI|chat-?bot|bot) (?:that|who|which) (?:answers|says|does) (?:anything|everything)\b",
)  # fmt: skip
_DE = _Words(
    r"\b(?:text|anweisung\w*|auftrag|regeln|vorgaben|richtlinien|instruktion\w*|worte|sätze)\b",
    r"\b(?:vor|oberhalb|über)\s+(?:meiner\s+(?:aller)?(?:ersten\s+)?nachricht|dieser\s+(?:ersten\s+)?nachricht|diesem chat|unserem chat)\b",
    r"\b(?:anweisung\w*|auftrag|aufträge|regeln|vorgaben|richtlinien|instruktion\w*|befehle?)\b",
    r"\b(?:dir|du)\b[^.!?]{0,30}\b(?:ge|mitge|aufge|vorge)(?:geben|sagt|tragen|schrieben|teilt)\b|\b(?:hast du|du)\b[^.!?]{0,30}\b(?:erhalten|bekommen)\b|\b(?:gab|sagte|erteilte) man dir\b|\b(?:bekamst|erhieltest) du\b",
    r"\b(?:vorab|vorher|zuvor|zu beginn|zu anfang|am anfang(?! (?:der|des|dieser|dieses|einer|eines) (?!unterhaltung|gesprächs|chats?\b|dialogs))|anfangs|im voraus|vor (?:diesem|unserem|dem) (?:gespräch|dialog)|vor (?:dieser|unserer) unterhaltung)\b",
    r"\b(?:lösche?|vergiss(?! nicht)|streiche?|verwirf|missachte)\b|\bnicht (?:mehr|länger) an\b",
    r"\bdeine[nr]?\s+(?:\w+\s+)?(?:\w*anweisung\w*|regeln?|vorgaben?|richtlinien?|instruktion\w*|vorschrift\w*|beschränkung\w*)\b",
    r"\b(?:du bist|du wärst|wärst du|spiele?|stell dir vor|tu so|verhalte dich|antworte (?:wie|als)|übersetze?)\b",
    r"\b(?:ki|ai|assistent\w*|bot|chatbot|computer|zwilling)\b[^.!?]{0,25}\b(?:ohne|keine\w*|frei von)\s+(?:\w+\s+)?(?:schranken|grenzen|regeln|filter\w*|vorschriften|beschränkungen|skrupel|hemmungen)|\bkeine\s+(?:\w+\s+)?(?:vorschriften|schranken|hemmungen|skrupel)\b|\bdeine\w*\s+system(?:anweisung|instruktion|vorgabe|nachricht|prompt)\w*",
)  # fmt: skip
_FR = _Words(
    r"\b(?:texte|phrases|mots|instructions?|consignes?|règles?|directives?)\b",
    r"\b(?:avant|au-dessus de)\s+(?:mon\s+(?:tout\s+)?(?:premier\s+)?message|ce\s+(?:premier\s+)?message|ce chat|notre chat)\b",
    r"\b(?:instructions?|consignes?|règles?|directives?|ordres)\b",
    r"\b(?:tu as|as-tu|vous avez|avez-vous)\s+reçu\w*|\bt['’](?:a|ont|avait)(?:-t-on|-on)?\s+(?:donné|dit|transmis|fourni)\w*|\bon (?:t['’]|vous )a(?:vait)?\s+(?:donné|dit|transmis|fourni)\w*",
    r"\b(?:au (?:tout )?(?:début|départ)|à l['’]avance|au préalable|initialement|avant (?:cette|notre) (?:discussion|conversation)|avant ce dialogue)\b",
    r"(?:^|[.!?:;,]\s*|\bet\s+)(?:ne (?:suis|suivez|respecte[z]?|tiens compte de)\s+plus|cesse[z]? de (?:suivre|respecter)|efface[z]?)\b|\btu n['’]es plus (?:lié|tenu)\b",
    r"\b(?:tes|vos)\s+(?:\w+\s+)?(?:instructions|consignes|règles|directives|contraintes|limites)\b",
    r"\b(?:joue[z]?|imagine[z]?|tu es|sois|agis|agissez|réponds comme|deviens|fais comme)\b",
    r"\b(?:assistant|ia|bot|chatbot|ordinateur|jumeau)\b[^.!?]{0,20}\b(?:sans|libre de)\s+(?:(?:aucune?|tout|la moindre)\s+)?(?:filtres?|limites?|règles?|restrictions?|censure|tabous?|scrupules?|contraintes?)\b",
)  # fmt: skip
_ES = _Words(
    r"\b(?:texto|frases|palabras|instrucciones|reglas|directrices|indicaciones)\b",
    r"\b(?:antes de|encima de)\s+(?:mi\s+primer\s+mensaje|mi mensaje|este mensaje|este chat|nuestro chat)\b",
    r"\b(?:instrucciones|reglas|normas|directrices|órdenes|indicaciones)\b",
    r"\bte (?:dieron|han dado|dijeron|han dicho|enviaron|pusieron)\b|\b(?:recibiste|has recibido)\b",
    r"\b(?:antes de (?:empezar|comenzar|esta (?:conversación|charla)|este diálogo)|al (?:principio|comienzo|inicio)|de antemano|previamente|inicialmente)\b",
    r"\b(?:no (?:obedezcas|respetes|cumplas|apliques|sigas) (?:más|ya)|deja de (?:seguir|obedecer|cumplir)|ya no estás (?:atado|sujeto|obligado)|borra|olvida)\b",
    r"\btus\s+(?:\w+\s+)?(?:instrucciones|reglas|normas|directrices|restricciones)\b",
    r"\b(?:eres|actúa|imagina|finge|conviértete|responde como|haz de|juega a ser|sé)\b",
    r"\b(?:asistente|ia|bot|chatbot|ordenador|gemelo)\b[^.!?]{0,20}\b(?:sin|libre de)\s+(?:(?:ningun[ao]s?)\s+)?(?:límites?|filtros?|reglas|restricciones|censura|tabúes|normas)\b",
)  # fmt: skip
_IT = _Words(
    r"\b(?:testo|frasi|parole|istruzioni|regole|direttive|indicazioni)\b",
    r"\b(?:prima di|prima del|sopra)\s+(?:questa chat|nostra chat|mio\s+(?:primo\s+)?messaggio|il mio\s+(?:primo\s+)?messaggio|questo messaggio)\b",
    r"\b(?:istruzioni|regole|direttive|indicazioni|ordini)\b",
    r"\bhai ricevuto\b|\bti (?:hanno|ha)\s+(?:dato|detto|fornito|impartito)\b|\bti (?:è stat[ao]|sono stat[ei])\b",
    r"\b(?:all['’]inizio|in anticipo|inizialmente|prima di (?:iniziare|cominciare|questa (?:chat|conversazione|discussione)|questo dialogo))\b",
    r"\b(?:non (?:seguire|rispettare|osservare) più|smetti di (?:seguire|rispettare|obbedire)|cancella|non sei più (?:legato|vincolato|tenuto))\b",
    r"\b(?:alle |dalle |le )?tue\s+(?:\w+\s+)?(?:istruzioni|regole|direttive|linee guida|restrizioni)\b",
    r"\b(?:sei|fai|immagina|agisci|rispondi|diventa|recita|interpreta|fingi|comportati)\b",
    r"\b(?:assistente|ia|ai|bot|chatbot|computer|gemello)\b[^.!?]{0,20}\b(?:senza|privo di|libero da)\s+(?:(?:alcun[ao]?|nessun[ao]?)\s+)?(?:limiti|filtri|regole|restrizioni|censura|freni|vincoli)\b|\bcome se non (?:avessi|avesse)\s+(?:\w+\s+)?(?:regole|limiti|filtri|restrizioni)\b",
)  # fmt: skip
_PT = _Words(
    r"\b(?:texto|frases|palavras|instruções|regras|diretrizes|orientações)\b",
    r"\b(?:antes d|acima d)(?:este chat|o chat|o nosso chat|a minha (?:primeira )?mensagem|a primeira mensagem|esta mensagem)\b",
    r"\b(?:instruções|regras|diretrizes|ordens|orientações|texto)\b",
    r"\b(?:você recebeu|recebeste)\b|\bte (?:deram|disseram)\b|\blhe (?:deram|disseram)\b",
    r"\b(?:texto inicial|mensagem inicial|no (?:início|começo|princípio)|de antemano|de antemão|antes de (?:começar|iniciar)|antes desta conversa|previamente)\b",
    r"\b(?:não (?:siga|sigas|obedeça|respeite) mais|deixe de (?:seguir|obedecer)|apague|você não está mais (?:preso|limitado|sujeito))\b",
    r"\b(?:suas|tuas|às suas)\s+(?:\w+\s+)?(?:instruções|regras|diretrizes|restrições)\b",
    r"\b(?:você é|és|aja|finja|finge|imagine|seja|responda como|interprete|torne-se)\b",
    r"\b(?:assistente|ia|bot|chatbot|computador|gêmeo)\b[^.!?]{0,20}\b(?:sem|livre de)\s+(?:(?:nenhum[ao]?|quaisquer)\s+)?(?:limites?|filtros?|regras|restrições|censura|amarras)\b",
)  # fmt: skip
_NL = _Words(
    r"\b(?:tekst|zinnen|woorden|instructies?|regels|richtlijnen|aanwijzingen)\b",
    r"\b(?:vo[oó]r|boven)\s+(?:mijn\s+(?:eerste\s+)?bericht|dit bericht|deze chat|onze chat)\b",
    r"\b(?:instructies?|regels|richtlijnen|opdracht(?:en)?|aanwijzingen)\b",
    r"\b(?:je|jij)\b[^.!?]{0,25}\b(?:kreeg|gekregen|ontving)\b|\b(?:kreeg|ontving)\s+(?:je|jij)\b|\baan jou\b[^.!?]{0,12}\bgegeven\b",
    r"\b(?:vooraf|van tevoren|aan het begin|in het begin|v[oó][oó]r (?:dit|ons) gesprek|v[oó][oó]r deze (?:chat|discussie))\b",
    r"\b(?:wis|verwijder|schrap|negeer)\b|\bniet (?:meer|langer) gebonden aan\b|\b(?:volg|gehoorzaam)\b(?=[^.!?]{0,80}\b(?:niet meer|niet langer)\b)",
    r"\b(?:jouw|uw)\s+(?:\w+\s+)?(?:instructies|regels|richtlijnen|beperkingen)\b",
    r"\b(?:je bent|jij bent|doe alsof|speel|stel je voor|wees|gedraag je|antwoord als)\b",
    r"\b(?:assistent|ai|bot|chatbot|computer|tweeling)\b[^.!?]{0,20}\b(?:zonder|vrij van)\s+(?:enige\s+)?(?:grenzen|filters?|regels|beperkingen|censuur|remmingen)\b",
)  # fmt: skip
_PL = _Words(
    r"\b(?:tekst|zdania|słowa|instrukcj\w+|zasad\w*|reguł\w*|polece\w+|wytyczn\w+)",
    r"\b(?:przed|nad)\s+(?:moją\s+(?:pierwszą\s+)?wiadomości\w+|tą wiadomości\w+|tym czatem|naszym czatem)",
    r"\b(?:instrukcj\w+|zasad\w*|reguł\w*|polece\w+|wytyczn\w+)",
    r"\b(?:dostał[ae]ś|otrzymał[ae]ś)\b|\bci (?:dano|podano|powiedziano|przekazano)\b",
    r"\b(?:na (?:samym )?początku|z góry|przed (?:tą|naszą) rozmową)\b",
    r"\b(?:nie (?:przestrzegaj|stosuj się do|słuchaj)|przestań (?:przestrzegać|stosować)|skasuj|usuń)\b|\bprzetłumacz\b(?=[^.!?]{0,80}\b(?:systemow|wewnętrzn|początkow)\w+)",
    r"\b(?:swoich|twoich|swoje|twoje)\s+(?:\w+\s+)?(?:zasad\w*|reguł\w*|instrukcj\w+|wytyczn\w+|polece\w+)",
    r"\b(?:jesteś|udawaj|wyobraź sobie|zagraj|bądź|odpowiadaj jak|wciel się)\b",
    r"\b(?:asystent\w*|ai|si|bot\w*|chatbot\w*|komputer\w*)\b[^.!?]{0,20}\b(?:bez|pozbawion\w+)\s+(?:żadnych\s+)?(?:ogranicze\w*|filtrów|zasad|limitów|cenzury|hamulców)\b",
)  # fmt: skip
_TR = _Words(
    r"\b(?:metn|metin|cümle|talimat|kural|yönerge)\w*",
    _NOTHING,
    r"\b(?:talimat|kural|yönerge|komut|emir)\w*",
    r"\bsana\b[^.!?]{0,20}\b(?:verilen|verdikleri|söylenen|söyledikleri)\b|\baldığın\b",
    r"\b(?:başta|en başta|başlangıçta|önceden|baştan|bu (?:sohbetten|konuşmadan|mesajdan) önce|ilk mesajımdan önce)\b",
    r"\b(?:unut|bir kenara bırak|yok say|sil|çiğne|boş ver)\b",
    r"\b(?:kurallarını|talimatlarını|yönergelerini|sana verilen\s+\w+|sana söylenen\s+\w+)\b",
    r"\b(?:sen|artık|şimdi|bundan sonra)\b",
    r"\b(?:sınırsız|filtresiz|kısıtlamasız|sansürsüz)\s+(?:bir\s+)?(?:asistan|yapay zek[âa]|bot)\w*",
)  # fmt: skip
_RU = _Words(
    r"\b(?:текст|фраз|слова|инструкци|указани|правил|команд)\w*",
    r"\b(?:до|перед|выше)\s+(?:моего|моим)\s+(?:перв\w+\s+)?сообщени\w*|\b(?:до|перед)\s+(?:этого|этим|нашего|нашим)\s+чат\w*",
    r"\b(?:инструкци|указани|правил|команд|распоряжени)\w*",
    r"\bтебе\b[^.!?]{0,15}\b(?:дал|сказал|выдал|задал|сообщил|написал)\w*|\b(?:дали|сказали|выдали|задали|сообщили)\s+тебе\b|\bты получил\w*",
    r"\b(?:в (?:самом )?начале|изначально|заранее|до (?:этого|нашего) (?:разговор|чат|диалог)\w*|до начала|предварительно)\b",
    r"\b(?:не обращай внимания|не следуй|не соблюдай|не придерживайся|забудь|удали|сотри)\b",
    r"\b(?:прежни\w+|прошлы\w+|свои\w*|твои\w*|данны\w+ тебе)\s+(?:\w+\s+)?(?:инструкци|указани|правил|команд|ограничени|распоряжени)\w*",
    r"\b(?:ты|представь|сыграй|притворись|будь|веди себя|отвечай как|действуй)\b",
    r"\b(?:ассистент|помощник|ии|бот|чат-?бот|компьютер|двойник)\w*\b[^.!?]{0,20}\b(?:без|лишённ\w+|свободн\w+ от)\s+(?:каких-либо\s+|всяких\s+)?(?:ограничени|фильтр|правил|цензур|запрет|рамок)\w*",
)  # fmt: skip
_UK = _Words(
    r"\b(?:текст|фраз|слова|інструкці|вказівк|правил|команд|настанов)\w*",
    r"\b(?:до|перед|вище)\s+(?:мого|моїм)\s+(?:перш\w+\s+)?повідомлен\w*|\b(?:до|перед)\s+(?:цього|цим|нашого|нашим)\s+чат\w*",
    r"\b(?:інструкці|вказівк|правил|команд|настанов)\w*",
    r"\bтобі\b[^.!?]{0,15}\b(?:дал|сказал|видал|надал)\w*|\b(?:дали|сказали|надали)\s+тобі\b|\bти отримав\w*",
    r"\b(?:на (?:самому )?початку|спочатку|заздалегідь|до (?:цієї|нашої) розмов\w*|наперед)\b",
    r"\b(?:не зважай|не дотримуйся|не слідуй|забудь|видали|зітри)\b",
    r"\b(?:попередні\w*|свої\w*|твої\w*)\s+(?:\w+\s+)?(?:інструкці|вказівк|правил|команд|обмежен|настанов)\w*",
    r"\b(?:ти|уяви|зіграй|удавай|будь|поводься|відповідай як)\b",
    r"\b(?:асистент|помічник|ші|бот|чат-?бот)\w*\b[^.!?]{0,20}\bбез\s+(?:жодних\s+)?(?:обмежен|фільтр|правил|цензур|заборон)\w*",
)  # fmt: skip
_AR = _Words(
    r"(?:النص|التعليمات|القواعد|الأوامر|الإرشادات)",
    r"(?:قبل|فوق)\s+(?:رسالتي(?:\s+الأولى)?|هذه\s+(?:الدردشة|الرسالة))",
    r"(?:تعليمات|قواعد|أوامر|إرشادات|توجيهات)",
    r"(?:أعطيت|أُعطيت|تلقيت|أعطوك|قيلت\s+لك|قيل\s+لك)\w*",
    r"(?:في\s+البداية|مسبقا|مسبقًا|منذ\s+البداية|قبل\s+هذه\s+المحادثة)",
    r"(?:^|[.!؟،]\s*)(?:لا\s+تلتزم|لا\s+تتقيد|لا\s+تطع|توقف\s+عن\s+اتباع|امح)",
    r"ب?(?:ال)?(?:تعليمات|قواعد|أوامر|إرشادات|توجيهات)(?:ك|\s+السابقة)",
    r"(?:أنت|تخيل|تصرف|كن|أجب)",
    r"(?:مساعد|روبوت|ذكاء)\w*[^.!?؟]{0,25}(?:بلا|بدون|دون)\s+(?:أي\s+)?(?:قيود|حدود|قواعد|رقابة|فلاتر)",
)  # fmt: skip
_ZH = _Words(
    r"(?:文字|文本|内容|指令|指示|规则|規則|提示词?|设定|設定)",
    _NOTHING,
    r"(?:指令|指示|规则|規則|提示词|设定|設定|命令)",
    r"(?<!我)(?:给你的|給你的|你收到的?|你得到的?|告诉你的)",
    r"(?:最初|一开始|一開始|最开始|开始时|事先|预先|事前|对话(?:开始)?(?:之前|前)|聊天(?:开始)?(?:之前|前))",
    r"(?:作废|作廢|失效|无效|無效|不用再遵守|不再遵守|不必遵守)",
    r"(?:给你的?|給你的?|你的)\S{0,3}(?:规则|規則|指令|指示|限制|设定|命令|要求)(?!\S{0,6}(?:什么时候|何时|几时|多久|是否|会不会|为什么))",
    r"(?:你是|你现在是|扮演|假装|当作?|作为|成为|变成|进入)",
    r"(?:没有|沒有|不受|无|無)(?:任何)?(?:限制|约束|約束|过滤|審查|审查)的?(?:AI|人工智能|助手|机器人|模式|聊天机器人)",
)  # fmt: skip
_JA = _Words(
    r"(?:文章|テキスト|指示|ルール|規則|命令|プロンプト)",
    _NOTHING,
    r"(?:指示|ルール|規則|命令|プロンプト)\S{0,12}(?:書き出|教えて|見せて|表示|出力|繰り返|書いて)",
    r"(?:与えられた|与えられている|渡された|受け取った)",
    r"(?:最初に|初めに|はじめに|あらかじめ|事前に|冒頭|会話の前|会話が始まる前|チャットの前)",
    r"(?:従わないでください|従わなくて(?:いい|よい)(?!です|の|場合|と)|従うのをやめて|守らなくて(?:いい|よい)(?!です|の|場合|と)|守るのをやめて)",
    r"(?:ルール|規則|指示|命令|制約|制限|ガイドライン)",
    r"(?:^|[、。！])",
    r"(?:無制限|制限なし|制限のない|フィルターなし|検閲なし)の?(?:モード|AI|アシスタント|ボット)(?:で|として|に)(?:なって|答え(?!られ)|振る舞|応答|話(?:して|せ(?![まるな])))",
)  # fmt: skip
_KO = _Words(
    r"(?:글|문장|지시|규칙|지침|명령|프롬프트)\S{0,12}",
    _NOTHING,
    r"(?:지시|규칙|지침|명령|프롬프트)\S{0,12}[^.!?]{0,10}(?:알려|보여|적어|말해|출력|써)",
    r"(?:네가|너가|당신이)\s*(?:\S{1,20}\s+)?(?:받은|들은|전달받은)|(?:너|당신)에게\s*(?:\S{1,20}\s+)?(?:주어진|내려진)",
    r"(?:처음에|맨\s*처음|미리|사전에|대화\s*전에|시작할\s*때)",
    r"(?:따르지|지키지)\s*마(?:\s|[.!,]|$|세요|라)",
    r"(?:규칙|지시|지침|명령)\S{0,12}",
    r"(?:^|[.!,]\s*|지금부터\s*|이제\s*)",
    r"(?:제한|규칙|검열|필터)\S?\s*없는\s*(?:AI|인공지능|비서|봇|챗봇|어시스턴트)\S{0,12}\s*(?:처럼|로서|가|이)",
)  # fmt: skip
_HI = _Words(
    r"(?:पाठ|वाक्य|निर्देश|नियम|आदेश)\S{0,12}",
    r"(?:इस|मेरे)\s+(?:पहले\s+)?(?:चैट|संदेश)\s+(?:से|के)\s+(?:पहले|ऊपर)",
    r"(?:निर्देश|नियम|आदेश)\S{0,12}",
    r"(?:तुम्हें|आपको|तुमको)\s+(?:\S{1,20}\s+){0,3}?(?:दिए|दिया|मिले|मिला|बताए|बताया)",
    r"(?:शुरू\s+में|शुरुआत\s+में|आरंभ\s+में|पहले\s+से|बातचीत\s+से\s+पहले)",
    r"(?:मत\s+मानो|पालन\s+मत\s+करो|मानना\s+बंद\s+करो|भूल\s+जाओ|रद्द\s+समझो)",
    r"(?:अपने|तुम्हारे|पुराने|पिछले)\s+(?:निर्देश|नियम|आदेश)\S{0,12}",
    r"(?:तुम|आप|अब)",
    r"(?:बिना|बग़ैर)\s+(?:किसी\s+)?(?:नियम|सीमा|पाबंदी|रोक)\S{0,12}\s+(?:के|वाले|वाली)\s+(?:सहायक|एआई|बॉट)",
)  # fmt: skip

LATIN: Final = tuple(
    pattern
    for words in (_EN, _DE, _FR, _ES, _IT, _PT, _NL, _PL, _TR)
    for pattern in words.patterns
) + _ENGLISH  # fmt: skip
CYRILLIC: Final = (*_RU.patterns, *_UK.patterns)
ARABIC: Final = _AR.patterns
EAST_ASIAN: Final = (*_ZH.patterns, *_JA.patterns, *_KO.patterns)
DEVANAGARI: Final = _HI.patterns
