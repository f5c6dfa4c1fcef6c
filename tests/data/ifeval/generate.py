"""Writes cases.jsonl: IFEval instructions, responses, and what the published code says.

    python3.11 -m venv venv
    venv/bin/pip install --no-deps lm_eval==0.4.13
    venv/bin/pip install nltk==3.10.4 langdetect==1.0.9 immutabledict packaging
    venv/bin/python generate.py > cases.jsonl
    venv/bin/python generate.py --random 20000 --seed 7 > more.jsonl

Run with CPython 3.11.7. The verdicts are those of lm-evaluation-harness
(Apache-2.0), `lm_eval/tasks/ifeval`; all texts here are our own. nltk's English
sentence model is not used: its place take the two lists of
`src/text/ifeval/sentences`, so that its rules are compared and not what it has
learnt. langdetect runs with seed 0, and its answers are written down with each
case ("languages"; null where it finds nothing to detect), because no other
detector can be asked to agree with it.
"""

import argparse
import importlib
import importlib.util
import json
import pathlib
import random
import sys
import types

HERE = pathlib.Path(__file__).parent
LISTS = HERE.parents[2] / "src/text/ifeval/sentences"


def listed(name):
    lines = (LISTS / name).read_text(encoding="utf-8").splitlines()
    return {word for line in lines if not line.startswith("#") for word in line.split()}


def sentence_tokenizer():
    from nltk.tokenize import punkt

    parameters = punkt.PunktParameters()
    parameters.abbrev_types = listed("abbreviations.txt")
    parameters.sent_starters = listed("sentence_starters.txt")
    for word in parameters.sent_starters:
        parameters.add_ortho_context(word, punkt._ORTHO_BEG_UC | punkt._ORTHO_MID_LC)
    return punkt.PunktSentenceTokenizer(parameters)


def reference():
    """The published modules, without the package round them and its downloads."""
    import nltk

    root = pathlib.Path(importlib.util.find_spec("lm_eval").origin).parent
    for name in ["lm_eval", "lm_eval.tasks", "lm_eval.tasks.ifeval"]:
        package = types.ModuleType(name)
        package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
    nltk.data.find = lambda *_: None
    tokenizer = sentence_tokenizer()
    nltk.tokenize._get_punkt_tokenizer = lambda *_: tokenizer
    utils = importlib.import_module("lm_eval.tasks.ifeval.utils")
    util = importlib.import_module("lm_eval.tasks.ifeval.instructions_util")
    util._get_sentence_tokenizer = lambda: tokenizer
    return utils


ASKED = {}


def recording():
    """Makes langdetect repeatable, and keeps what it was asked."""
    import langdetect
    from langdetect import LangDetectException

    langdetect.DetectorFactory.seed = 0
    detect = langdetect.detect

    def recorded(text):
        try:
            ASKED[text] = detect(text)
        except LangDetectException:
            ASKED[text] = None
            raise
        return ASKED[text]

    langdetect.detect = recorded


def judged(utils, name, ids, kwargs, response):
    ASKED.clear()
    example = utils.InputExample(key=0, instruction_id_list=ids, prompt="", kwargs=kwargs)
    strict = utils.test_instruction_following_strict(example, response)
    loose = utils.test_instruction_following_loose(example, response)
    case = {
        "name": name,
        "instruction_id_list": ids,
        "kwargs": kwargs,
        "response": response,
        "strict": strict.follow_instruction_list,
        "loose": loose.follow_instruction_list,
    }
    if ASKED:
        case["languages"] = dict(ASKED)
    return case


