"""What must be said about a product: badges on its card, the sentence on returns. Pure."""

from models.catalog import Exemption

# AFT-2: a STATUTORY exemption needs a clear mark on the page, one BY_NATURE the buyer's own tick before
# payment.
_RETURNS: dict[Exemption, tuple[str, str]] = {
    Exemption.NONE: ("支持七日无理由退货", "May be returned within 7 days without giving a reason"),
    Exemption.STATUTORY: (
        "定制等法定商品，不支持七日无理由退货",
        "Exempt by law (such as custom-made goods): no return without a reason",
    ),
    Exemption.BY_NATURE: (
        "因商品性质，经您在付款前确认后不支持七日无理由退货",
        "By its nature, no return without a reason once you have confirmed so before paying",
    ),
}


def badges(
    *, handling: list[str], exemption: Exemption, min_age: int | None, price_fen: int, list_fen: int
) -> list[str]:
    """The badges of a card, in the order they are shown. Words for them are the client's."""
    flags = {flag.partition(":")[0] for flag in handling}
    shown = {
        "SALE": list_fen > price_fen,
        "PRESALE": "presale_days" in flags,
        "CUSTOM_MADE": "custom_made" in flags,
        "SERVICE": "service" in flags,
        "FRAGILE": "fragile" in flags,
        "ADULTS_ONLY": min_age is not None and min_age >= 18,
        "NO_FREE_RETURN": exemption is not Exemption.NONE,
    }
    return [badge for badge, holds in shown.items() if holds]


def return_words(exemption: Exemption, language: str) -> str:
    """The sentence about returning that the page must show, in Chinese or English."""
    zh, en = _RETURNS[exemption]
    return en if language == "en" else zh
