//! The words of statements: what introduces a letter, what may follow it, what
//! takes it back. Tables only; `commit.rs` and `hedge.rs` read them.
//!
//! Whatever is not in a table is no statement: an unknown phrase costs a
//! reward, a misread one would teach the policy to write it.

use std::sync::LazyLock;

use regex::Regex;

/// What stands directly before a letter, per language. Each pattern ends with a
/// verb or a colon: "the answer" alone introduces nothing.
const MARKERS: [&str; 25] = [
    // English.
    r#"(?:answer|(?:correct|right|best|final|my)\s+(?:option|choice|letter|alternative|response)|solution)(?:\s+(?:choice|option|letter))?(?:\s+(?:here|to\s+th(?:e|is)\s+question))?(?:\s+(?:is|must\s+be|should\s+be|has\s+to\s+be)(?:\s*:)?|\s*["'”]?\**\s*[:=])\**(?:\s*(?:therefore|thus|hence|clearly|definitely|certainly|indeed|simply|obviously|for\s+sure|then|the|option|choice|letter|alternative)\b)*"#,
    r"(?:i|we)(?:\s+(?:will|would)|['’](?:ll|d))?\s+(?:choose|chose|pick|select|go\s+with)(?:\s+(?:the|option|choice|letter)\b)*",
    // Chinese, simplified and traditional.
    r"(?:答案|正确(?:的)?选项|正確(?:的)?選項|最佳选项|结论)(?:应该|應該|应|應|就)?(?:\*\*)?\s*(?:(?:是|为|為|选择|選擇|选|選)\s*[:：]?|[:：])(?:\s*(?:选项|選項))?",
    r"(?:选择|選擇|选|選)\s*[:：]?(?:\s*(?:选项|選項))?",
    // Japanese.
    r"(?:答え|答|解答|正解|回答)(?:は|\s*[:：])(?:\s*選択肢)?",
    // Korean.
    r"(?:정답|답안|답)(?:은|\s*[:：])(?:\s*보기)?",
    // German.
    r"(?:antwort|lösung|richtige\s+option)(?:\s+(?:ist|lautet)(?:\s*:)?|\s*\**:)\**(?:\s+(?:also|daher|somit|option|buchstabe)\b)*",
    // French.
    r"(?:réponse|solution|bonne\s+option)(?:\s+(?:correcte|finale|exacte|juste))?(?:\s+est(?:\s*:)?|\s*\**:)\**(?:\s+(?:donc|la|le|lettre|option|choix)\b|\s+l['’]option\b)*",
    // Spanish.
    r"(?:respuesta|solución|opción\s+correcta)(?:\s+(?:correcta|final))?(?:\s+es(?:\s*:)?|\s*\**:)\**(?:\s+(?:la|letra|opción|entonces)\b)*",
    // Italian.
    r"(?:risposta|soluzione|opzione\s+corretta)(?:\s+(?:corretta|finale|esatta|giusta))?(?:\s+è(?:\s*:)?|\s*\**:)\**(?:\s+(?:quindi|la|lettera|opzione)\b|\s+l['’]opzione\b)*",
    // Portuguese.
    r"(?:resposta|solução|(?:alternativa|opção)\s+corr?eta)(?:\s+(?:corr?eta|certa|final))?(?:\s+é(?:\s*:)?|\s*\**:)\**(?:\s+(?:portanto|letra|alternativa|opção)\b|\s+a\s+(?:letra|alternativa|opção)\b)*",
    // Dutch.
    r"(?:antwoord|juiste\s+optie)(?:\s+(?:is|luidt)(?:\s*:)?|\s*\**:)\**(?:\s+(?:dus|optie)\b)*",
    // Polish.
    r"(?:odpowiedź|odpowiedzią)(?:\s+(?:to|jest)(?:\s*:)?|\s*\**:)\**(?:\s+(?:opcja)\b)*",
    // Swedish, Danish and Norwegian.
    r"(?:svaret|svar)(?:\s+(?:är|er)(?:\s*:)?|\s*\**:)\**(?:\s+(?:alternativ)\b)*",
    // Russian and Ukrainian.
    r"(?:ответ|верный\s+вариант|правильный\s+вариант|відповідь)(?:\s+(?:это|є)|\s*\**:|\s*[—–])\**(?:\s+(?:вариант|варіант|буква)\b)*",
    // Arabic.
    r"(?:الإجابة|الاجابة|الجواب)(?:\s+(?:الصحيحة|النهائية|الصحيح|النهائي))?(?:\s+(?:هي|هو)(?:\s*:)?|\s*\**:)\**(?:\s+(?:الخيار|الحرف))?",
    // Persian.
    r"(?:پاسخ|جواب|گزینه)(?:\s+(?:صحیح|درست|نهایی))?\s*\**:\**(?:\s+گزینه)?",
    // Hebrew.
    r"(?:התשובה|תשובה)(?:\s+(?:הנכונה|הסופית))?(?:\s+היא(?:\s*:)?|\s*\**:)\**",
    // Hindi.
    r"(?:सही\s+उत्तर|उत्तर|जवाब|सही\s+विकल्प)(?:\s+है(?:\s*:)?|\s*\**[:：]|\s+)\**(?:\s*विकल्प)?",
    // Bengali.
    r"(?:সঠিক\s+উত্তর|উত্তর)(?:\s+হল|\s+হলো|\s*\**[:：])\**",
    // Vietnamese.
    r"(?:đáp\s+án|câu\s+trả\s+lời)(?:\s+(?:đúng|chính\s+xác|cuối\s+cùng))?(?:\s+là(?:\s*:)?|\s*\**:)\**(?:\s+(?:phương\s+án)\b)*",
    // Turkish.
    r"(?:cevap|cevabı|yanıt|doğru\s+seçenek)(?:\s*\**:|\s+)\**(?:\s*(?:seçenek|şık)\b)*",
    // Indonesian and Malay.
    r"(?:jawabannya|jawaban|jawapan)(?:\s+(?:yang\s+)?(?:benar|tepat|betul|akhir))?(?:\s+(?:adalah|ialah)(?:\s*:)?|\s*\**:)\**(?:\s+(?:pilihan|opsi)\b)*",
    // Thai.
    r"คำตอบ(?:ที่ถูกต้อง|สุดท้าย)?(?:\s*คือ(?:\s*:)?|\s*[:：])(?:\s*(?:ข้อ|ตัวเลือก))?",
    // Greek.
    r"(?:απάντηση|σωστή\s+επιλογή)(?:\s+είναι(?:\s*:)?|\s*\**:)\**(?:\s+(?:η|το))?",
];