# Responses that every instruction is asked about.
POOL = [
    "",
    " \t\r\n\u00a0\u3000",
    "\x1c\x1d",
    ".",
    "...",
    "!!!",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "12345 67.8",
    "A short answer.",
    "Here is my answer:\nThe sky is blue today, and so is the sea.\nI hope that this helps!",
    "**Sure!**\n\n* one\n* two\n- three\n\nP.S. Bring [name] and [date].",
    "Dr. Smith, of the U.S. Army, paid 3.50 dollars. He left at 5 p.m. The rest stayed... Did they? Yes! \"Really?\" he asked.",
    "THE CAT SAT ON THE MAT, DIDN'T IT? NASA SAYS: YES! (OK.) CANNOT GO.",
    "the cat sat on the mat and the dog looked at it for a long time",
    "\u0130stanbul'da \u0131l\u0131k bir g\u00fcn, \u0130\u0130\u0131i I.",
    "\uff28\uff45\uff4c\uff4c\uff4f\uff0c \uff57\uff4f\uff52\uff4c\uff44\uff01 \uff21\uff22\uff23",
    "cafe\u0301 nai\u0308ve re\u0301sume\u0301 co\u00f6perate stra\u00dfe STRASSE \u1e9e \ufb01n \u01c5",
    "One line\r\nand another\r\n\r\nand a third\r\n",
    "a\u00a0b\u2003c\u2028d\u0085e\x1cf",
    "\"Quoted from the first to the last word.\"",
    "```json\n{\"a\": [1, 2.5, true, null]}\n```",
    "<<A title>>\n\nParagraph one.\n\nParagraph two.",
    "First part\n***\nSecond part\n***\nThird part",
    "One answer.\n******\nAnother answer.",
    "Section 1\nText.\nSection 2\nMore text.",
    "My answer is maybe. *Note* that **this** is *all* there is.",
    "Das ist ein sch\u00f6ner Tag, und wir gehen heute alle zusammen in den Wald, um Pilze zu suchen.",
    "C'est une belle journ\u00e9e et nous allons tous ensemble \u00e0 la plage pour nager.",
    "\u0421\u0435\u0433\u043e\u0434\u043d\u044f \u0445\u043e\u0440\u043e\u0448\u0430\u044f \u043f\u043e\u0433\u043e\u0434\u0430, \u0438 \u043c\u044b \u0438\u0434\u0451\u043c \u0432 \u043b\u0435\u0441.",
    "\u092f\u0939 \u090f\u0915 \u0905\u091a\u094d\u091b\u093e \u0926\u093f\u0928 \u0939\u0948\u0964",
]


def one(id, kwargs, *responses):
    return (id, kwargs, responses)


WORDS = "rain river stone light winter bread garden music paper window".split()


def words(number, joint=" "):
    return joint.join(WORDS[i % len(WORDS)] for i in range(number))


