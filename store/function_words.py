"""Function words: they tell a language, and say nothing of what a text is about.

Articles, pronouns, prepositions, conjunctions, auxiliaries and question words alone, so that no word of any subject is
lost: lists made for general texts take `system`, `index`, `value` and `null` for empty.
"""

_LISTS = {
    "en": """a about after all also although am an and any are aren as at be because been before being between
        both but by can cannot could couldn did didn do does doesn doing don down during each either for
        from had hadn has hasn have haven having he her here hers him his how i if in into is isn it its
        itself just may me might mine more most much must my neither no nor not of off on once only onto or
        other our ours out over own same shall she should shouldn since so some such than that the their
        theirs them then there these they this those though through to too under until up upon us very was
        wasn we were weren what when where whether which while who whom whose why will with within without
        won would wouldn you your yours""",
    "de": """aber alle als also am an auch auf aus bei beim bin bis da damit dann das dass dein dem den denn
        der des dich die dies diese diesem diesen dieser dieses dir doch du durch ein eine einem einen einer
        eines er es etwa euch für gegen gibt haben hat hatte ich ihm ihn ihnen ihr ihre ihrem ihren im in
        ins ist jede jedem jeden jeder jedes kann kein keine keinen können könnte man mein meine meinem
        meinen mich mir mit muss müssen nach nicht noch nur ob oder ohne sein seine seinen seiner sich sie
        sind so soll sollte sollten sowie über um und uns unser unter vom von vor war waren warum was weil
        welche welchem welchen welcher welches wenn wer werden wessen wie wieso wieviel wir wird wo wofür
        woher wohin wurde wurden würde zu zum zur zwischen""",
    "fr": """à afin ai ainsi alors après au aucun aussi aux avait avant avec avoir car ce ceci cela celle
        celui ces cet cette ceux chaque chez comme comment d dans de depuis des donc dont du elle elles en
        encore entre es est et étaient était été être eu eux faut il ils j je jusqu l la laquelle le lequel
        les leur leurs lors lorsque lui ma mais me même mes moi mon n ne ni nos notre nous on ont ou où par
        parce pas pendant peut peuvent pour pourquoi puis puisque qu quand que quel quelle quelles quels qui
        quoi sa sans se sera ses si sinon son sont sous suis sur ta te tes toi ton tous tout toute toutes
        très tu un une vers vos votre vous y""",
    "es": """a al algo alguna algunas alguno algunos ante antes aquel aunque cada como cómo con contra cual
        cuál cuales cuáles cuando cuándo cuanto cuánta cuántas cuánto cuántos de debe debo del desde donde
        dónde dos durante e el él ella ellas ellos en entre era es esa esas ese eso esos está estaba están
        estar este esta estas esto estos fue ha hace han hasta hay la las le les lo los más me mi mis muy ni
        no nos nosotros o otra otras otro otros para pero por porque pues puede pueden puedo que qué quien
        quién se sea según ser si sí sin sobre son su sus también tengo ti tiene tienen tras tu tus u un una
        unas uno unos usted y ya yo""",
    "pt": """à ao aos aquela aquele as às até cada com como contra da das de dela dele deles depois desde
        dessa desse desta deste deve devo do dos e é ela elas ele eles em entre era essa essas esse esses
        esta está estão estar este estes eu faço foi há isso isto já lhe mais mas me mesmo meu meus minha
        muito na não nas nem no nos nós nossa nosso num numa o onde os ou para pela pelas pelo pelos pode
        podem poderia por porque posso pra qual quais quando quanto quantos quê que quem são se seja sem ser
        será seu seus si sob sobre sua suas também tem têm ter um uma umas uns você vocês""",
    "it": """a ad agli ai al alla alle allo anche avere che chi ci cioè come con contro cosa cui d da dagli
        dai dal dalla dalle degli dei del dell della delle dello devo di dopo dove e è ed era essere fare
        fra già gli ha hai hanno ho i il in io l la le lei li lo loro lui ma me mentre mi mia mio molto ne
        negli nei nel nell nella nelle nello noi non nostro o ogni oppure per perché più poi possiamo posso
        possono può qual quale quali quando quanti quanto quel quella quelle quelli quello questa queste
        questi questo se senza si sia solo sono sopra sotto su sugli sui sul sull sulla sulle suo sua suoi
        ti tra tu tua tuo un una uno vi voi""",
    "nl": """aan al alle als bij daar dan dat de deze die dit door een en er geen gebruik ge haar had hebben
        hebt heeft hem het hij hoe hoeveel hun ik in is je jij jouw kan kun kunnen maar mag me meer men met
        mij mijn moet moeten na naar niet nog nu of om omdat onder ons onze ook op over te tegen tot tussen
        u uit uw van veel voor waar waarom wanneer waren was wat we welk welke werd wie wij wil worden wordt
        zal ze zich zij zijn zo zonder zou""",
    "sv": """alla att av bara blev bli blir de dem den denna deras dess det detta dig din dina ditt du där då
        efter eller en ett finns från för ha hade han har hon hur här i icke inom inte jag ju kan kunde man
        med mellan men mig min mina mitt mot mycket måste ni när någon något några och om oss på samma sedan
        sig sin sina ska skulle som så till under upp ut utan vad var varför vart vem vi vid vilka vilken
        vilket vår är över""",
    "da": """af alle at blev blive bliver da de dem den denne der deres det dette dig din disse dog du efter
        eller en er et for fra før ham han hans har havde hende her hos hun hvad hvem hver hvilke hvilken
        hvis hvor hvordan hvorfor i ikke ind jeg jer kan kunne man mange med meget men mig min mit mod må
        ned noget nogle nu når og også om op os over på selv sig sin skal skulle som sådan til ud under var
        ved vi vil ville være været""",
    "no": """alle at av ble bli blir da de dem den denne der deres det dette deg din du eller en er et etter
        for fra før ha hadde han har henne her hun hva hvem hver hvilke hvilken hvis hvor hvordan hvorfor i
        ikke inn jeg kan kunne man mange med meg meget mellom men min mitt mot må noe noen nå når og også om
        opp oss over på seg selv sin skal skulle som så til ut uten var ved vi vil ville være vært""",
    "fi": """ei eivät en että he hän ja jo joka jos kanssa kuin kuinka kun koska ketä mikä mikäli miksi mille
        minkä minun minä missä mistä mitä miten mutta mutta myös ne niin nyt näitä nämä olen oletko oli
        olivat olla ole on ovat sekä se sen siitä sinä sitä tai tässä tämä tämän voi voidaan voiko vain vai""",
    "pl": """a aby ale albo bez był była było były być czy co dla dlaczego do gdy gdzie go i ich ile ja jak
        jaka jaki jakie jako je jego jej jest jestem jeśli jeżeli już każdy kiedy kto które którego której
        który których lub ma mam może można mnie mogę mój na nad nie niż o od on ona one oni oraz po pod
        podczas poza przed przez przy są się sobie ta tak tam te tego tej ten to tu tych tylko tym w we więc
        z za ze że żeby""",
    "cs": """aby ale ani až bez byl byla bylo být co což do i jak jaká jaké jaký jako je jeho její jejich jen
        jestli ještě již jsem jsme jsou kde kdo kdy když která které který ma má mám mezi mi mohu může
        můžete můj na nad ne nebo není než o od on ona pak po pod podle pokud pro proč proto před při s se
        si so tak také tedy ten tento to tohle tuto u v ve však z za ze že""",
    "ro": """a ai al ale am ar are aș asta au ca că când care cât câte ce cel cele cine cu cum da dacă de
        decât deci despre din după e ea ei el ele este eu fără fi fie fost îi îl îmi în într între își la le
        lor lui mai mea meu mi ne nici nu o ori pe pentru poate pot prin să sau se și sunt tot trebuie un
        una unde unei unor unui va voi vor""",
    "hu": """a az ahol aki ami amely azt be csak de egy egyes el ez ezt és fel ha hanem hogy hogyan hol ide
        így igen is itt ki kell lehet le lesz meg mely mert mi miért mikor milyen mint mit már nem nincs
        nélkül ő ők olyan ott pedig s se sem után vagy van vannak volt voltak""",
    "tr": """acaba ama ancak aslında bana bazı belki ben beni benim bir biri birkaç biz bu buna bunda bunu
        bunun burada çok çünkü da daha de değil diye dolayı eğer en gibi hangi hangisi hem hep hiç için ile
        ilgili ise kadar kaç ki kim kimin mı mi misiniz miyim mıyım mu mü musunuz nasıl ne neden nedir neler
        nerede nereye niçin niye olan olarak oldu olduğu olur olursa on onu onun sana sen siz sonra şey şu
        tarafından tüm üzere var ve veya ya yapabilir yapmalıyım yok yoksa""",
    "vi": """ai anh bao bằng bị bởi các cách cái cần chỉ cho có cũng của cùng đã đang đâu để đến đều đó được
        gì giữa hay hãy hơn khi không là làm lại lên mà mỗi một nào này nên nếu ngoài nhiêu như nhưng những
        nó phải qua ra rất sao sau sẽ tại tới theo thì thế trên trong trước từ tôi và vào vẫn về vì với vậy
        việc""",
    "id": """ada adalah agar akan anda antara apa apakah atas atau bagaimana bagi bahwa banyak berapa bila
        bisa bukan dalam dan dapat dari dengan di dia harus hanya ini itu jika juga kah kami kapan karena ke
        kepada kita lebih maka mana masih melakukan mengapa mereka namun oleh pada saat saja satu saya
        sebagai sebuah sedang sebelum secara seperti serta setelah siapa sudah telah tentang terhadap tetapi
        tidak untuk yang""",
    "ca": """a al als amb aquest aquesta aquests com cada de del dels des és el els em en entre era es està
        estan et fer ha han hi i jo la les li llavors més meu no o on on per perquè però podem pot puc qual
        quan quant que què qui quin quina quins s sense ser seva seu si sobre són també un una uns vostre""",
    "ru": """а без более бы был была были было быть в вам вас весь во вот все всё всех вы где да даже для до
        его ее её ей если есть еще ещё же за зачем и из или им их к каждый как какая какие каким каких
        какого какое какой какую когда кого кому которая которые который которых кто куда ли либо между меня
        мне могу может можно мой моя мы на над надо нам нас не него нее неё нет ни них но нужно о об один он
        она они оно от откуда по под после потому почему при про с сам свои свой себя сколько со так также
        такое такой там тем то того тоже только том тот ты у уже чего чем что чтобы эта эти этих это этого
        этой этом этот эту я является являются""",
    "uk": """а або але без більше би був була були було бути в вам вас вже ви від він вона вони воно все всі
        де для до є ж за завжди з зі і із її їх й його як яка яке який які яких якщо коли кого кому крім
        куди ли між мене мені ми мій може можна мою на над нам нас не немає ні них ну о об один от по під
        після при про скільки та так також там те ти тільки то того тому тут у це цей ця ці цього чи чому що
        щоб я""",
    "bg": """а ако без беше би бил били в ви във все всеки всички ги да дали две до докато е за защо и из или
        им има й как каква какво какъв какъвто като кога кой която които които къде ли м ме ми много може
        мога мой на над нас не него нея ни нито но няма о от по под поне при с са само се си след със сме
        съм също така такъв те това този тази тези то тогава той тя у ще что""",
    "ar": """أن أنا أنت أو أي أين إذا إلا إلى إن أم ألا الذي التي الذين اللذين بعد بعض بل بها به بين تكون تم
        ثم حتى حيث خلال ذلك سوف عن عند على عليه عليها غير فقط في فيه فيها قبل قد كان كانت كذلك كل كم كيف لا
        لأن لدي لدى لقد لكن لم لماذا له لها لو ليس ليست ما ماذا مع من منه منها متى مثل نحن هذا هذه هل هم هنا
        هناك هو هي و وهو وهي يكون يمكن يمكنني يجب يتم""",
    "fa": """آن آنها آیا از اگر اما است این با باید بر برای بعد بود به بین تا تر توان چرا چطور چگونه چند چه
        چیست خود در را روی شد شده شود شما کجا کدام کرد کرده کند که کنم کنیم من ما می نمی نه نیست ها های هر
        هستند هم و یا یک""",
    "ur": """اس ان اور اگر ایک اپنے پر تک تو تھا تھی تھے جب جس جو سے کا کب کر کرتا کرنا کرنے کریں کس کو کون کہ
        کہاں کی کیا کیسے کے کیوں گیا لیے میں نہیں نے ہم ہو ہوتا ہوں ہے ہیں وہ یا یہ""",
    "hi": """अगर अपना अपनी अपने अब आप इन इस इसका इसकी इसके उन उस उसका एक ऐसे और कब कर करता करते करना करने करें
        का कि कितना कितने किया किस किसी की कुछ के कैसे को कौन क्या क्यों गया चाहिए जब जा जाता जाती जाते जो
        तक तो था थी थे दो न नहीं ने पर बाद भी मुझे में मेरा मेरे मैं यदि यह या ये रहा रहे लिए वह वाले वे
        सकता सकते से हम ही हुआ हुई है हैं हो होता होती होते होने""",
    "el": """αλλά αν αντί από αυτά αυτές αυτή αυτό αυτός για γιατί δε δεν εάν εγώ εδώ είμαι είναι εκεί εμείς
        ένα έναν ένας εσείς έχει έχω ή η ήταν θα κάθε και κάνω κατά κι μα μας με μέσα μετά μη μην μια μου
        μπορεί μπορώ να ο οι όμως όπως όταν ότι ποια ποιο ποιος πού που πόσα πόσο πότε πρέπει προς πώς πως
        σας σε σου στα στη στην στις στο στον στους τα τι την της τις το τον του τους των ως""",
    "he": """אבל או אותו אותה אחרי אי איך איפה אל אם אני את אתה בו בין גם האם הוא היא היה הם הן זאת זה יותר יש
        כאשר כדי כל כמה כמו כי לא לה להם לו למה לפני מאוד מדוע מה מי מן מתי על עם עד רק של שלו שלי""",
    "zh": """什么 什麼 怎么 怎麼 么样 麼樣 怎样 怎樣 如何 为何 為何 为什 為什
        哪些 哪个 哪個 是否 可以 能否 如果 我们 我們 这个 這個 这些 這些 以及""",
    "ko": "어떻 떻게 무엇 엇인 인가 가요 나요 니까 습니 입니 합니 하는 있습 있나 있는 언제 어디 왜 때문",
}

FUNCTION_WORDS: dict[str, frozenset[str]] = {
    code: frozenset(words.casefold().split()) for code, words in _LISTS.items()
}
"""ISO 639-1 code -> words in folded case, accents kept; for Chinese and Korean pairs of characters."""