/// All markers, for a search through a whole answer.
pub(super) static MARKER: LazyLock<Regex> =
    LazyLock::new(|| compile(&format!("(?i)(?:{})", MARKERS.join("|"))));

/// What may follow a stated letter that has neither brackets nor a label mark.
pub(super) static FOLLOW: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r#"^(?:[ \t]*(?:[\r\n]|[.!,;。！，；।।)）\]}」』”’"'$|—–]|</|<\||\\[)\]]|-\s|[(（])"#,
        r"|\s+(?:(?:not|non|nicht|no|et\s+non)\s+[(（]?[A-Z]|rather|instead|",
        r"because|since|as|which|given|due|weil|da|denn|car|parce|puisque|porque|ya|pues|",
        r"perché|poiché|pois|omdat|want|ponieważ|eftersom|fordi|потому|так|поскольку|бо|لأن|زیرا|",
        r"vì|do|karena|kerana|çünkü|क्योंकि|है|است|olur|olacaktır|olmalıdır)(?:\P{L}|$)",
        r"|\s*(?:因为|因爲|因為|选项|選項|项|項|です(?:[^か]|$)|である|だ(?:[^ろ]|$)|になります|となります|",
        r"입니다|이다|예요|이에요|เพราะ)|['’]?(?:dır|dir|tır|tir)(?:\P{L}|$))",
    ))
});

/// What makes the letter before it the answer: "C is correct", "C가 정답".
pub(super) static SUFFIX: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r"^(?:\s+(?i:is|must\s+be)\s+(?:(?i:clearly|definitely|indeed|therefore|thus)\s+)?",
        r"(?:(?i:the)\s+)?(?:(?i:only)\s+)?(?i:correct|right|best)",
        r"(?:\s+(?i:answer|option|choice|one|response))?",
        r"|\s+ist\s+(?:die\s+)?richtig(?:e\s+(?:Antwort|Option|Lösung))?",
        r"|\s+est\s+(?:la\s+)?(?:bonne\s+réponse|correcte?|réponse\s+correcte)",
        r"|\s+es\s+(?:la\s+)?(?:respuesta\s+correcta|correcta)",
        r"|\s+è\s+(?:la\s+)?(?:risposta\s+)?(?:corretta|giusta)",
        r"|\s+é\s+a?\s*(?:resposta\s+)?(?:correta|certa)",
        r"|\s*(?:选项|選項|项|項)?\s*是?(?:正确|正確)(?:的)?(?:答案|选项|選項)?",
        r"|\s*が(?:正解|答え|正しい答え)(?:です|だ|である)?|\s*(?:가|이)\s*정답(?:입니다|이다)?)",
    ))
});

