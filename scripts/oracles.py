#!/usr/bin/env python3
"""Tables of what the in-toto reference says, for tests/properties to compare with.

    pip install in-toto==3.1.0
    scripts/oracles.py            writes tests/data/canonical.jsonl and tests/data/patterns.jsonl
    scripts/oracles.py --check    writes nothing; fails when the tables are not what comes out now

canonical.jsonl has lines [JSON text, canonical bytes in hex], null in place of the hex where
securesystemslib refuses the value. patterns.jsonl has lines [pattern, [names that match], [names
that do not]] as fnmatch.fnmatchcase says (measured with Python 3.11).
"""

import argparse
import fnmatch
import json
import pathlib
import random
import sys

from securesystemslib.exceptions import FormatError
from securesystemslib.formats import encode_canonical

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data"
SEED = 1
CANONICAL_CASES = 320
PATTERNS = 260
NAMES_FOR_EACH = 8

# Values that taught somebody something, as JSON text.
KNOWN_VALUES = [
    '{"foo bar":2,"foo":1}',
    '{"a!":1,"a":2,"a\\u0000":3,"a\\"":4,"a#":5,"a\\\\":6,"a]":7}',
    '{"\\uffff":1,"\\ud800\\udc00":2,"\\ue000":3}',
    '{"":4,"\\"":13,"B":3,"\\\\":14,"a":2,"a b":12,"aa":10}',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\\u007f\\u2028\\ufeff"',
    '["e\\u0301","\\u00e9","\\u212b","\\u1100\\u1161"]',
    "-0", "0", "-1", "9223372036854775808", "-9223372036854775809",
    "123456789012345678901234567890123456789012345678901234567890",
    "[]", "{}", "[[],{},[{}]]", "null", "true", "false", '""',
    "1.0", "1e2", "-0.0", "[1,{\"a\":0.5}]", "1E400", "1.50",
]

# What keys and strings are made of: the order and the escapes of canonical JSON depend on these.
ALPHABET = (
    ['"', "\\", "/", " ", "!", "#", "[", "]", "a", "b", "A", "Z", "~", "{", "0"]
    + ["\0", "\t", "\n", "\r", "\x1f", "\x7f", "\x80", "\x85", "\u2028", "\u202e"]
    + ["é", "e\u0301", "ß", "€", "\ue000", "\ufeff", "\uffff", "\U00010000", "😀"]
)

KNOWN_PATTERNS = [
    "", "*", "**", "?", "??", "[", "]", "[]", "[!", "[!]", "[]]", "[!]]", "[[]", "[a", "a[", "[^a]",
    "[!a]", "[a-c]", "[c-a]", "[!c-a]", "[c-a!]", "[a-]", "[-a]", "[--0]", "[a-c-e]", "[c-a-e]",
    "[!-a]", "[!--]", "[a\\-z]", "[&&]", "[a||b]", "[~~]", "[a-b-d]", "[z-a!-c]", "[!!]", "[!!-a]",
    "\\*", "\\[a]", "{a,b}", "a.c", "(a|b)", "a+", "^a$", "*.c", "src/*", "src/**/x", ".*",
    "[.]", "[/]", "a[/]b", "[é-ü]", "[\U00010000-😀]", "*a*b*", "a*a*a", "[]-a]", "[!]-a]", "[a-]]",
    "[[:alpha:]]", "[\\]]", "[a-c][!a-c]", "?[!?]*", "[*]", "[?]", "*[", "[*", "[a-a]", "[-]", "[!-]",
]

# A few characters of each sort, so that patterns and names meet.
PATTERN_PIECES = (
    ["*", "?", "[", "]", "!", "-", "^", "\\", "/", ".", "a", "b", "c", "z", "A", "é", "😀", "\n"]
    + ["[a-c]", "[!", "[]", "[a-", "-c]", "[z-a]", "&&", "~", "|", "{", "}", ","]
)
NAME_PIECES = list("abcz!-^\\/.A&~|[]{},*?") + ["é", "😀", "\n", "a", "b"]


def value(rng, depth):
    """A JSON value with whole numbers only."""
    kind = rng.randrange(8 if depth < 4 else 6)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.choice([0, -1, 1, 10, -(2**63), 2**63, 2**64, 10**40]) + rng.randrange(-3, 4)
    if kind <= 5:
        return text(rng)
    if kind == 6:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {text(rng): value(rng, depth + 1) for _ in range(rng.randrange(6))}


def text(rng):
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(4)))


def canonical_hex(json_text):
    try:
        return encode_canonical(json.loads(json_text)).encode("utf-8").hex()
    except FormatError:
        return None


def canonical_table(rng):
    texts = list(KNOWN_VALUES)
    while len(texts) < CANONICAL_CASES:
        made = {text(rng): value(rng, 1) for _ in range(rng.randrange(1, 6))}
        texts.append(json.dumps(made, ensure_ascii=rng.random() < 0.5))
    return [[one, canonical_hex(one)] for one in texts]


def name_for(rng, pattern):
    """A name that has a chance: the pattern with its special characters played out, or noise."""
    if rng.random() < 0.3:
        return "".join(rng.choice(NAME_PIECES) for _ in range(rng.randrange(5)))
    name = []
    inside = False
    for character in pattern:
        if character == "*":
            name.append("".join(rng.choice(NAME_PIECES) for _ in range(rng.randrange(3))))
        elif character == "?":
            name.append(rng.choice(NAME_PIECES))
        elif character == "[" and not inside and "]" in pattern:
            inside = True
            name.append(rng.choice(list(pattern) + NAME_PIECES))
        elif character == "]" and inside:
            inside = False
        elif not inside:
            name.append(character)
    if name and rng.random() < 0.3:
        name[rng.randrange(len(name))] = rng.choice(NAME_PIECES)
    return "".join(name)


def pattern_table(rng):
    patterns = list(KNOWN_PATTERNS)
    while len(patterns) < PATTERNS:
        count = rng.randrange(1, 8)
        made = "".join(rng.choice(PATTERN_PIECES) for _ in range(count))
        if rng.random() < 0.5:
            inside = "".join(rng.choice("abcz!-^]\\&é") for _ in range(rng.randrange(1, 7)))
            made = f"{made[:2]}[{inside}]{made[2:3]}"
        if made not in patterns:
            patterns.append(made)
    table = []
    for pattern in patterns:
        names = set()
        for _ in range(200):
            if len(names) >= NAMES_FOR_EACH:
                break
            names.add(name_for(rng, pattern))
        takes = sorted(name for name in names if fnmatch.fnmatchcase(name, pattern))
        table.append([pattern, takes, sorted(names.difference(takes))])
    return table


def lines(table):
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in table)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args()
    tables = {
        "canonical.jsonl": canonical_table(random.Random(SEED)),
        "patterns.jsonl": pattern_table(random.Random(SEED)),
    }
    wrong = []
    for name, table in tables.items():
        path = DATA / name
        if options.check:
            same = path.read_text() == lines(table)
        else:
            DATA.mkdir(exist_ok=True)
            path.write_text(lines(table))
            same = True
        if not same:
            wrong.append(name)
    for name in wrong:
        print(f"{name}: not what the reference says", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
