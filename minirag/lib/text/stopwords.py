"""Plain function words by language (ISO 639-1): articles, pronouns, prepositions, auxiliaries, question words.

They serve twice: `analysis` leaves them out of the index, and `languages` counts them to tell languages apart.
A form that is also a common content word is left out on purpose, so it stays searchable ("us", French "été").
"""

from __future__ import annotations

from typing import Final

_WORDS: Final[dict[str, str]] = {
    "en": """
        a about above after again against all am an and any are aren as at be because been before being
        below between both but by can could couldn d did didn do does doesn doing don down during each few
        for from further had hadn has hasn have haven having he her here hers herself him himself his how
        i if in into is isn it its itself just ll m me more most mustn my myself no nor not now of off on
        once only or other our ours ourselves out over own re s same shan she should shouldn so some such
        t than that the their theirs them themselves then there these they this those through to too under
        until up ve very was wasn we were weren what when where which while who whom why will with won
        would wouldn you your yours yourself yourselves""",
    "de": """
        aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes auch
        auf aus bei beim bin bis bist da damit dann das dass dasselbe daß dazu dein deine deinem deinen
        deiner dem den denn der derer des dessen deshalb die dies diese diesem diesen dieser dieses dir
        doch dort du durch ein eine einem einen einer eines einig einige einigen einiger er es etwas euch
        euer eure für gegen gewesen hab habe haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr
        ihre ihrem ihren ihrer ihres im in indem ins ist ja jede jedem jeden jeder jedes jene jenem jenen
        jener jenes jetzt kann kannst können könnte kein keine keinem keinen keiner machen man manche
        manchem manchen mancher mein meine meinem meinen meiner mich mir mit muss musste nach nicht nichts
        noch nun nur ob oder ohne sehr seid seine seinem seinen seiner seines selbst sich sie sind so
        solche solchem solchen solcher soll sollte sondern sonst über um und uns unser unsere unserem
        unseren unserer unter viel vom von vor wann war waren warst warum was weil welche welchem welchen
        welcher welches wem wen wenn wer werde werden wessen wie wieder will wir wird wirst wo wofür woher
        wohin wollen wollte würde würden während zu zum zur zwar zwischen""",
    "fr": """
        a ai aient ainsi alors après as au aucun aucune aussi autre aux avais avait avant avec avez avoir
        avons c car ce ceci cela celle celles celui ces cet cette ceux chaque chez combien comme comment d
        dans de depuis des donc dont du elle elles en encore entre es est et eu eux être furent fut il ils
        j je jusqu l la le les leur leurs lors lorsque lui m ma mais me mes moi mon même n ne ni nos notre
        nous on ont ou où par parce pas pendant peut peuvent plus pour pourquoi qu quand que quel quelle
        quelles quels qui quoi s sa sans se sera seront ses si soit son sont sous sur t ta te tes toi ton
        tous tout toute toutes très tu un une vers vos votre vous y à étaient était étant êtes""",
    "es": """
        a al algo algunas algunos ante antes aquel aquella aquellos así aunque cada como con contra cual
        cuales cuando cuál cuáles cuándo cuánta cuántas cuánto cuántos cómo de del desde donde durante
        dónde e el ella ellas ellos en entre era eran eres es esa esas ese eso esos esta estaba estado
        estar estas este esto estos está están estoy fue fueron ha había han has hasta hay he la las le
        les lo los me mi mis mucho mucha muchos muy más mí nada ni no nos nosotros nuestra nuestras
        nuestro nuestros o os otra otras otro otros para pero poco por porque puede pueden puedo que quien
        quienes qué quién se sea según ser si sido sin sobre sois somos son soy su sus suya suyo sí
        también tanto te tengo tiene tienen tenía ti todo todos todas tu tus tuvo tú un una unas uno unos
        y ya yo él""",
    "it": """
        a abbia abbiamo ad agli ai al alla alle allo anche ancora avere aveva avevano c che chi ci ciò
        cioè coi col come con contro così cosa cui d da dagli dai dal dall dalla dalle dallo degli dei del
        dell della delle dello di dopo dove dov due e ed era erano essere fa fino fra fu furono già gli ha
        hai hanno ho i il in io l la le lei li lo loro lui ma mentre mi mia mie miei mio molto ne negli
        nei nel nell nella nelle nello noi non nostra nostre nostri nostro o ogni oppure per perché però
        più poi può possono posso prima quale quali quando quant quanta quante quanti quanto quella quelle
        quelli quello questa queste questi questo qui se sei senza si sia siamo siano siete sono sta stata
        state stati stato su sua sue sugli sui sul sull sulla sulle suo suoi tra tu tua tue tuo tuoi tutti
        tutto un una uno vi voi vostra vostro è""",
    "nl": """
        aan al alle alles als altijd andere ben bent bij daar dan dat de der deze die dit doch doen door
        dus een eens en er ge geen geweest haar had hadden heb hebben heeft hem het hier hij hoe hoeveel
        hun iemand iets ik in is ja je jij jou jouw jullie kan kon kunnen kunt maar me meer men met mij
        mijn moet moeten na naar niet niets nog nu of om omdat ons onze ook op over reeds te tegen toch
        toen tot u uit uw van veel voor waar waarom wanneer want waren was wat we weer welk welke werd
        werden wezen wie wij wil worden wordt zal ze zelf zich zij zijn zo zonder zou zullen""",
    "pt": """
        a ainda ao aos apenas após aquela aquelas aquele aqueles aquilo as até cada com como contra da das
        de dela delas dele deles depois desde dessa desse desta deste do dos durante e ela elas ele eles
        em entre era eram essa essas esse esses esta estas estava este estes estou está estão eu foi foram
        fosse há isso isto já lhe lhes mais mas me mesmo meu meus minha minhas muito na nas nem no nos
        nossa nossas nosso nossos num numa não nós o onde os ou outra outro outros para pela pelas pelo
        pelos pode podem por porque posso quais qual quando quanta quantas quanto quantos que quem se seja
        sem ser seu seus será só sob sobre sua suas são também te tem tenho ter teu teve tinha todo todos
        tu tua têm um uma umas uns você vocês vos à às é""",
    "ca": """
        a al als amb aquell aquella aquest aquesta aquests això allò com cada de del dels des el ell ella
        ells els en entre era eren es estan està et fins ha han he hi ho i jo la les li llur lo més meu
        meva molt ni no nosaltres nostre o on per perquè però pel pels qual quals quan quant quina quines
        quin quins que què qui s se sense ser ses seu seus seva si sobre són sóc també tan te teu teva tot
        tots un una unes uns us va van vosaltres és""",
    "hr": """
        a ako ali bez bi bila bilo bih bio biti će čega čemu čija da do dok dva ga gdje hoće i ih ili im ima
        imam imaju imate iz iza ja je jedan jedna jedno jer jesam jeste jesu još kad kada kako kakav kakva kakvo
        kamo koga koja koje kojem koji kojih koju koliko kome kroz li me mene mi mogu može moj moja moje možemo
        možete mu na nad nakon nam nas naš naša ne nego neka neki nema nije ništa niti njega njen njih o od on
        ona oni ono ova ovaj ovo ovdje pa po pod pored prema pri prije s sa sam samo se si smo ste su sve svi
        svoj ta tada taj tako također te ti to tu u uz vam vas vaš vaša vaše već vi više za zašto zbog što""",
    "sk": """
        a aby aj ak ako aká aké aký ale alebo ani asi až bez bol bola boli bolo budú bude budem by byť cez či čo
        do ešte ho ich im iba ja je jeho jej keď kam kde kedy kto ktorá ktoré ktorí ktorý ku ma mám máte majú má
        mať medzi mi mne moja moje môj môže môžem môžete mu my na nad nám nás nie než no o od on ona oni po pod
        podľa pokiaľ pre pred pri prečo preto s sa sú si so som ste sme svoj ta tak takže tam táto tento tej ten
        tiež to toho tom túto ty u už v vám váš vaša vaše vás viac vo všetko vy z za zo že koľko""",
    "sl": """
        a ali ampak bi bil bila bilo biti bo bodo bom boste brez če čez da do dokler ga gre in iz ima imajo imam
        imate ja jaz je jih jim kaj kako kakšen kakšna kakšne kam kadar katera katere kateri katero kdaj kdo kje
        ker ki kjer ko koliko ko lahko le me med mene mi moj moja moje moram mu na nad naj nam nas naš ne nekaj
        ni nič niso njegov njen njih o ob od on ona oni ono pa po pod pred preko pri s sem se si sta ste smo so
        svoj ta tako tam te tega tem temu ter ti to tu tudi v vam vas vaš vaša vaše ve več vendar vi vse z za
        zakaj zaradi že""",
    "lt": """
        apie ar arba aš be bet bus būti buvo būtų čia dar dėl iki ir iš jei jeigu ji jie jis jos jų jo jums jūs
        jūsų kad kada kai kaip kas ko kodėl kokia kokie koks kol kuri kurie kuris kur kiek labai man mane mano
        mes mums mūsų mus ne nei nes nors nuo o per po prie prieš šis šie ši su ta tai taip tas tarp tik to
        todėl tu turi turite tuo už yra man ką kam kokį kokią kuo galima ant""",
    "lv": """
        ar arī bet bez bija būs būt caur dēļ es gan ja jau jo jūs jums jūsu ka kā kad kas kāda kāds kādi kur
        kura kuri kurš ko kam kāpēc katrs kopš lai līdz man mani mans manu mēs mums mūsu ne nē nav no nu pa par
        pār pēc pie pirms šeit savu savs tad tajā tas tā tāpēc to tu tur tikai un uz vai vairāk var varat vēl
        viņa viņi viņš vien zem cik ir esmu esat""",
    "et": """
        aga ainult alates all ega ehk ei et ette enne ja juba ju juures jah järel järgi ka kas kes kelle
        keda kuhu kui kuidas kuni kus kust kõik läbi ma mida mille milline millised millal miks minu mina mind
        mis mulle mul me meie meid nad ning neid nii nende oli olid olema olen oled on ole oma palju peale pole
        pärast sa saab saan saate see seda selle selles seal siia siin siis sind sinu sina ta teda teid teie
        teil te tema üle või välja veel vaid kaua""",
    "ga": """
        a ach ag agus an ar as atá bhfuil bhí bheidh cad cathain cá cé céard cén conas chun dá de den do don dom
        duit faoi féin fhéidir gach gan go gur i idir is sé sí siad sin seo mar mé mise mo na nach ní níl nó nuair
        ó ón os raibh roimh romham tá táim tú tusa thar trí um fúm linn leat leis le liom againn agam agat againne
        anseo ansin arís bíonn""",
    "mt": """
        u jew li lil tal ta il l minn mill fil fi fuq bil bi għal għall għandi għandek għandkom għandu kont huwa
        hija huma jien int intom aħna dan din dawn dak dik meta fejn kif kemm x xi xiex min liema għaliex mhux ma
        mhijiex hemm hawn biex ukoll imma jekk wara qabel bejn kull iktar aktar nista tista jista tistgħu nistgħu
        tiegħi tiegħek tagħkom tagħna tiegħu se qed kien kienet hu hi""",
    "ro": """
        a acea aceasta această acest aceste acestei acestui acești ai al ale am ar are aș au avea că cea
        ce cei cel cele celor cine cum când care cărei cărui cu câte câți cât dacă de deci din după dar
        doar ea ei el ele era erau este eu face fi fie fost fără iar îl îi îmi în își între la le lor lui
        mai mea meu mult mă ne nici noi nostru nu o or ori pe pentru peste prin sa sale sau se si sunt sub
        să său și tot toate toți tu un una unde unei unor unui voi vor vostru""",
    "sv": """
        alla allt att av bara blev bli blir de dem den denna deras dess dessa det detta dig din dina ditt
        du där då efter ej eller en er era ett från för ha hade han hans har henne hennes hon honom hur
        här hos i icke ingen inom inte jag ju kan kunde man med mellan men mig min mina mitt mot mycket ni
        nu när någon något några och om oss på samma sedan sig sin sina sitt själv skall ska skulle som så
        sådan till under upp ut utan vad var vara varför varje vart vem vems vi vid vilka vilken vilket
        vill än är åt över""",
    "da": """
        ad af alle alt anden at blev blive bliver da de dem den denne der deres det dette dig din dine
        disse dit du efter eller en end er et for fordi fra få får før han hans har havde have hende
        hendes her hos hun hvad hvem hver hvilke hvilken hvilket hvis hvor hvordan hvorfor hvornår i ikke
        ind jeg jer jo kan kunne man mange med meget men mig min mine mit mod må ned noget nogle nogen nu
        når og også om op os over på selv sig sin sine sit skal skulle som sådan thi til ud under var ved
        vi vil ville vor være været""",
    "no": """
        alle at av bare begge ble blei bli blir da de deg dei dem den denne der dere deres det dette di
        din disse ditt du eller en enn er et ett etter for fordi fra få før ha hadde han hans har henne
        hennes her hos hun hva hvem hver hvilke hvilken hvilket hvis hvor hvordan hvorfor i ikke ingen inn
        ja jeg kan kom kunne man mange med meg meget mellom men mer mi min mine mitt mot mye må nå når ned
        noe noen og også om opp oss over på samme seg selv sin sine sitt skal skulle slik som så til um
        under ut uten var vart ved vi vil ville vår være vært å""",
    "fi": """
        ei eivät emme en ennen ettei että et ette he heidän heille heitä hän häneen hänelle hänen häntä
        hänet ja jo joiden joka joita jonka jos joskus jossa josta jota jotka jotta kaikki kanssa keiden
        keitä kenelle kenen ketkä ketä koska kuin kuinka kuka kun kunnes me meidän meille meitä mikä mihin
        miksi milloin millainen minkä minun minut minua minulle minä missä mistä miten mitkä mitä mukaan
        mutta myös ne niiden niin niitä noin nuo nyt näiden nämä näitä ole olemme olen olet olette oli
        olimme olin olisi olit olivat olla olleet ollut on onko ovat paljonko sekä se sen siellä siinä
        siitä sille sillä sinun sinä sitten sitä tai te teidän teille teitä tuo tähän tälle tämä tämän
        tässä tästä tätä vaan vai vaikka vain voi voiko voin yli""",
    "pl": """
        a aby ale albo bardzo bez bo być był była były było będzie będą ci co czy czyli dla do gdy gdzie
        go i ich ile im inne iż ja jak jaka jaki jakie jakich jako je jego jej jest jestem jeszcze jeśli
        jeżeli już ją każdy kiedy kogo komu kto która które którego której który których którzy lub ma
        mają mam mi między mnie może można mu my na nad nam nas nasz nasza nasze nie nic niż o od on ona
        one oni oraz po pod ponieważ poza przed przez przy się są ta tak także tam te tego tej ten to tu
        ty tych tylko tym u w wam was we więc wszystkie wszystko z za ze że żeby""",
    "cs": """
        a aby ale ani ano asi až bez bude budou by byl byla byli bylo být co což či dnes do ho i já jak
        jaká jaké jaký jako je jeho jej její jejich jen jenž jestli ještě ji již jsem jsi jsme jsou jste k
        kam kde kdo kdy když kolik která které který kteří ke ma mají mezi mi mne mnou může my má mám na
        nad nám náš ne nebo není než nic o od on ona oni ono pak po pod podle pokud pouze pro proč proto
        protože před při s se si své svůj ta tak také tam tato te tedy ten tento této tím to toho tohoto
        tom tu ty u už v vám vás váš ve více však všechny vy z za ze že""",
    "hu": """
        a abban ahhoz ahogy aki akik amely amelyek amelyet ami amit arra az azok azon azt azért be benne
        csak de e egy egyes egyik el előtt én és ez ezek ezen ezt ezért fel ha hanem hány hogy hogyan hol
        honnan hová ide igen is itt ki kell kit legyen lehet lesz lett maga majd már még meg melyik mennyi
        mert mi miért mikor milyen minden mint mit mivel most más nagyon ne nekem nem nincs ők ő olyan
        össze s sem semmi számára szerint számos tehát te ti több tud után utolsó úgy vagy vagyok van
        vannak volt voltak volna által át""",
    "tr": """
        acaba ama ancak artık aslında az bana bazı belki ben benden beni benim bile bir biri birkaç biz
        bize bizi bizim bu buna bunda bundan bunlar bunları bunu bunun burada çok çünkü da daha de defa
        değil diye dolayı eğer en fakat gibi hangi hem hep hepsi her hiç için ile ilgili ise işte kadar
        kaç karşı ki kim kimin kimse mi mu mü mı nasıl ne neden nedir nerede nereye niçin niye o olan
        olarak oldu olduğu olduğunu olur on ona ondan onlar onları onu onun orada oysa pek rağmen sadece
        sana sen seni senin siz size sizi sizin sonra şey şu şunu tarafından tüm ve veya ya yani yapılan
        yerine yine yoksa zaten nin nın nun nün""",
    "id": """
        ada adalah agar akan anda antara apa apakah atau bagaimana bagi bahwa bagaimanakah beberapa belum
        berapa bila bisa bukan dalam dan dapat dari dengan di dia hanya harus hingga ini itu jika juga
        kami kamu kapan karena ke kepada ketika kita lagi lain lalu lebih maka mana masih mengapa mereka
        namun oleh pada para per saat saja sampai sangat saya sebagai sebelum sebuah secara sedang sejak
        seperti serta setelah siapa sudah suatu tak tanpa telah tentang terhadap tersebut tetapi tidak
        untuk yaitu yang""",
    "vi": """
        anh ai bao bạn bị bởi cho chúng chỉ có các cái cách còn của cùng cũng do đã đang đâu để đến đó
        được gì hay khi không là lại lên mà một mình mỗi nào này nên nếu người nhiều như những nhưng nhiêu
        ở qua ra rất rằng sao sau sẽ sự tại tôi thì theo thế trên trong trước từ và vào vẫn vì về với vậy""",
    "ru": """
        а без более бы был была были было быть в вам вас ваш ваша ваше ваши вдруг ведь во вот все всего
        всех всю всё вы где да даже два для до другой его ее ей ему если есть еще ещё её ж же за и из или
        им их к как какая какие какой каков какое когда кого ко кто куда ли лучше между меня мне много
        может можно мой мы на над надо наш наша не него нее ней нельзя нет ни них но ну о об один он она
        они оно от по под после потом потому почему при про раз с сам свой свою себя сейчас сколько со так
        такой там тебя тем теперь то тогда того тоже только том тот ту ты у уж уже хоть чего чем через что
        чтоб чтобы чья чьи эта эти этих это этого этой этом этот эту я""",
    "uk": """
        а або але без би був була були було бути в вам вас ваш ви від він вона вони воно все всі де для до
        є же з за зі і із інших його її їй їм їх й коли ким кого кому котрий ми на нас наш не ні ніж о об
        один по після при про та так також там те теж ти тим то той тому тут у хто це цей ця ці цього цих
        чи чого чому що щоб як яка який які якщо якого скільки якої я""",
    "bg": """
        а аз ако ала без беше бил била били било бъде в вас ваш ви все всички във где да дали до докато е
        един една едно за и из или им има как каква какво какъв като кога когато кой която което които
        колко към къде ли ме между ми много може на над най нас не него нея ни но о от по под при през с
        са само се си след сме сте съм със също така такъв те ти то това този тази тези тя у че ще я""",
    "el": """
        αλλά αν από αυτά αυτές αυτή αυτό αυτοί αυτός αυτών για γιατί δε δεν εγώ είμαι είναι είστε εκείνη
        εκείνο εκείνος εμείς ένα ένας εσείς εσύ έχει έχουν έχω η ή ήταν θα και κάθε κατά κι μα με μεν μετά
        μέσα μη μην μια μία μου μας να ο οι όλα όμως όπου όπως όταν όχι όσο ότι ου παρά ποια ποιο ποιοι
        ποιος πού που πόσο πόσα πρέπει προς πώς πως σαν σας σε στη στην στις στο στον στους στα τα την της
        τι τις το τον του τους των τότε τώρα ως""",
    "ar": """
        إذ إذا إلا إلى الا التي الذي الذين الى ألا أم أما أن أنا أنت أنه أنها أو أى أي أين أيضا إن إنه
        إنما بأن بعد بعض بل بها به بهذا بين بينما تلك ثم حتى حول حيث حين خلال دون ذلك سوف على عليه عليها
        عن عند عندما غير ف فقد فى في فيه فيها فهو قبل قد كان كانت كل كما كم كيف كيفية لا لأن لدى لقد لكن
        لم لما لماذا لن له لها لهم لو ليس ما ماذا مع من منذ منه منها مما متى نحن نعم هذا هذه هل هم هن هنا
        هناك هو هي و وقد وكان ولا وهو وهي يا يكون يمكن""",
    "fa": """
        آن آنها از است اما اگر ای این اینکه با باید بر برای بود بودن بوده به بی تا تر چرا چند چه چون چگونه
        خود دارد در را دیگر کجا کدام کرد کرده کند که کی ما من می مورد نمی نه نیز نیست ها های هر هم همه هیچ
        و وی پس یا یک شد شده شود شما او""",
    "hi": """
        अपना अपनी अपने अब आदि आप इन इनका इन्हें इस इसका इसकी इसके इसमें इसे उन उनका उनकी उनके उन्हें उस
        उसका उसकी उसके उसे एक एवं ऐसे और कई कब कर करता करते करना करने कहाँ कहा का कि कितना कितनी कितने किन
        किस किसी किसे की कुछ के को कोई कौन कौनसा क्या क्यों गई गए गया जब जहाँ जा जाता जाती जाते जिन जिस
        जिसे जैसे जो तक तब तथा तो था थी थे दिया दो द्वारा न नहीं ने पर फिर बहुत बाद भी मगर मुझे मेरा मेरी
        में मैं यदि यह यहाँ या ये रहा रहे रही लिए ले लेकिन व वह वहाँ वाला वाली वाले वे सकता सकते सब साथ से
        हम हमारे ही हुआ हुई हुए है हैं हो होता होती होते होना""",
    "he": """
        אבל או אחרי איך איפה אל אלא אם אנחנו אני אף את אתה אתם ב בין בלי גם ה הוא היא היה היו היתה הם הן
        זאת זה זו יש כי כל כמה כמו כן לא לאן לה להם לו לי לך ליד לפני למה מ מאוד מה מי מתי מן עד עוד על עם
        רק ש של שלה שלו שלי שם""",
}

STOP_WORDS: Final[dict[str, frozenset[str]]] = {
    language: frozenset(words.split()) for language, words in _WORDS.items()
}