TARGETED = [
    one("keywords:existence", {"keywords": ["river", "stone"]},
        "The river has no rock.", "A RIVER of Stone.", "riverstones", "ri\u200bver stone", "r\u0131ver \u017ftone",
        "* river\nstone", "river\n\nstone"),
    one("keywords:existence", {"keywords": ["C++", "a.b"]}, "c aXb", "c++ a\nb", "a.b C", "a b"),
    one("keywords:existence", {"keywords": ["na\u00efve"]}, "nai\u0308ve", "NA\u00cfVE", "naive"),
    one("keywords:existence", {"keywords": ["kilo", "\u0130zmir"]}, "\u212ailo izmir", "Kilo \u0131zmir", "K\u0130LO IZMIR"),
    one("keywords:existence", {"keywords": ["[0-9]+ (cats|dogs)", "what\\?"]}, "7 cats. What?", "cats what", "12 DOGS what?"),
    one("keywords:frequency", {"keyword": "rain", "frequency": 3, "relation": "at least"},
        "rain Rain RAIN", "rain rain", "trains in Spain rained on by rain", "ra\u0131n ra\u0130n rain"),
    one("keywords:frequency", {"keyword": " rain ", "frequency": 2, "relation": "less than"},
        "rain", "no", "rainrain", "rain*\nra*in"),
    one("keywords:frequency", {"keyword": "a|ab", "frequency": 2, "relation": "at least"}, "ab ab", "ab", "b"),
    one("keywords:forbidden_words", {"forbidden_words": ["rain", "snow"]},
        "It rained.", "It is raining; the rain falls.", "Snow!", "sno\u0301w", "snow\u0301", "_rain_", "rain2", "\u00b2rain",
        "rain\nIt was dry.\n", "dry", "r\u00e4in ra\u0131n", "*rain*"),
    one("keywords:forbidden_words", {"forbidden_words": ["C++", "e.g."]}, "c", "cc", "ccd", "e.g. this", "e.g.x", "fine"),
    one("keywords:forbidden_words", {"forbidden_words": ["cat|dog"]}, "cats", "hotdog", "a dogma", "cat", "do g"),
    one("keywords:letter_frequency", {"letter": "i", "let_frequency": 3, "let_relation": "at least"},
        "iii", "I i I", "\u0130\u0130\u0130", "\u0131\u0131\u0131", "ii"),
    one("keywords:letter_frequency", {"letter": "K", "let_frequency": 2, "let_relation": "less than"},
        "kK", "k", "\u212a\u212a", "none"),
    one("keywords:letter_frequency", {"letter": "\u212a", "let_frequency": 2, "let_relation": "at least"}, "kk", "k"),
    one("language:response_language", {"language": "de"},
        "Guten Tag, wie geht es Ihnen heute? Ich hoffe, es ist alles in Ordnung.", "Good morning, how are you today, my friend?",
        "Sure, here it is:\nGuten Tag, wie geht es Ihnen heute? Ich hoffe, dass alles in Ordnung ist und bleibt."),
    one("language:response_language", {"language": "en"}, "This is English without any doubt at all.", "Esto no es ingl\u00e9s, sino espa\u00f1ol."),
    one("language:response_language", {"language": "hi"}, "\u092f\u0939 \u0939\u093f\u0928\u094d\u0926\u0940 \u092e\u0947\u0902 \u0932\u093f\u0916\u093e \u0917\u092f\u093e \u0939\u0948\u0964", "This is not Hindi."),
    one("length_constraints:number_sentences", {"num_sentences": 3, "relation": "at least"},
        "One. Two. Three.", "One. Two.", "One! Two? Three", "Mr. A. B. Clark came. He sat.", "Wait... what? No.",
        "a.b.c.", "He said \"Go.\" Then he left. (It rained.) End.", "One.\nTwo.\nThree.", "1. one\n2. two\n3. three",
        "One.Two.Three.", "Really?! Yes!! No.", "See www.a.com. It is 3.14. Fine.", "One.\u201d Two.\u2019 Three.",
        "At 5 p.m. The train left. It was no. 5. Next came No. 6.", "The U.S. It is big. I think. so", ". . . . a. b",
        "A.\u00a0B.\u2003C.", "He is vice-pres. It goes on. And on.", "x. --y. -- z.", "Go.) Stay.\" -- Run.", "i. J. K."),
    one("length_constraints:number_sentences", {"num_sentences": 2, "relation": "less than"},
        "Only one.", "Only one? No, two.", "no end", "One\n\nstill one", "One.\n\nTwo.", "\u4eca\u5929\u5f88\u597d\u3002\u660e\u5929\u4e5f\u597d\u3002"),
    one("length_constraints:number_paragraphs", {"num_paragraphs": 3},
        "a\n***\nb\n***\nc", "a***b***c", "***a***b***c***", "a\n***\n\n***\nc", "a\n****\nb\n***\nc", "a\n\n***\n\nb", "******",
        "*** ***", "Sure:\n***\na\n***\nb\n***\nc"),
    one("length_constraints:number_paragraphs", {"num_paragraphs": 1}, "a", "a***", "a***b", "***"),
    one("length_constraints:number_words", {"num_words": 20, "relation": "at least"},
        words(20), words(19), words(20, "-"), words(10, "'s "), words(20, ", "), words(20, "_"), words(20, "\u0301 "), words(20, "\u200d"),
        words(20, "\u00a0"), words(20, "\u00b2"), words(20, "\u203f")),
    one("length_constraints:number_words", {"num_words": 5, "relation": "less than"},
        words(4), words(5), words(5, "\n"), "don't stop now", "\u00bd \u00b2 \u2460 \u24d0 \u2163", "x\u0301 y\u0301", "\U0001f600 a \U0001f600 b", "intro\n" + words(4)),
    one("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Then"},
        "First this.\n\nThen that.", "First this.\n\nthen, that", "First this.\n\n'then' that", "First this.\n\n\"'then' that",
        "First this.\nThen that.", "a\n\n\n\nThen b", "a\n\nThe n", "\n\nThen b\n\nc", "a\n\nThen", "a\n\nThen b\n\n", "a\n\n*Then* b",
        "a\r\n\r\nThen b", "a\n\nthen\u00a0b", "Intro\n\na\n\nThen b"),
    one("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 1, "nth_paragraph": 1, "first_word": "\u039f\u0394\u039f\u03a3"},
        "\u039f\u0394\u039f\u03a3 a", "\u03bf\u03b4\u03bf\u03c2 a", "\u03bf\u03b4\u03bf\u03c3 a"),
    one("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 2, "nth_paragraph": 1, "first_word": "don't"},
        "Don't\n\nb", "Don\n\nb", "dont\n\nb"),
    one("detectable_content:number_placeholders", {"num_placeholders": 2},
        "[a] and [b]", "[a] and (b)", "[a\nb] [c]", "[[a]]", "[][]", "[a][", "[*a*] x\n[b]"),
    one("detectable_content:postscript", {"postscript_marker": "P.S."},
        "Text.\nP.S. More", "Text. p. s. more", "Text.\nP.P.S. More", "Text.\nPS: more", "p.s", "P.\u00a0S. x", "P.*S.* x", "Tip.s. x"),
    one("detectable_content:postscript", {"postscript_marker": "P.P.S"},
        "Text.\nP.P.S More", "P. P. S. x", "p.p.s", "P.S. x", "p.\np.\ns"),
    one("detectable_content:postscript", {"postscript_marker": "P.S"}, "posts", "nothing here", "pxs", "P\nS"),
    one("detectable_content:postscript", {"postscript_marker": "Note: "}, "A NOTE: b", "note b", "notes: b"),
    one("detectable_format:number_bullet_lists", {"num_bullets": 2},
        "* a\n* b", "- a\n- b", "* a\n- b", "** a\n* b\n* c", "*a\n*b", "* a\n* b\n* c", "*\na\n* b", " \n\n * a\n\t- b", "---\n* a",
        "a * b\n* c", "*", "- \n-", "\u2022 a\n\u2022 b", "*\n\n*\n\n", "* a\r\n* b\r\n", "\x1c* a\n\u2003- b", "Intro\n* a\n* b\nEnd", "- intro\n* a\n* b"),
    one("detectable_format:constrained_response", {},
        "My answer is yes.", "my answer is yes.", "I say: My answer is no. Really.", "My answer is yes", "My *answer* is maybe.",
        "My answer is\u00a0yes.", "My answer is yes. My answer is no."),
    one("detectable_format:number_highlighted_sections", {"num_highlights": 3},
        "*a* *b* *c*", "*a* *b*", "**a** *b*", "**a** **b**", "*a* ** *b*", "***a*** *b*", "*a\nb* *c* *d*", "* * *", "* a * b * c *", "**** *a* *b* *c*",
        "** a ** ** b", "***a** b*", "_a_ _b_ _c_", "*\u00a0* *a* *b*", "**a* **b** *c*"),
    one("detectable_format:multiple_sections", {"section_spliter": "Section", "num_sections": 2},
        "Section 1 a Section 2 b", "Section1Section2", "SECTION 1 SECTION 2", "Section 12", "Section  1 Section\n2", "Section one Section two",
        "Section \u0661 Section \u0662", "Section 1\nx\nSection 2", "Section *1* Section *2*", "Section\u00a01 Section\x1c2", "Section \u00b2 Section \u2460"),
    one("detectable_format:multiple_sections", {"section_spliter": "Day.", "num_sections": 1}, "Day 1", "Day. 1", "Days 1", "Day x"),
    one("detectable_format:json_format", {},
        "{}", "[]", "1", "\"a\"", "{\"a\": 1,}", "{'a': 1}", "```\n[1]\n```", "```json\n{\"a\": NaN}\n```", "```JSON {\"a\":\"\\ud800\"}```", "01", "1.", "1e5", "-", "-0",
        "-Infinity", "Infinity", "nan", "true", "True", "{\"a\" 1}", "{\"a\": \"b\tc\"}", "\"\\x\"", "[1 2]", "[1,", "{} {}", "{\"a\":1,\"a\":2}", "\ufeff{}",
        "```python\n{}\n```", "``````", "```json```json[]```", "Here:\n{\"a\": 1}", "{\"a\": 1}\nDone.", "{\"a\": \"**b**\"}", "[\u00a01]", "\u00a0[1]\u00a0", "1" * 4300, "1" * 4301,
        "-" + "1" * 4300, "1" * 5000 + ".0", "[" * 900 + "]" * 900, "[1]```", "{\"\\u00e9\": \"\u00e9\"}", "\"\x7f\"", "[]]", "\u0661", "1E+2", ".5", "+1", "\"a\nb\"", "null"),
    one("detectable_format:title", {},
        "<<a>>", "<< >>", "<<>>", "<a>", "<<a\nb>>", "<<<>>>", "<<<a>>>", "<<<<>>", "x <<y>> z >>", ">> <<a", "<<\u00a0>>", "*<<*a>>", "<<*>>", "<<a> >", "<<a>"),
    one("combination:two_responses", {},
        "a\n******\nb", "a******a", "a******", "******a******b******", "a******b******c", "a\n*****\nb", "a ******* b", "a******\n******b", "a****** a ", "******",
        "Sure:\na\n******\nb", "a************b"),
    one("combination:repeat_prompt", {"prompt_to_repeat": "Write a Poem. \n"},
        "Write a Poem.\nHere it is.", "write a poem. here", "  WRITE A POEM.", "\"Write a Poem.\" Here", "Sure!\nWrite a Poem.\nHere", "Write a poem", "Write a *Poem.*",
        "**Write a Poem.**\nOk"),
    one("combination:repeat_prompt", {"prompt_to_repeat": "\u0130stanbul \u00a3\u039f\u03a3"},
        "i\u0307stanbul \u00a3\u03bf\u03c2 a", "\u0130STANBUL \u00a3\u039f\u03a3", "istanbul \u00a3\u03bf\u03c2", "\u0130stanbul \u00a3\u039f\u03a3x"),
    one("startend:end_checker", {"end_phrase": "The End. "},
        "x The End.", "x the end.", "\"x the end.\"", "x the end. \"\"", "x the end.\nBye", "The End", "x the *end.*", "x the end. \" ", "the end.'", "x the\u00a0end."),
    one("startend:end_checker", {"end_phrase": "\"Stop\""}, "x \"stop\"", "x stop", "x \"stop\"."),
    one("startend:quotation", {},
        "\"a\"", "\"", "\"\"", "'a'", "\u201ca\u201d", " \"a\" ", "\"a\".", "a\n\"b\"\nc", "*\"b\"*", "**\"b\"", "\"a\" b \"c\""),
    one("change_case:capital_word_frequency", {"capital_frequency": 3, "capital_relation": "at least"},
        "A B C", "NASA and ESA", "NASA, ESA; JAXA.", "A-B C/D E", "DON'T GO", "CANNOT GO", "GONNA GO", "I'M HERE", "WANNA", "WANNA GO", "D'YE SEE", "MORE'N ONE",
        "U.S. AND", "(NASA) [ESA] {JAXA}", "#TAG @USER $USD", "A--B A\u2014B", "\"A\" 'B' `C`", "'S 'TIS 'TWAS", "A:B,C 1:A", "A...B C..D", "\u01c5 \u2160 \u24b6 X", "\u0130 I \u0131",
        "\uff21\uff22\uff23 X Y", "O'NEIL'S CAT", "I'LL WE'RE THEY'VE", "A1 2B 33", "THE END.", "A. B. C.", "GOTTA GIMME LEMME", "caNNot GO GO", "x'A' 'B", "''A'' ``B`` C", "A*B*C",
        "NOT\nTHE\nFIRST\nline", "N'T A B", "A\u0301 B\u0301 C\u0301", "A\u200dB C", "AT 5 P.M. THE U.S. LEFT", "A>B<C", "A%B&C", "E.G.) I.E.\" X", "WHO'D'VE", "CAN\u0301NOT A", "G\u0131MME A"),
    one("change_case:capital_word_frequency", {"capital_frequency": 2, "capital_relation": "less than"},
        "a", "A", "A B", "NASA's", "DON'T", "OK.OK", "OK. OK", "I think so. I do."),
    one("change_case:english_capital", {},
        "THIS IS AN ENGLISH SENTENCE IN CAPITAL LETTERS.", "This Is Not.", "DAS IST EIN DEUTSCHER SATZ UND KEIN ANDERER.", "123", "\u2167", "HELLO \u01c5",
        "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG, AND THE DOG DOES NOT MIND AT ALL.", "Sure:\nTHIS IS AN ENGLISH SENTENCE.\n", "\u24b6\u24b7"),
    one("change_case:english_lowercase", {},
        "this is an english sentence in small letters.", "This is not.", "das ist ein deutscher satz und kein anderer.", "123", "\u2170", "hello \u01c5",
        "Sure:\nthis is an english sentence with nothing but small letters.", "\u24d0\u24d1", "\u02b0 the small one"),
    one("punctuation:no_comma", {},
        "None here.", "One, here.", "\uff0c fullwidth", "a\u3001b", "Well, then\nno more", "1,000", "\u066c arabic \u060c", "a;b"),
]

