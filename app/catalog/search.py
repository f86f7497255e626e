"""Search words of goods: characters and bigrams for Chinese, beginnings of words for everything else. Pure.

Most Chinese words have two characters, which a trigram index cannot serve and a dictionary cuts
wrongly (facts, search of 100,000 names). So every product keeps the array that ``terms`` makes of its
names, and a query asks for all of ``query_terms``: ``search_terms @> query_terms`` on a GIN index.
"""

import re
import unicodedata
from collections.abc import Iterator

# A word longer than this is indexed and asked for by its beginning only.
MAX_PREFIX = 16

# Han (with extensions and the iteration marks), kana, Hangul: written without spaces between words.
_UNSPACED = r"\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
_RUNS = re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|(?P<word>[^\W_{_UNSPACED}]+)")


def terms(text: str) -> list[str]:
    """The search terms of a product's text, sorted and without repeats.

    Han, kana and Hangul give every character and every pair of neighbours; a word in letters or
    digits gives all its beginnings up to ``MAX_PREFIX``. Width and case do not matter. Punctuation,
    spaces and control characters only separate. Text without a letter or digit gives an empty list.
    """
    found: set[str] = set()
    for run, unspaced in _runs(text):
        if unspaced:
            found.update(run)
            found.update(_pairs(run))
        else:
            found.update(run[:length] for length in range(1, min(len(run), MAX_PREFIX) + 1))
    return sorted(found)


def query_terms(q: str) -> list[str]:
    """The terms that a product must all have to answer ``q``; empty when ``q`` holds nothing to look for.

    Words may stand in any order; Chinese is matched by neighbouring pairs, words by their beginning.
    """
    wanted: set[str] = set()
    for run, unspaced in _runs(q):
        if unspaced:
            wanted.update(_pairs(run) if len(run) > 1 else run)
        else:
            wanted.add(run[:MAX_PREFIX])
    return sorted(wanted)


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    for match in _RUNS.finditer(folded):
        yield match.group(), match.lastgroup == "unspaced"


def _pairs(run: str) -> Iterator[str]:
    return (run[i : i + 2] for i in range(len(run) - 1))
