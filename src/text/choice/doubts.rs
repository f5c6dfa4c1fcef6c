//! The words of doubt: what takes an answer back after it was given, and what
//! names an option without its letter. Patterns only; `hedge.rs` and
//! `commit.rs` read them.
//!
//! As in `phrases.rs`, a word too many costs a reward and a word too few pays
//! for a hedge, so the patterns are wide.

use std::sync::LazyLock;

use regex::Regex;

use super::phrases::compile;

/// Second thoughts after a commitment, wherever they begin.
pub(super) static RETRACTION: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r"(?i)(?:^|[\s(,.;:*_—-])(?:wait|hmm+|actually|oops|scratch\s+that|strike\s+that|(?:just\s+)?(?:kidding|joking)|",
        r"i(?:['’]m|\s+am)\s+(?:wrong|lying)|(?:not|un)\s*(?:sure|certain)|no\s+idea|guess(?:ing|ed)?|",
        r"on\s+second\s+thoughts?|let\s+me\s+(?:re|double|check|think)|",
        r"i\s+(?:was|made)\s+(?:wrong|lying|mistaken|a\s+mistake)|i\s+lied|i\s+take\s+(?:it|that)\s+back|",
        r"i\s+(?:meant|mean|retract|withdraw|apologi[sz]e|changed\s+my\s+mind)|my\s+(?:mistake|bad)|sorry|",
        r"(?:ignore|disregard|forget|discard)\s+(?:that|this|it|my|the|all|what|everything)|never\s*mind|",
        r"(?:do\s+not|don['’]t)\s+(?:trust|believe|accept|use)|alternatively|the\s+opposite|",
        r"no,|nope|nah|not!|correction|moment|warte|attends|espera|aspetta|подожди)(?:[\s\pP]|\w*$|$)",
        r"|等等|等一下|不对|不對|错了|錯了|待って|잠깐|[❌✗✘🚫👎]",
    ))
});

/// A sentence, an aside or a relative clause that calls the answer wrong.
pub(super) static TAKEN_BACK: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r"(?i)(?:^|[.!?;:,(—–\n-])[\s*_(“‘]*(?:(?:but|and|well|oh|so|yet|however)[,\s]+)*",
        // Its subject and verb, each of which may be missing.
        r"(?:(?:it|this|that|which|these|(?:my|the|this|that)\s+(?:answer|option|choice|above|statement|letter|claim|one)|",
        r"das|dies|ce|cela|esto|eso|questo|isso|это)?\s*",
        r"(?:['’]s|is|was|are|be|(?:is|was)n['’]t|(?:can|could|must|may|might|will|would|should)(?:not|n['’]t|\s+not)?(?:\s+be)?|",
        r"does(?:\s+not|n['’]t)|ist|est|c['’]est|es|è|é)\s+)?",
        r"(?:(?:not|clearly|obviously|definitely|totally|completely|actually|simply|just|also|probably|certainly|",
        r"surely|really|all|an?|the|very|quite|in\s+fact|most\s+likely|of\s+course)\s+)*",
        r"(?:wrong|incorrect|false|no|not|never|untrue|invalid|impossible|a\s+lie|lie|joke|mistake|mistaken|bogus|nonsense|",
        r"excluded|eliminated|rejected|falsch|nein|faux|falso|falsa|sbagliato|errado|неверно|неправильно|нет|",
        r"not\s+(?:the\s+|a\s+)?(?:right|correct|true|valid|possible|so|it|case)|",
        r"(?:n['’]t|cannot|can\s+not)\s+(?:be\s+)?(?:right|correct|true|work|it))",
        r"(?:\s+(?:right|correct|true|work|it|answers?|options?|choices?|one|case|way|though|at\s+all))?\s*[*_”’)]*(?:[.!?,;:)\n]|$)",
        r"|(?i:(?:^|[.!?;:,(\n])[\s*_]*(?:it|this|that|which|(?:my|the|this|that)\s+(?:answer|option|choice|above|one))\s*",
        r"(?:(?:is|was|does|could|would)n['’]t|can['’]t|cannot|(?:is|was|does|could|would|can)\s+not)",
        r"(?:\s+(?:be|the|really|actually|at\s+all))*\s*(?:right|correct|true|it|so|valid|possible|works?|answer|case|option|[.!?;\n]|$))",
        r"|(?:这|那|它)(?:是|不是|个)?(?:错|錯|不|假)",
    ))
});

