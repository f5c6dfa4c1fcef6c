"""Writes the two Han tables from Unicode's Unihan_Variants.txt.

    python3 unihan_variants.py Unihan_Variants.txt

- ../../src/language/han_variants.txt: the characters that only Simplified text
  has (first line) and those that only Traditional text has (second line);
- hans_to_hant.txt: one Simplified character and its first Traditional form per
  line, for the Traditional copy of the Chinese training sentences.

A character belongs to one side only if Unihan names a form of the other side
for it, never the character itself, and nothing in the other direction. Only
U+4E00 to U+9FFF.
"""

import sys
from pathlib import Path

here = Path(__file__).parent
to_traditional, to_simplified = {}, {}
for line in open(sys.argv[1], encoding="utf-8"):
    if line.startswith("#") or not line.strip():
        continue
    point, field, value = line.rstrip("\n").split("\t")
    char = chr(int(point[2:], 16))
    forms = [chr(int(form.split("<")[0][2:], 16)) for form in value.split()]
    if field == "kTraditionalVariant":
        to_traditional[char] = forms
    if field == "kSimplifiedVariant":
        to_simplified[char] = forms


def one_sided(table, other):
    return sorted(
        char
        for char, forms in table.items()
        if "\u4e00" <= char <= "\u9fff" and char not in forms and char not in other
    )


simplified = one_sided(to_traditional, to_simplified)
traditional = one_sided(to_simplified, to_traditional)
(here / "../../src/language/han_variants.txt").write_text(
    "".join(simplified) + "\n" + "".join(traditional) + "\n", encoding="utf-8"
)
(here / "hans_to_hant.txt").write_text(
    "".join(
        char + to_traditional[char][0] + "\n"
        for char in simplified
        if "\u4e00" <= to_traditional[char][0] <= "\u9fff"
    ),
    encoding="utf-8",
)
print(len(simplified), "simplified only,", len(traditional), "traditional only")
