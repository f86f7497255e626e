"""The words of an explained order for people who are not the earning party (SET-5). Pure: facts in, words out."""

from app.commission import words
from app.commission.explaining import Event
from app.commission.statement import StatementRow
from models.commission import EntryKind, Role

# The sentences of ``words`` speak to whoever earns; here they speak about them.
_ABOUT_ZH = (("贵公司", "该公司"), ("本店", "该店"), ("您", "该导购"))
_ABOUT_EN = (
    ("You serve", "The clerk serves"),
    ("You brought", "The clerk brought"),
    ("Yours was", "The clerk's was"),
    ("were yours", "were the clerk's"),
    ("is yours", "is the clerk's"),
    ("you have stayed", "the clerk has stayed"),
    ("you brought", "the clerk brought"),
    ("counts for you", "counts for the clerk"),
    ("your part", "the clerk's part"),
    ("your company", "the company"),
    ("your store", "the store"),
)
NOBODY = ("其他参与方", "another party")
_REFUNDS = {
    "DEFECT": ("商品瑕疵退款", "refund by the seller's fault"),
    "CANCEL": ("取消退款", "refund of a cancelled order"),
    "AFTER_SALE": ("售后退款", "refund"),
}


def nobody(language: str) -> str:
    """Whom the reader may not know."""
    return _pick(NOBODY, language)


def why(row: StatementRow, language: str) -> str:
    """Why a share exists and how its amount came about, about its party."""
    if not row.reason:
        return _pick(NOBODY, language)
    told = words.why(row, language)
    for you, they in _ABOUT_EN if language == "en" else _ABOUT_ZH:
        told = told.replace(you, they)
    return told


def role(role: Role, language: str, *, veiled: bool) -> str:
    """The role's name; where the reader may not know who, only that there is somebody."""
    return _pick(NOBODY, language) if veiled else words.role(role, language)


def event(event: Event, language: str) -> str:
    """What happened, in a few words: ``售后退款：退款收回``."""
    name = words.entry(event.kind, language)
    if event.kind is EntryKind.REVERSE and event.because in _REFUNDS:
        return f"{_pick(_REFUNDS[event.because], language)}{_colon(language)}{name}"
    if event.kind in (EntryKind.MOVE_IN, EntryKind.MOVE_OUT):
        if event.because == "EXCHANGE":
            return f"{_pick(('换货', 'exchange'), language)}{_colon(language)}{name}"
        told = words.MOVED_WORDS.get(str(event.because), words.MOVED_WORDS["DECIDED"])
        return f"{_pick(told, language).removesuffix('转入')}{_colon(language)}{name}"
    return name


def _colon(language: str) -> str:
    return ": " if language == "en" else "："


def _pick(told: tuple[str, str], language: str) -> str:
    return told[1] if language == "en" else told[0]
