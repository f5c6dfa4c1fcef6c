"""Writes characters.json: what CPython calls white space, a letter, a capital.

    python3.11 characters.py > characters.json

Ranges of code points, both ends within; "same" gives the code points that are
another one's case for `re.IGNORECASE`, with that one. Only what Unicode 14 (that
of CPython 3.11) assigns is told.
"""

import _sre
import json
import unicodedata
from re import _casefix

ASSIGNED = [code for code in range(0x110000) if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")]


def ranges(holds):
    found = []
    for code in ASSIGNED:
        if not holds(chr(code)):
            continue
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def same():
    found = []
    for code in ASSIGNED:
        small = _sre.unicode_tolower(code)
        first = min((small, *_casefix._EXTRA_CASES.get(small, ())))
        if first != code:
            found.append([code, first])
    return found


print(json.dumps({
    "assigned": ranges(lambda c: True),
    "space": ranges(str.isspace),
    "word": ranges(lambda c: c.isalnum() or c == "_"),
    "digit": ranges(str.isdecimal),
    "upper": ranges(str.isupper),
    "lower": ranges(str.islower),
    "title": ranges(lambda c: unicodedata.category(c) == "Lt"),
    "same": same(),
}, separators=(",", ":")))