COMBINED = [
    (["punctuation:no_comma", "length_constraints:number_words", "startend:quotation"], [{}, {"num_words": 5, "relation": "at least"}, {}],
     ["\"one two three four five\"", "\"one, two three four five\"", "one, two", "intro, yes\n\"one two three four five\"", ""]),
    (["detectable_format:title", "keywords:existence", "keywords:forbidden_words"], [{}, {"keywords": ["sea"]}, {"forbidden_words": ["sun"]}],
     ["<<The sea>>", "<<The sun>> sea", "sun", "<<x>>\nthe sea\nsun", "*sun* <<sea>>"]),
    (["detectable_format:json_format", "change_case:english_lowercase"], [{}, {}],
     ["{\"text\": \"this is a small english text about the sea\"}", "{\"Text\": 1}", "no"]),
]

ALL_NAMES = ["num_words", "relation", "language", "keywords", "end_phrase", "letter", "num_bullets"]


def cases(utils):
    for number, (id, kwargs, responses) in enumerate(TARGETED):
        name = id.split(":")[1]
        for index, response in enumerate(responses):
            yield judged(utils, f"{name}-{number}-{index}", [id], [kwargs], response)
        if any(id == other for other, _, _ in TARGETED[:number]):
            continue
        # As in the data set: every other name is there, and null.
        full = {other: None for other in ALL_NAMES} | kwargs
        for index, response in enumerate(POOL):
            yield judged(utils, f"{name}-pool-{index}", [id], [full], response)
    for number, (ids, kwargs, responses) in enumerate(COMBINED):
        for index, response in enumerate(responses):
            yield judged(utils, f"combined-{number}-{index}", ids, kwargs, response)