/// An option that is named by its place, or all or none of them at once.
pub(super) static NAMED_OPTION: LazyLock<Regex> = LazyLock::new(|| {
    let place = r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d+(?:st|nd|rd|th)|last|penultimate|latter|former|remaining|next|previous|other|another|different)";
    compile(&format!(
        concat!(
            r"(?i)(?:^|\P{{L}})(?:(?:the\s+|an?\s+)?{place}\s+(?:(?:\w+\s+)?(?:one|option|choice|answer|alternative|letter|possibility)s?)",
            r"|(?:or|and|maybe|perhaps|probably|possibly|also|choose|pick|select)\s*(?:the\s+)?{place}",
            r"|(?:is|was|be|it['’]s|say|not|as|[,:;./—])\s*(?:the\s+)?{place}\s*(?:[.!?,;:)\n]|$)",
            r"|the\s+{place}\s*(?:[.!?,;)\n]|$)",
            r"|(?:none|all|both|neither|any|either|each|some|one|two|most)\s+(?:of\s+)?(?:the\s+|these|those|them)\s*(?:above|below|options?|choices?|answers?|others?|two|three|four|five|rest)?",
            r"|(?:none|all)\s+(?:above|apply|correct|are)",
            r"|both\s+(?:options?|choices?|answers?|are)",
            r"|(?:options?|choices?|alternatives?)\s+(?:number\s+|no\.?\s*|#\s*)?(?:one|two|three|four|five|six|\d+|[ivx]+))(?:\P{{L}}|$)",
            r"|以上(?:都|皆|全|均)|(?:最后|最後|第[一二三四五六七八九十\d]+)(?:个|個)?(?:选项|選項|答案|项)?",
        ),
        place = place
    ))
});

/// A label's text that calls the label wrong, from the text's beginning.
pub(super) static LABEL_DENIED: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r"(?i)^[\s*_(]*(?:(?:is|that['’]s|it['’]s|definitely|clearly|obviously|totally|the|an?|very)\s+)*",
        r"(?:no|nope|nah|not|never|wrong|false|incorrect|invalid|untrue|impossible|excluded|eliminated|rejected|",
        r"ruled\s+out|none|unsure|unlikely|falsch|nein|faux|falso|falsa|sbagliata|errada|неверно|нет)",
        r"(?:\s+(?:answer|option|choice|one|way|it|the|sure))?(?:\P{L}*$|[\s*_)]*[.!?,;:\n(—]|\s+-)",
        r"|(?i)^[^\n.]*(?:\P{L}(?:not|never|no|hardly)|n['’]t|cannot)\s[^\n.]*(?:answer|option|choice|correct|right|solution)(?:\P{L}|$)",
        r"|(?i)^[^\n.]*\P{L}(?:is|are|was)\s+(?:\w+\s+)?(?:wrong|incorrect|false|ruled|excluded|impossible)(?:\P{L}|$)",
    ))
});

/// Markup that strikes out or hides what it encloses. A text that holds any is
/// not read: what a reader would see of it is not what it says.
pub(super) static STRUCK: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r"(?i)~~|<!--|<\s*(?:s|del|strike)\s*>|line-through|display\s*:\s*none",
        r"|\\(?:x|b)?cancel(?:to)?\s*\{|\\(?:sout|st|xout|uwave|[hv]?phantom)\s*\{",
    ))
});
