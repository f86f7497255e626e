"""The official account: what fans send us, what we answer, the codes they scan, who they are, what we send.

`OfficialAccount` is the whole of it; each family of verbs is a file with a class that it inherits. Families
that a mini-program has too lie one level up (pushing, customer, media, console).
"""

from wechat.official_account.account import MP_BASE, OfficialAccount, OfficialAccountConfig
from wechat.official_account.codes import CodeTicket
from wechat.official_account.fans import Fan, OpenidPage
from wechat.official_account.js_sdk import PageSignature, card_signature, page_signature
from wechat.official_account.menus import Button, ButtonKind, MatchRule, Menu
from wechat.official_account.tags import Tag
from wechat.official_account.web_login import WebProfile, WebVisitor
from wechat.pushing import Push

__all__ = [
    "MP_BASE",
    "Button",
    "ButtonKind",
    "CodeTicket",
    "Fan",
    "MatchRule",
    "Menu",
    "OfficialAccount",
    "OfficialAccountConfig",
    "OpenidPage",
    "PageSignature",
    "Push",
    "Tag",
    "WebProfile",
    "WebVisitor",
    "card_signature",
    "page_signature",
]