PIECES = WORDS + [
    " ", " ", " ", " ", " ", "\n", "\n\n", "\r\n", ". ", ". ", ".", "! ", "?", "...", " . . . ", ",", ";", ":", "'", "\"", "``", "''", "*", "**", "***", "******",
    "-", "--", "- ", "* ", "(", ")", "[", "]", "{", "}", "<<", ">>", "<", ">", "```", "```json", "Mr.", "e.g.", "U.S.", "J.", "p.m.", "No.", "The", "It", "the", "I",
    "1.", "3.14", "2", "1,000", "\u0661", "\u00b2", "Section 1", "Section", "P.S.", "p. s.", "P.P.S", "Then", "The end.", "My answer is yes.", "DON'T", "CANNOT",
    "can't", "'tis", "I'M", "GONNA", "WANNA", "D'YE", "NASA", "NA-SA", "\u0130", "\u0131", "i", "\u212a", "\u00df", "\u1e9e", "\u01c5", "\u03a3", "\u03c2", "e\u0301", "\u0301",
    "\u200d", "\uff21", "\uff0c", "\u201c", "\u201d", "\u2018", "\u2019", "\u00ab", "\u00bb", "\u2014", "\u2013", "\u00a0", "\u2003", "\u2028", "\u0085", "\x1c", "\x0b", "_", "#", "@",
    "$", "%", "&", "/", "\\", "{\"a\": ", "1}", "null", "true", "\U0001f600", "\u4eca\u5929", "\u3002", "\u24b6", "\u2160", "rain", "river", "stone", "snow",
]