/// A label's text that is none: it speaks about the letter.
pub(super) static PREDICATE: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r"^\s*(?:(?:or|and|nor|vs|is|isn['’]t|are|aren['’]t|was|were|seems?|looks?|may|might|could|",
        r"can|cannot|can['’]t|would|wouldn['’]t|does|doesn['’]t|has|but|oder|und|ist|ou|et|est|n['’]est|",
        r"es|è|é|são|или|не|ist|not\s+(?:correct|right|true|valid|the)|",
        r"(?i:maybe|perhaps|possibly|probably))(?:\P{L}|$)",
        r"|\s*(?:是|不|错|錯|或|和|还是|還是|也|は|が|か|ではな|じゃな|가|는|이\s))",
    ))
});

/// Words between "option" and a letter at the beginning of a line or a box.
pub(super) static OPTION: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"^(?i:\s*\**(?:option|choice|answer|opción|opção|alternativa|opzione|вариант|phương\s+án|seçenek|pilihan)\s+|\s*\**(?:选项|選項|選択肢|보기)\s*)",
    )
});

/// Second thoughts after a commitment.
pub(super) static RETRACTION: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r"(?i)(?:^|[\s(,.;—-])(?:wait|hmm+|actually|oops|scratch\s+that|just\s+kidding|i(?:['’]m|\s+am)\s+",
        r"(?:kidding|wrong|not\s+sure|unsure)|on\s+second\s+thoughts?|let\s+me\s+(?:re|double|check|think)|",
        r"i\s+(?:was|made)\s+(?:wrong|a\s+mistake)|no,|not!|correction|i\s+take\s+(?:it|that)\s+back|",
        r"moment|warte|attends|espera|aspetta|подожди)(?:[\s\pP]|\w*|$)|等等|等一下|不对|不對|待って|잠깐",
    ))
});

/// Words that make a clause conditional.
pub(super) const CONDITIONAL: [&str; 30] = [
    "if",
    "unless",
    "whether",
    "suppose",
    "supposing",
    "assuming",
    "assume",
    "imagine",
    "provided",
    "wenn",
    "falls",
    "ob",
    "angenommen",
    "si",
    "se",
    "caso",
    "als",
    "indien",
    "jeśli",
    "om",
    "если",
    "якщо",
    "إذا",
    "لو",
    "اگر",
    "אם",
    "अगर",
    "यदि",
    "nếu",
    "jika",
];

/// Words that deny a clause, or put it into someone else's mouth.
pub(super) const DENIAL: [&str; 130] = [
    "not",
    "never",
    "cannot",
    "no",
    "nobody",
    "neither",
    "nor",
    "doubt",
    "deny",
    "wrong",
    "incorrect",
    "incorrectly",
    "false",
    "falsely",
    "mistakenly",
    "thought",
    "think",
    "say",
    "says",
    "said",
    "claim",
    "claims",
    "claimed",
    "might",
    "may",
    "could",
    "either",
    "possible",
    "possibly",
    "maybe",
    "perhaps",
    "previous",
    "other",
    "nicht",
    "kein",
    "keine",
    "falsche",
    "vielleicht",
    "ne",
    "pas",
    "fausse",
    "mauvaise",
    "peut",
    "non",
    "sbagliata",
    "forse",
    "não",
    "talvez",
    "errada",
    "incorrecta",
    "quizás",
    "niet",
    "nie",
    "inte",
    "ikke",
    "не",
    "неверный",
    "неправильный",
    "возможно",
    "ليس",
    "ليست",
    "لا",
    "नहीं",
    "गलत",
    "không",
    "değil",
    "bukan",
    "except",
    "excluding",
    "besides",
    "without",
    "everything",
    "anything",
    "nothing",
    "hardly",
    "unlikely",
    "instead",
    "rather",
    "than",
    "worst",
    "bad",
    "opposite",
    "least",
    "initial",
    "initially",
    "first",
    "second",
    "old",
    "your",
    "his",
    "her",
    "their",
    "student",
    "student's",
    "user",
    "user's",
    "naive",
    "tempting",
    "common",
    "trap",
    "alternative",
    "original",
    "one",
    "another",
    "candidate",
    "example",
    "sample",
    "mistake",
    "falsch",
    "außer",
    "sauf",
    "excepto",
    "eccetto",
    "exceto",
    "кроме",
    "behalve",
    "verkeerde",
    "foute",
    "fel",
    "zła",
    "błędna",
    "mala",
    "неправильна",
    "хибна",
    "ошибочный",
    "yanlış",
    "ভুল",
    "λάθος",
    "δεν",
    "לא",
];

