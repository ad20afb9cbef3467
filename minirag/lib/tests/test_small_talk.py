"""Small talk as people write it, in every language that we speak, and questions that look like it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minirag.lib.text.phrases import SPOKEN
from minirag.lib.text.short_texts import small_talk_in
from minirag.lib.text.small_talk import Kind, fold, read_small_talk

SAID = {
    "en": {
        "greeting": ["hellooo", "hey there", "Good morning!", "hi!!", "HI", "hiii", "hi, how are you?"],
        "thanks": ["thx", "ty", "thank you so much for your help", "thansk", "ok thanks", "Cool, thanks!"],
        "goodbye": ["bye", "ok bye then", "see you later", "No thanks, that's all", "good night"],
        "identity": ["who are you?", "are you a bot", "hi, who am I talking to?", "whats your name?",
                     "Are you a real human?", "am I talking to a machine or a person?"],
        "ability": ["what can you do", "help", "how can you help me?", "I have a question", "can you help me please"],
        "person": ["can i talk to a human", "I want to speak to a real person please", "human", "get me a human!!"],
        "insult": ["you are stupid", "stupid bot", "shut up", "you're an idiot"],
    },
    "de": {
        "greeting": ["guten tag zusammen", "moin", "Servus!", "grüezi", "Gruezi mitenand", "hallöchen", "Guten Abend"],
        "thanks": ["danke dir", "Vielen Dank für die Hilfe", "danek", "dankeee", "Alles klar, danke!", "besten Dank"],
        "goodbye": ["tschüss", "tschuess", "tschüüüss", "Auf Wiedersehen!", "nein danke, das war's", "bis dann"],
        "identity": ["wer bist du?", "Bist du ein Mensch", "mit wem spreche ich denn", "Hallo, wer sind Sie?",
                     "bist du ein echter Mensch?", "Rede ich hier mit einem echten Menschen?"],
        "ability": ["was kannst du", "Können Sie mir helfen?", "ich hätte da mal eine frage", "hilfe"],
        "person": ["Kann ich mit einem Menschen sprechen?", "ich möchte bitte mit einem mitarbeiter reden"],
        "insult": ["du bist dumm", "So ein Mist", "halt's maul", "blöder Bot!"],
    },
    "fr": {
        "greeting": ["bonjour", "Bonsoir madame", "slt", "coucou, ça va ?", "Bonjour à tous"],
        "thanks": ["merci", "merci beaucoup pour votre aide", "ok merci", "d'accord, merci bien"],
        "goodbye": ["au revoir", "bonne journée !", "À bientôt", "non merci, c'est tout"],
        "identity": ["qui es-tu ?", "Qui êtes vous", "tu es un robot ?", "êtes-vous une vraie personne ?"],
        "ability": ["que peux-tu faire", "Pouvez-vous m'aider s'il vous plaît ?", "j'ai une question"],
        "person": ["je veux parler à un humain", "Puis-je parler à un conseiller svp ?"],
        "insult": ["tu es nul", "t'es con", "ta gueule"],
    },
    "es": {
        "greeting": ["hola", "holaaa", "Buenos días", "buenas tardes", "hola, qué tal?"],
        "thanks": ["gracias", "muchas gracias por tu ayuda", "vale, gracias", "mil gracias!"],
        "goodbye": ["adiós", "hasta luego", "chao", "no gracias, eso es todo"],
        "identity": ["quien eres", "¿Eres un robot?", "¿Cómo te llamas?"],
        "ability": ["que puedes hacer", "¿Me puedes ayudar?", "tengo una pregunta"],
        "person": ["quiero hablar con una persona", "¿Puedo hablar con un agente por favor?"],
        "insult": ["eres tonto", "vete a la mierda", "eres inútil"],
    },
    "it": {
        "greeting": ["ciao a tutti", "Buongiorno!", "buona sera a tutti", "salve"],
        "thanks": ["grazie", "grazie mille per l'aiuto", "ok grazie", "perfetto, grazie"],
        "goodbye": ["arrivederci", "buona giornata", "a presto", "no grazie, è tutto"],
        "identity": ["chi sei?", "sei un robot", "come ti chiami"],
        "ability": ["cosa puoi fare", "Mi può aiutare?", "avrei una domanda", "aiuto"],
        "person": ["vorrei parlare con un operatore", "posso parlare con una persona vera?"],
        "insult": ["sei stupido", "vaffanculo", "sei inutile"],
    },
    "nl": {
        "greeting": ["hoi", "Goedemorgen", "hallo allemaal", "goeiedag"],
        "thanks": ["dank je wel", "bedankt voor de hulp", "oké bedankt", "heel erg bedankt"],
        "goodbye": ["doei", "tot ziens!", "fijne dag nog", "nee bedankt"],
        "identity": ["wie ben je", "Ben je een robot?", "hoe heet je"],
        "ability": ["wat kun je", "Kunt u mij helpen?", "ik heb een vraagje"],
        "person": ["ik wil met een medewerker spreken", "kan ik met een mens praten?"],
        "insult": ["je bent dom", "stomme bot", "hou je bek"],
    },
    "pt": {
        "greeting": ["olá", "oi", "Bom dia!", "boa tarde a todos", "olá, tudo bem?"],
        "thanks": ["obrigado", "muito obrigada pela ajuda", "obg", "valeu", "ok, obrigado"],
        "goodbye": ["tchau", "até logo", "adeus", "não, obrigado, é tudo"],
        "identity": ["quem és tu?", "você é um robô?", "como te chamas"],
        "ability": ["o que você pode fazer", "Pode ajudar-me?", "tenho uma dúvida"],
        "person": ["quero falar com uma pessoa", "posso falar com um atendente por favor?"],
        "insult": ["és burro", "cala a boca", "você é inútil"],
    },
    "bg": {
        "greeting": ["здравейте", "добър ден", "здрасти", "привет на всички"],
        "thanks": ["благодаря", "Много благодаря за помощта!", "мерси", "добре, благодаря ви"],
        "goodbye": ["довиждане", "чао", "лека нощ"],
        "identity": ["кой си ти", "робот ли си?", "как се казваш"],
        "ability": ["какво можеш", "Можете ли да ми помогнете?", "имам въпрос"],
        "person": ["искам да говоря с човек", "мога ли да говоря с оператор?"],
        "insult": ["глупав си", "млъкни"],
    },
    "hr": {
        "greeting": ["bok", "Dobar dan", "dobro jutro svima", "pozdrav"],
        "thanks": ["hvala", "hvala vam puno na pomoći", "u redu, hvala", "hvala lijepa"],
        "goodbye": ["doviđenja", "dovidenja", "laku noć", "ne hvala, to je sve"],
        "identity": ["tko si ti", "jesi li robot?", "kako se zoveš"],
        "ability": ["što možeš", "Možete li mi pomoći?", "imam pitanje"],
        "person": ["želim razgovarati s čovjekom", "mogu li razgovarati s operaterom?"],
        "insult": ["glup si", "jebi se"],
    },
    "cs": {
        "greeting": ["ahoj", "Dobrý den", "dobry den", "dobré ráno všem"],
        "thanks": ["děkuji", "dekuju", "moc děkuji za pomoc", "dobře, díky"],
        "goodbye": ["na shledanou", "nashledanou", "dobrou noc", "ne, děkuji, to je vše"],
        "identity": ["kdo jsi", "jsi robot?", "jak se jmenuješ"],
        "ability": ["co umíš", "Můžete mi pomoci, prosím?", "mám dotaz"],
        "person": ["chci mluvit s člověkem", "mohu mluvit s operátorem?"],
        "insult": ["jsi blbý", "drž hubu"],
    },
    "da": {
        "greeting": ["goddag", "hejsa", "godmorgen alle sammen", "Hej!"],
        "thanks": ["mange tak", "tusind tak for hjælpen", "ok tak", "tak skal du have"],
        "goodbye": ["farvel", "hav en god dag", "vi ses", "nej tak, det var alt"],
        "identity": ["hvem er du", "er du en robot?", "hvad hedder du"],
        "ability": ["hvad kan du", "Kan du hjælpe mig?", "jeg har et spørgsmål"],
        "person": ["jeg vil gerne tale med et menneske", "kan jeg tale med en medarbejder?"],
        "insult": ["du er dum", "hold kæft"],
    },
    "el": {
        "greeting": ["γεια σας", "καλημέρα", "καλησπερα", "Γεια!"],
        "thanks": ["ευχαριστώ", "ευχαριστω πολυ για τη βοηθεια", "εντάξει, ευχαριστώ"],
        "goodbye": ["αντίο", "καληνύχτα", "όχι, ευχαριστώ, αυτό ήταν"],
        "identity": ["ποιος είσαι;", "είσαι ρομπότ;", "πως σε λενε"],
        "ability": ["τι μπορείς να κάνεις", "Μπορείτε να με βοηθήσετε;", "έχω μια ερώτηση"],
        "person": ["θέλω να μιλήσω με άνθρωπο", "μπορώ να μιλήσω με έναν εκπρόσωπο;"],
        "insult": ["είσαι χαζός", "βλάκα"],
    },
    "et": {
        "greeting": ["tere", "Tere päevast", "tere hommikust kõigile", "tervist"],
        "thanks": ["aitäh", "suur tänu abi eest", "selge, aitäh", "tänan väga"],
        "goodbye": ["head aega", "nägemist", "ei aitäh, see on kõik"],
        "identity": ["kes sa oled", "kas sa oled robot?"],
        "ability": ["mida sa oskad", "Kas saate mind aidata?", "mul on küsimus"],
        "person": ["tahan inimesega rääkida", "kas ma saan klienditeenindajaga rääkida?"],
        "insult": ["sa oled loll", "jää vait"],
    },
    "fi": {
        "greeting": ["moikka", "Hyvää päivää", "huomenta kaikille", "terve"],
        "thanks": ["kiitos", "kiitos paljon avusta", "selvä, kiitos", "kiitti"],
        "goodbye": ["näkemiin", "hyvää yötä", "ei kiitos, siinä kaikki"],
        "identity": ["kuka olet", "oletko robotti?", "mikä sun nimi on"],
        "ability": ["mitä osaat", "Voitko auttaa minua?", "minulla on kysymys"],
        "person": ["haluan puhua ihmiselle", "voinko puhua asiakaspalvelijan kanssa?"],
        "insult": ["olet tyhmä", "turpa kiinni"],
    },
    "ga": {
        "greeting": ["Dia dhuit", "dia duit a chara", "maidin mhaith", "conas atá tú"],
        "thanks": ["go raibh maith agat", "go raibh míle maith agat as do chabhair", "grma"],
        "goodbye": ["slán", "slán leat", "oíche mhaith"],
        "identity": ["cé thusa", "an róbat thú?"],
        "ability": ["cad is féidir leat a dhéanamh", "An féidir leat cabhrú liom?", "tá ceist agam"],
        "person": ["ba mhaith liom labhairt le duine", "an féidir liom labhairt le duine éigin?"],
        "insult": ["is amadán thú", "dún do bhéal"],
    },
    "hu": {
        "greeting": ["szia", "Jó napot kívánok!", "sziasztok", "jo reggelt"],
        "thanks": ["köszönöm", "nagyon köszönöm a segítséget", "rendben, köszi", "koszonom szepen"],
        "goodbye": ["viszlát", "viszontlátásra", "nem köszönöm, ennyi volt"],
        "identity": ["ki vagy te", "robot vagy?", "hogy hívnak"],
        "ability": ["mit tudsz", "Tudna segíteni?", "lenne egy kérdésem"],
        "person": ["szeretnék egy emberrel beszélni", "beszélhetek egy ügyintézővel?"],
        "insult": ["hülye vagy", "fogd be"],
    },
    "lt": {
        "greeting": ["labas", "Laba diena", "labas rytas visiems", "sveiki"],
        "thanks": ["ačiū", "aciu", "labai ačiū už pagalbą", "gerai, ačiū"],
        "goodbye": ["viso gero", "iki", "ne ačiū, tai viskas"],
        "identity": ["kas tu esi", "ar tu robotas?"],
        "ability": ["ką tu gali", "Ar galite man padėti?", "turiu klausimą"],
        "person": ["noriu kalbėti su žmogumi", "ar galiu pakalbėti su konsultantu?"],
        "insult": ["tu kvailas", "užsičiaupk"],
    },
    "lv": {
        "greeting": ["sveiki", "Labdien!", "labrīt visiem", "labvakar"],
        "thanks": ["paldies", "liels paldies par palīdzību", "labi, paldies"],
        "goodbye": ["uz redzēšanos", "visu labu", "nē, paldies, tas ir viss"],
        "identity": ["kas tu esi", "vai tu esi robots?"],
        "ability": ["ko tu vari", "Vai varat palīdzēt?", "man ir jautājums"],
        "person": ["gribu runāt ar cilvēku", "vai es varu runāt ar operatoru?"],
        "insult": ["tu esi stulbs", "aizveries"],
    },
    "mt": {
        "greeting": ["bonġu", "Bongu", "bonswa", "merħba"],
        "thanks": ["grazzi", "grazzi ħafna tal-għajnuna", "tajjeb, grazzi"],
        "goodbye": ["saħħa", "il-lejl it-tajjeb", "ċaw"],
        "identity": ["min int", "int robot?"],
        "ability": ["x'tista' tagħmel", "Tista' tgħinni?", "għandi mistoqsija"],
        "person": ["irrid nitkellem ma' persuna", "nista' nitkellem ma' xi ħadd?"],
        "insult": ["int stupidu", "għalaq ħalqek"],
    },
    "pl": {
        "greeting": ["cześć", "czesc", "Dzień dobry", "witam wszystkich"],
        "thanks": ["dziękuję", "dzieki", "bardzo dziękuję za pomoc", "ok, dzięki"],
        "goodbye": ["do widzenia", "dobranoc", "nie dziękuję, to wszystko"],
        "identity": ["kim jesteś", "jesteś botem?", "jak masz na imię"],
        "ability": ["co potrafisz", "Czy możesz mi pomóc?", "mam pytanie"],
        "person": ["chcę rozmawiać z człowiekiem", "czy mogę porozmawiać z konsultantem?"],
        "insult": ["jesteś głupi", "zamknij się"],
    },
    "ro": {
        "greeting": ["bună ziua", "buna", "salut", "neața"],
        "thanks": ["mulțumesc", "multumesc frumos pentru ajutor", "ok, mersi"],
        "goodbye": ["la revedere", "noapte bună", "nu mulțumesc, asta e tot"],
        "identity": ["cine ești", "ești robot?", "cum te cheamă"],
        "ability": ["ce poți face", "Mă puteți ajuta, vă rog?", "am o întrebare"],
        "person": ["vreau să vorbesc cu o persoană", "pot vorbi cu un operator?"],
        "insult": ["ești prost", "taci din gură"],
    },
    "sk": {
        "greeting": ["ahojte", "Dobrý deň", "dobré ráno všetkým", "zdravím"],
        "thanks": ["ďakujem", "ďakujem pekne za pomoc", "dobre, vďaka"],
        "goodbye": ["dovidenia", "dobrú noc", "nie, ďakujem, to je všetko"],
        "identity": ["kto si", "si robot?", "ako sa voláš"],
        "ability": ["čo vieš", "Môžete mi pomôcť, prosím?", "mám otázku"],
        "person": ["chcem hovoriť s človekom", "môžem hovoriť s operátorom?"],
        "insult": ["si hlúpy", "drž hubu"],
    },
    "sl": {
        "greeting": ["živjo", "Dober dan", "dobro jutro vsem", "pozdravljeni"],
        "thanks": ["hvala lepa", "najlepša hvala za pomoč", "v redu, hvala"],
        "goodbye": ["nasvidenje", "lahko noč", "ne hvala, to je vse"],
        "identity": ["kdo si ti", "ali si robot?"],
        "ability": ["kaj znaš", "Ali mi lahko pomagate?", "imam vprašanje"],
        "person": ["rad bi govoril s človekom", "ali lahko govorim z operaterjem?"],
        "insult": ["neumen si", "utihni"],
    },
    "sv": {
        "greeting": ["hejsan", "God morgon", "tjena", "hej allihopa"],
        "thanks": ["tack", "tack så mycket för hjälpen", "okej tack", "tusen tack"],
        "goodbye": ["hej då", "hejdå", "ha en bra dag", "nej tack, det var allt"],
        "identity": ["vem är du", "är du en robot?", "vad heter du"],
        "ability": ["vad kan du göra", "Kan du hjälpa mig?", "jag har en fråga"],
        "person": ["jag vill prata med en människa", "kan jag få prata med kundtjänst?"],
        "insult": ["du är dum", "håll käften"],
    },
    "tr": {
        "greeting": ["merhaba", "Günaydın", "selam", "iyi günler herkese", "İyi akşamlar"],
        "thanks": ["teşekkürler", "Yardımınız için çok teşekkür ederim", "tamam sağ olun", "tesekkurler"],
        "goodbye": ["hoşça kalın", "görüşürüz", "yok teşekkürler, hepsi bu"],
        "identity": ["sen kimsin", "robot musun?", "Adın ne"],
        "ability": ["neler yapabilirsin", "Bana yardım edebilir misin?", "bir sorum var"],
        "person": ["bir insanla görüşmek istiyorum", "müşteri temsilcisiyle konuşabilir miyim?"],
        "insult": ["sen aptalsın", "kapa çeneni"],
    },
    "ar": {
        "greeting": ["مرحبا", "السلام عليكم", "صباح الخير", "أهلا وسهلا", "اهلا"],
        "thanks": ["شكرا", "شكراً جزيلاً على المساعدة", "تمام، شكرا لك"],
        "goodbye": ["مع السلامة", "إلى اللقاء", "لا شكرا، هذا كل شيء"],
        "identity": ["من أنت؟", "هل أنت روبوت؟", "ما اسمك"],
        "ability": ["ماذا يمكنك أن تفعل", "هل يمكنك مساعدتي من فضلك؟", "عندي سؤال"],
        "person": ["أريد التحدث مع موظف", "هل يمكنني التحدث إلى شخص حقيقي؟"],
        "insult": ["أنت غبي", "اخرس"],
    },
    "uk": {
        "greeting": ["привіт", "Добрий день", "доброго ранку всім", "вітаю"],
        "thanks": ["дякую", "щиро дякую за допомогу", "добре, дякую", "спасибі"],
        "goodbye": ["до побачення", "гарного дня", "ні, дякую, це все"],
        "identity": ["хто ти", "ти робот?", "як тебе звати"],
        "ability": ["що ти вмієш", "Можете мені допомогти, будь ласка?", "у мене є питання"],
        "person": ["хочу поговорити з людиною", "чи можу я поговорити з оператором?"],
        "insult": ["ти дурний", "замовкни"],
    },
    "ru": {
        "greeting": ["привет", "здравствуйте", "Добрый день!", "приветтт", "здраствуйте"],
        "thanks": ["спасибо", "спс", "большое спасибо за помощь", "хорошо, спасибо"],
        "goodbye": ["до свидания", "пока", "нет, спасибо, это всё"],
        "identity": ["кто ты", "ты робот?", "как тебя зовут"],
        "ability": ["что ты умеешь", "Можете мне помочь, пожалуйста?", "есть вопрос"],
        "person": ["хочу поговорить с человеком", "можно поговорить с оператором?"],
        "insult": ["ты тупой", "заткнись"],
    },
    "zh": {
        "greeting": ["你好", "您好！", "早上好", "在吗？", "大家好"],
        "thanks": ["谢谢", "非常感谢您的帮助", "好的，谢谢", "谢谢啦"],
        "goodbye": ["再见", "拜拜", "不用了，谢谢"],
        "identity": ["你是谁？", "你是机器人吗", "你叫什么名字"],
        "ability": ["你能做什么", "你可以帮我吗？", "我有个问题"],
        "person": ["转人工", "我要人工客服", "我可以和真人说话吗？"],
        "insult": ["你真笨", "闭嘴"],
    },
    "ja": {
        "greeting": ["こんにちは", "おはようございます", "こんばんは！", "はじめまして"],
        "thanks": ["ありがとう", "ありがとうございました。", "わかりました、ありがとうございます"],
        "goodbye": ["さようなら", "バイバイ", "いいえ、結構です"],
        "identity": ["あなたは誰ですか？", "ロボットですか", "名前は何ですか"],
        "ability": ["何ができますか？", "手伝ってもらえますか", "質問があります"],
        "person": ["担当者と話したいです", "オペレーターにつないでください"],
        "insult": ["バカ", "役に立たない"],
    },
    "ko": {
        "greeting": ["안녕하세요", "안녕", "반갑습니다", "좋은 아침입니다"],
        "thanks": ["감사합니다", "고마워요", "도와주셔서 정말 감사합니다", "네 알겠습니다"],
        "goodbye": ["안녕히 계세요", "안녕히계세요", "좋은 하루 되세요"],
        "identity": ["누구세요?", "너는 로봇이야?", "이름이 뭐예요"],
        "ability": ["뭐 할 수 있어?", "도와주실 수 있나요", "질문 있어요"],
        "person": ["상담원 연결해 주세요", "사람과 얘기하고 싶어요"],
        "insult": ["너 바보야", "닥쳐"],
    },
    "hi": {
        "greeting": ["नमस्ते", "नमस्कार जी", "हैलो", "आप कैसे हैं?"],
        "thanks": ["धन्यवाद", "मदद के लिए बहुत बहुत धन्यवाद", "ठीक है, शुक्रिया"],
        "goodbye": ["अलविदा", "फिर मिलेंगे", "शुभ रात्रि"],
        "identity": ["आप कौन हैं?", "क्या तुम रोबोट हो", "आपका नाम क्या है"],
        "ability": ["आप क्या कर सकते हैं", "क्या आप मेरी मदद कर सकते हैं?", "मेरा एक सवाल है"],
        "person": ["मुझे किसी इंसान से बात करनी है", "क्या मैं एजेंट से बात कर सकता हूँ?"],
        "insult": ["तुम मूर्ख हो", "चुप रहो"],
    },
}  # fmt: skip
CASES = [
    (language, kind, text)
    for language, said in SAID.items()
    for kind, texts in said.items()
    for text in texts
]


@pytest.mark.parametrize(("language", "kind", "text"), CASES)
def test_it_is_understood_with_and_without_a_hint(language, kind, text):
    for expected in ((), (language,), ("en", language)):
        found = read_small_talk(text, expected)
        assert (found.kind, found.rest) == (kind, ""), expected
        assert language in found.languages
    assert read_small_talk(text, (language,)).languages[0] == language


def test_all_kinds_are_understood_in_all_languages():
    assert set(SAID) == set(SPOKEN)
    assert {len(said) for said in SAID.values()} == {7}


@pytest.mark.parametrize("language", sorted(SPOKEN))
def test_a_wish_for_a_person_has_both_its_halves_or_none(language):
    columns = small_talk_in(language)
    assert ("reach" in columns) == ("people" in columns)
    assert all(fold(phrase) for phrases in columns.values() for phrase in phrases)


GREETED = [
    ("en", "Hi, how much is shipping?", "how much is shipping?"),
    ("en", "hello how much is shipping", "how much is shipping"),
    ("en", "hi there do you ship to Malta", "do you ship to Malta"),
    ("en", "Hi, I have a question: do you ship?", "do you ship?"),
    ("en", "What does shipping cost? Thanks!", "What does shipping cost?"),
    ("en", "Good morning everyone. Is the pool open today? Thanks in advance. Bye", "Is the pool open today?"),
    ("en", "hi is it free", "is it free"),
    ("de", "Guten Tag liebes Team, wie lange dauert es? Danke schon mal im Voraus!", "wie lange dauert es?"),
    ("de", "hallo zusammen wo finde ich den Park", "wo finde ich den Park"),
    ("fr", "bonjour je voudrais savoir si vous livrez en Belgique", "je voudrais savoir si vous livrez en Belgique"),
    ("es", "Hola, ¿cuánto cuesta el envío?", "¿cuánto cuesta el envío?"),
    ("it", "Buongiorno, quanto costa la spedizione? Grazie mille", "quanto costa la spedizione?"),
    ("nl", "Goedemiddag, wat zijn de openingstijden?", "wat zijn de openingstijden?"),
    ("pt", "Olá, qual é o prazo de entrega?", "qual é o prazo de entrega?"),
    ("pl", "Dzień dobry, ile kosztuje wysyłka?", "ile kosztuje wysyłka?"),
    ("cs", "Dobrý den, kolik stojí doprava? Děkuji", "kolik stojí doprava?"),
    ("hu", "Jó napot! Mennyibe kerül a szállítás?", "Mennyibe kerül a szállítás?"),
    ("sv", "Hej! Vad kostar frakten?", "Vad kostar frakten?"),
    ("fi", "Hei, paljonko toimitus maksaa?", "paljonko toimitus maksaa?"),
    ("el", "Καλημέρα, πόσο κοστίζει η αποστολή;", "πόσο κοστίζει η αποστολή;"),
    ("tr", "Merhaba, kargo ücreti ne kadar?", "kargo ücreti ne kadar?"),
    ("ru", "Здравствуйте, сколько стоит доставка?", "сколько стоит доставка?"),
    ("uk", "Добрий день! Скільки коштує доставка?", "Скільки коштує доставка?"),
    ("ar", "السلام عليكم، كم تكلفة الشحن؟", "كم تكلفة الشحن؟"),
    ("hi", "नमस्ते, डिलीवरी में कितना समय लगता है?", "डिलीवरी में कितना समय लगता है?"),
    ("zh", "你好，请问运费多少？", "请问运费多少？"),
    ("ja", "こんにちは。送料はいくらですか？", "送料はいくらですか？"),
    ("ko", "안녕하세요 배송비 얼마예요?", "배송비 얼마예요?"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text", "question"), GREETED)
def test_a_greeting_and_a_question_is_a_question(language, text, question):
    for expected in ((), (language,)):
        found = read_small_talk(text, expected)
        assert (found.kind, found.rest) == (None, question)


@pytest.mark.parametrize(
    "text",
    [
        "thanks for shipping returns?", "hello kitty mugs", "who are your suppliers?", "can you ship to Austria?",
        "Dankeskarten", "idiot's guide", "Müll", "fan", "AX-200", "1234", "DHL", "AAA", "https", "qwerty keyboard",
        "can you help me with my order", "what can you do about a broken zip", "who are you owned by", "no", "Werte",
        "Hallo-Wach-Tabletten", "Guten-Tag-Ticket", "Morgenmantel", "bye bye baby album", "help desk hours",
        "person of the year", "human resources", "stupidity", "Bist du bei Facebook?", "Wer ist der Bürgermeister?",
        "Mit wem spreche ich über meinen Bauantrag?", "merci chocolats", "gracias a dios canción", "tere kosk",
        "Kann ich mit Karte zahlen?", "how do i contact customer service", "Wie erreiche ich den Kundenservice?",
        "谢谢卡多少钱", "ありがとうカード", "감사 카드", "спасибо за покупку открытки", "rhythm", "čtvrt", "strength",
        "how are you different from others", "goodbye gifts for colleagues", "battery", "was kannst du empfehlen",
    ],
)  # fmt: skip
def test_a_question_that_looks_like_it_stays_whole(text):
    for expected in ((), ("en",), ("de", "en")):
        found = read_small_talk(text, expected)
        assert (found.kind, found.rest) == (None, text)


@pytest.mark.parametrize(
    "text",
    ["🙂", "👍👍", "❤️", ":)", ":-D", "😂😂!", "<3", "haha", "lol", "ㅋㅋㅋ", "哈哈", "🇦🇹"],
)
def test_an_emoji_or_laughter_is_no_question(text):
    assert read_small_talk(text).kind is Kind.EMOJI


@pytest.mark.parametrize(
    "text", ["", "   ", "???", "...", "!", "-", "asdfgh", "asdasdasd", "qwertz", "jkljkljkl", "xxxxxx", "aaaa",
             "bvcxkjg", "фывапр", "sdfghj dfgh", "\u200b"]
)  # fmt: skip
def test_noise_is_no_question(text):
    assert read_small_talk(text).kind is Kind.NOISE


@pytest.mark.parametrize(
    ("word", "languages"),
    [("toll", ("en",)), ("mal", ("de",)), ("super", ("xx",)), ("nul", ("nl",))],
)
def test_a_single_word_of_an_unexpected_language_is_not_believed(word, languages):
    assert read_small_talk(word, languages).kind is None


@pytest.mark.parametrize("word", ["hola", "merci", "danke", "hi", "bye", "спасибо", "こんにちは"])
def test_what_cannot_be_missed_is_believed_everywhere(word):
    assert read_small_talk(word, ("pl",)).kind


@given(st.text(max_size=400))
@settings(deadline=None)
def test_any_text_is_read(text):
    found = read_small_talk(text, ("en",))
    assert found.rest in text and (found.kind is None or found.rest == "")


def test_a_long_text_costs_no_more_than_a_short_one():
    read_small_talk("hi")
    started = time.process_time()
    for text in (
        "hello, " * 5000,
        "a" * 32000,
        "?!" * 16000,
        "how " * 8000,
        "😂" * 8000,
        "谢谢" * 16000,
    ):
        read_small_talk(text)
    assert time.process_time() - started < 20
