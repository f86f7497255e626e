"""The story of a member in plain words, Chinese and English. Pure: events in, sentences out."""

from app.base.clock import local_day
from app.relations.story import Event

_TOUCHES: dict[str, tuple[str, str]] = {
    "SUBSCRIBE_SCAN": ("扫码关注", "followed by scanning a code"),
    "SCAN": ("扫码", "scanned a code"),
    "MP_SCENE": ("通过小程序码进入", "opened the mini-program by a code"),
    "SHARE_CLICK": ("点开分享", "opened a shared page"),
    "COUPON_CLAIM": ("领取优惠券", "took a coupon"),
    "CLERK_CODE": ("填写导购码", "named the clerk's code"),
    "ASSISTED_ORDER": ("由导购协助下单", "ordered with the clerk"),
    "POS_SALE": ("在收银台成交", "bought at the till"),
    "CHAT": ("咨询导购", "talked to the clerk"),
    "PICKUP_VERIFY": ("到店提货", "collected goods"),
    "BOOKING": ("预约到店", "booked a visit"),
    "CONTENT_READ": ("阅读内容", "read content"),
    "ARRIVE": ("到店", "came to the store"),
    "LEAVE": ("离店", "left the store"),
}
_INVALID: dict[str, tuple[str, str]] = {
    "CODE_UNKNOWN": ("不是本品牌的码", "no code of ours"),
    "CODE_REVOKED": ("码已停用", "the code was withdrawn"),
    "CODE_EXPIRED": ("码已过期", "the code had expired"),
    "SELF": ("导购扫了自己的码", "the fan is the clerk"),
    "STORE_CLOSED": ("门店已关闭", "the store was closed"),
    "STORE_CLOSING": ("门店即将关闭", "the store was closing"),
    "CLERK_LEAVING": ("导购正在离职，只计门店", "the clerk was leaving: counts for the store"),
    "CLERK_LEFT": ("导购已离职，只计门店", "the clerk had left: counts for the store"),
}
_RESULTS: dict[str, tuple[str, str]] = {
    "ACQUIRED": ("首次有效触点，计为拉新", "the first valid touch: an acquisition"),
    "REACTIVATED": ("老顾客回流，不计拉新", "a known customer came back: no acquisition share"),
    "REBOUND": ("保护期已过且原导购长期未服务，换绑", "protection was over and the clerk inactive: rebound"),
    "RECORDED": ("仅记录，关系不变", "noted, nothing changed"),
    "LOST_RACE": ("同一秒内他人在先", "another clerk was first within the same second"),
    "INVALID": ("无效触点，只作留证", "does not count, kept as evidence"),
}
_REASONS: dict[str, tuple[str, str]] = {
    "ACQUIRED": ("随拉新绑定", "with the acquisition"),
    "CUSTOMER": ("顾客本人选择", "the member's own choice"),
    "REBOUND": ("保护期后由新触点换绑", "a new touch after protection and inactivity"),
    "HANDOVER": ("原导购离职交接", "handed over because the clerk left"),
    "TRANSFER": ("员工转移", "transferred by staff"),
    "MOVED": ("导购调店", "the clerk changed the store"),
    "CLOSING": ("门店关闭", "the store closed"),
    "REFUSED": ("顾客拒绝交接，回到门店", "the member refused the hand-over: the store's pool"),
    "MERGE": ("会员合并", "two members became one"),
}


def sentence(event: Event, language: str) -> str:
    """What happened, as one sentence in ``zh`` or ``en``."""
    zh, en = _both(event)
    return en if language == "en" else zh


def _both(event: Event) -> tuple[str, str]:
    match event.kind:
        case "MET":
            return "首次与品牌相识", "Met the brand for the first time"
        case "TOUCH":
            return _touch(event)
        case "ACQUISITION":
            return _acquisition(event)
        case "BINDING":
            return _binding(event)
    return f"与会员{event.result}合并为一人", f"Member {event.result} turned out to be the same person"


def _touch(event: Event) -> tuple[str, str]:
    by_zh, by_en = _TOUCHES.get(event.what or "", (event.what or "", event.what or ""))
    end_zh, end_en = _RESULTS.get(event.result or "", ("", ""))
    if event.reason:
        why_zh, why_en = _INVALID.get(event.reason, (event.reason, event.reason))
        end_zh, end_en = f"{why_zh}；{end_zh}", f"{why_en}; {end_en}"
    who_zh, who_en = _who(event)
    return f"{by_zh}（{who_zh}）：{end_zh}", f"{by_en.capitalize()} ({who_en}): {end_en}"


def _acquisition(event: Event) -> tuple[str, str]:
    who_zh, who_en = _who(event)
    by_zh, by_en = _TOUCHES.get(event.result or "", ("", ""))
    if event.what == "REACTIVATION":
        return (
            f"此前已有消费，{who_zh}为回流触点，不计拉新分成",
            f"Had bought before; {who_en} brought the member back, no acquisition share",
        )
    return f"由{who_zh}拉新（{by_zh}）", f"Acquired by {who_en} ({by_en})"


def _binding(event: Event) -> tuple[str, str]:
    why_zh, why_en = _REASONS.get(event.what or "", ("", ""))
    if event.why:
        why_zh, why_en = f"{why_zh}，{event.why}", f"{why_en}: {event.why}"
    who_zh, who_en = _who(event)
    if not event.valid:
        return (
            f"曾记为由{who_zh}服务，随即更正（{why_zh}）",
            f"Noted as served by {who_en}, corrected ({why_en})",
        )
    until = local_day(event.until).isoformat() if event.until else None
    end_zh, end_en = (f"至{until}", f" until {until}") if until else ("至今", " until now")
    actor = _actor(event.actor)
    return (
        f"由{who_zh}服务{end_zh}：{why_zh}{actor[0]}",
        f"Served by {who_en}{end_en}: {why_en}{actor[1]}",
    )


def _who(event: Event) -> tuple[str, str]:
    if event.hidden:
        return "品牌其他公司的门店", "a store of another company of the brand"
    if event.store is None:
        return "未知来源", "nobody known"
    if event.clerk is None:
        return f"{event.store_name}（门店）", f"the store {event.store_name}"
    return f"{event.store_name}的{event.clerk_name}", f"{event.clerk_name} of {event.store_name}"


def _actor(actor: str | None) -> tuple[str, str]:
    kind, _, code = (actor or "").partition(":")
    if kind in ("operator", "clerk") and code:
        return f"（{code}操作）", f" (by {code})"
    return "", ""