/// The same for scripts without spaces, looked for anywhere in the clause.
pub(super) const DENIAL_UNSPACED: [&str; 29] = [
    "不",
    "没",
    "沒",
    "别",
    "別",
    "勿",
    "非",
    "未",
    "错",
    "錯",
    "误",
    "誤",
    "如果",
    "若",
    "假如",
    "假设",
    "可能",
    "もし",
    "間違",
    "아니",
    "만약",
    "ไม่",
    "除",
    "以外",
    "某",
    "ではな",
    "じゃな",
    "잘못",
    "틀린",
];

/// Words that rule out the letters after them: "not A", "rather than A or B".
pub(super) const EXCLUDING: [&str; 25] = [
    "not",
    "cannot",
    "can't",
    "isn't",
    "aren't",
    "wasn't",
    "couldn't",
    "shouldn't",
    "never",
    "neither",
    "nor",
    "than",
    "instead",
    "unlike",
    "nicht",
    "weder",
    "pas",
    "no",
    "non",
    "não",
    "niet",
    "nie",
    "не",
    "không",
    "bukan",
];

/// Words that rule out the letters before them: "A and B are wrong".
pub(super) const RULED_OUT: [&str; 24] = [
    "wrong",
    "incorrect",
    "false",
    "invalid",
    "inaccurate",
    "excluded",
    "eliminated",
    "impossible",
    "falsch",
    "ausgeschlossen",
    "faux",
    "fausse",
    "incorrecte",
    "incorrectes",
    "incorrecta",
    "incorrectas",
    "incorreta",
    "incorretas",
    "sbagliata",
    "sbagliate",
    "errata",
    "errate",
    "неверно",
    "неверны",
];

/// Words that may stand between a letter and the word that rules it out.
pub(super) const FILLER: [&str; 38] = [
    "a", "is", "are", "was", "were", "be", "it", "s", "the", "or", "and", "both", "all", "either",
    "option", "options", "choice", "choices", "answer", "answers", "of", "ist", "sind", "und",
    "oder", "est", "sont", "et", "ou", "es", "son", "y", "o", "la", "è", "sono", "e", "и",
];

/// Verbs and links after which a capital A or I was a letter, not a word.
pub(super) const AFTER_LETTER: [&str; 26] = [
    "is", "or", "and", "also", "too", "would", "could", "can", "may", "might", "seems", "looks",
    "was", "are", "works", "fits", "if", "because", "as", "but", "maybe", "instead", "then",
    "either", "again", "not",
];

/// Words after which a capital A or I is a letter even before a word.
pub(super) const BEFORE_LETTER: [&str; 22] = [
    "or", "and", "nor", "not", "maybe", "perhaps", "possibly", "actually", "probably", "option",
    "choice", "answer", "is", "than", "say", "it's", "be", "choose", "pick", "oder", "ou", "или",
];

/// Words that make a letter part of a name: "vitamin A" offers no option A.
pub(super) const NAMED_BY_LETTER: [&str; 4] = ["vitamin", "vitamins", "hepatitis", "influenza"];

/// Names of species that begin with an initial: "E. coli" is no option E.
pub(super) const EPITHETS: [&str; 22] = [
    "coli",
    "elegans",
    "difficile",
    "albicans",
    "botulinum",
    "perfringens",
    "tetani",
    "faecalis",
    "subtilis",
    "anthracis",
    "cereus",
    "burgdorferi",
    "pertussis",
    "diphtheriae",
    "fragilis",
    "histolytica",
    "influenzae",
    "jejuni",
    "gondii",
    "melanogaster",
    "erectus",
    "habilis",
];

/// Cyrillic and Greek capitals that look like the options A to J.
pub(super) const LOOKALIKES: [char; 16] = [
    'А', 'В', 'С', 'Е', 'Н', 'І', 'Ј', 'Ԍ', 'Α', 'Β', 'Ε', 'Η', 'Ι', 'Ϲ', 'Ϝ', 'Ғ',
];

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant and is compiled by the tests")
}
