"""The sentences of the account, Chinese, short. Nothing here promises anything for following or sharing."""

from collections.abc import Sequence

from app.attribution.rules import Reason
from app.attribution.serving import Served
from app.attribution.touches import Recorded
from app.base.money import yuan
from app.catalog.listing import Card
from app.stores.directory import StorePage

GUIDE = "回复“门店”查找门店，回复商品名称（如“衬衫”）查看商品。"
NEAR = "发送您的位置，可以查找离您最近的门店。"


def plain_welcome(brand: str) -> str:
    """To somebody who came without a code of ours."""
    return f"您好，欢迎来到{brand}。\n{GUIDE}"


def welcome(brand: str, touch: Recorded) -> str:
    """To somebody who came by a code: from whoever serves this person from now on."""
    if touch.reason is Reason.SELF:
        return "这是您自己的导购码，请让顾客扫描。"
    if not touch.valid:
        return plain_welcome(brand)
    if touch.clerk_code is not None and touch.clerk_code == touch.service_clerk_code:
        return (
            f"您好，我是{touch.store_name}的导购{touch.clerk_name}，很高兴为您服务。\n"
            f"选款、预约到店和售后，都可以在这里找我。\n{GUIDE}"
        )
    hello = f"您好，欢迎来到{touch.store_name}。"
    if touch.service_clerk_name is not None:
        hello += f"\n您的专属导购是{touch.service_store_name}的{touch.service_clerk_name}。"
    return f"{hello}\n{GUIDE}"


def stores(pages: Sequence[StorePage], *, more: bool) -> str:
    """A list of stores."""
    if not pages:
        return f"暂时没有查到门店。{NEAR}"
    lines = [f"· {page.name}{_where(page)}" for page in pages]
    tail = "更多门店请在小程序中查看。\n" if more else ""
    return "我们的门店：\n" + "\n".join(lines) + f"\n{tail}{NEAR}"


def near(found: Sequence[tuple[int, StorePage]]) -> str:
    """The stores closest to a place that a fan sent."""
    if not found:
        return "暂时没有查到附近的门店。"
    lines = [f"· {page.name}，{_distance(metres)}{_open(page)}{_where(page)}" for metres, page in found]
    return "离您最近的门店：\n" + "\n".join(lines)


def goods(cards: Sequence[Card]) -> str:
    """Goods found by name, each with the price it starts from."""
    lines = [f"· {card.name} {yuan(card.from_fen)} 起" for card in cards]
    return "为您找到：\n" + "\n".join(lines) + "\n请在小程序中查看详情、尺码和门店库存。"


def ask_for_goods() -> str:
    """To somebody who tapped the button for goods."""
    return "请回复商品名称，例如“衬衫”“围巾”，为您查找。"


def service(served: Served | None) -> str:
    """To somebody who wants a person."""
    if served is None:
        return "请直接留言说明您的问题，我们会尽快回复。您也可以到附近门店当面咨询。"
    if served.clerk_name is None:
        return f"请直接留言说明您的问题，{served.store_name}会尽快回复。"
    return f"您的专属导购是{served.store_name}的{served.clerk_name}，请直接留言，我们会尽快回复。"


def default() -> str:
    """To whatever we do not understand."""
    return f"收到，谢谢您的留言。\n{GUIDE}"


def _where(page: StorePage) -> str:
    return f"（{page.address}）" if page.address else ""


def _open(page: StorePage) -> str:
    return {True: "，营业中", False: "，休息中"}.get(page.open_now, "") if page.open_now is not None else ""


def _distance(metres: int) -> str:
    return f"{metres} 米" if metres < 1000 else f"{metres // 1000}.{metres % 1000 // 100} 公里"
