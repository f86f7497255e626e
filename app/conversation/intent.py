"""What a fan's text asks for. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

LONGEST_QUESTION = 40

_STORES = re.compile(r"门店|店铺|店面|附近|哪里有店|地址|\bstores?\b")
_SERVICE = re.compile(r"客服|人工|导购|售后|退货|退款|投诉|\bhelp\b")
_FILLING = re.compile(
    r"门店|店铺|店面|附近|哪里有店|地址|stores?|[的在有吗呢?？!！。，,、\s]|市$|查找|查询|列表"
)


class Wish(StrEnum):
    STORES = "STORES"  # where the stores are
    SERVICE = "SERVICE"  # a person
    GOODS = "GOODS"  # goods by name
    NOTHING = "NOTHING"  # a greeting, a sticker, something we do not understand


@dataclass(frozen=True)
class Intent:
    """What is asked for, and the words that narrow it: a city, or the name of goods."""

    wish: Wish
    about: str = ""


def intent_of(text: str) -> Intent:
    """Read a text of a fan. "门店" and "深圳的门店" ask for stores, "衬衫" for goods."""
    said = unicodedata.normalize("NFKC", text).strip().lower()
    if _STORES.search(said):
        about = _FILLING.sub("", said)
        return Intent(Wish.STORES, about if len(about) <= LONGEST_QUESTION else "")
    if _SERVICE.search(said):
        return Intent(Wish.SERVICE)
    if 0 < len(said) <= LONGEST_QUESTION:
        return Intent(Wish.GOODS, said)
    return Intent(Wish.NOTHING)


def intent_of_click(key: str) -> Intent:
    """What a menu button asks for, by the key it was made with."""
    return Intent(Wish(key)) if key in set(Wish) else Intent(Wish.NOTHING)