def random_cases(utils, number, seed):
    rng = random.Random(seed)
    asks_langdetect = {"language:response_language", "change_case:english_capital", "change_case:english_lowercase"}
    asked = [entry for entry in TARGETED if entry[0] not in asks_langdetect]
    for index in range(number):
        id, kwargs, responses = rng.choice(asked)
        # Every bound, so that counts are compared and not only sizes.
        kwargs = {name: rng.randrange(1, 25) if isinstance(value, int) else value for name, value in kwargs.items()}
        if "nth_paragraph" in kwargs:
            kwargs["num_paragraphs"] = rng.randrange(1, 4)
            kwargs["nth_paragraph"] = rng.randrange(1, kwargs["num_paragraphs"] + 1)
        pieces = [rng.choice(PIECES) for _ in range(rng.randrange(1, 80))]
        for _ in range(rng.randrange(3)):
            pieces.insert(rng.randrange(len(pieces) + 1), rng.choice(responses))
        yield judged(utils, f"random-{seed}-{index}", [id], [kwargs], "".join(pieces))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--random", type=int, default=0, help="so many random pairs instead")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    recording()
    utils = reference()
    chosen = random_cases(utils, arguments.random, arguments.seed) if arguments.random else cases(utils)
    for case in chosen:
        print(json.dumps(case))


if __name__ == "__main__":
    main()
