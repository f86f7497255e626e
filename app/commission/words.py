"""The reason of every share in plain words, Chinese and English (SET-5). Pure: facts in, a sentence out."""

from datetime import datetime
from typing import Any

from app.base.clock import local_day
from app.base.money import yuan
from app.commission.statement import StatementRow
from models.commission import EntryKind, PartyKind, Role, ShareState

ROLE_WORDS: dict[Role, tuple[str, str]] = {
    Role.ACQ_CLERK: ("拉新导购", "acquisition clerk"),
    Role.ACQ_STORE: ("拉新门店", "acquisition store"),
    Role.SVC_CLERK: ("服务导购", "service clerk"),
    Role.SELL_CLERK: ("成交导购", "selling clerk"),
    Role.FULFIL_STORE: ("履约门店", "fulfilment store"),
    Role.HQ: ("总部", "head office"),
}
STATE_WORDS: dict[ShareState, tuple[str, str]] = {
    ShareState.FROZEN: ("预计（待售后期结束）", "expected (until the after-sale window ends)"),
    ShareState.RELEASABLE: ("已确定（待结算）", "certain (waits for settlement)"),
    ShareState.IN_BATCH: ("结算中", "being settled"),
    ShareState.SETTLED: ("已结算", "paid out"),
    ShareState.HELD: ("核查中", "under review"),
    ShareState.REVERSED: ("已随退款收回", "taken back with the refund"),
    ShareState.MOVED: ("已转给他人", "handed to others"),
    ShareState.WRITTEN_OFF: ("欠款已核销", "debt written off"),
}
ENTRY_WORDS: dict[EntryKind, tuple[str, str]] = {
    EntryKind.ACCRUE: ("入账", "earned"),
    EntryKind.REVERSE: ("退款收回", "taken back"),
    EntryKind.RELEASE: ("转为确定", "became certain"),
    EntryKind.MOVE_OUT: ("转出", "handed to others"),
    EntryKind.MOVE_IN: ("转入", "came from another"),
    EntryKind.SETTLE: ("结算", "settled"),
    EntryKind.WRITE_OFF: ("核销欠款", "debt written off"),
}
# Why a share came from another party, by the kind of the move.
MOVED_WORDS: dict[str, tuple[str, str]] = {
    "MERGE": (
        "两个会员账号为同一人，合并后按更早的拉新归属转入",
        "Two members were one person: after the merge the earlier acquisition counts",
    ),
    "DISPUTE": ("经申诉裁定转入", "A dispute was decided"),
    "FRAUD": ("经风险核查裁定转入", "A review was decided"),
    "SHARED_SALE": ("多位导购共同接待，按共享成交约定转入", "Several clerks served and share the sale"),
    "DECIDED": ("按裁定转入", "It was decided so"),
}
# How the customer met the clerk or the store: the kind of the touch behind the share.
_BY: dict[str, tuple[str, str]] = {
    "SUBSCRIBE_SCAN": ("扫码关注", "followed by scanning the code"),
    "SCAN": ("扫码", "scanned the code"),
    "MP_SCENE": ("扫小程序码", "opened the mini-program by the code"),
    "SHARE_CLICK": ("点开分享", "opened the shared page"),
    "COUPON_CLAIM": ("领券", "took the coupon"),
    "CLERK_CODE": ("填写导购码", "named the clerk's code"),
    "ASSISTED_ORDER": ("由导购协助下单", "ordered with the clerk"),
    "POS_SALE": ("在收银台成交", "bought at the till"),
    "CHAT": ("咨询", "asked the clerk"),
    "PICKUP_VERIFY": ("到店提货", "collected goods"),
    "BOOKING": ("预约", "booked a visit"),
}

# Why somebody sold under a policy that follows touches (POL-3).
MODE_WORDS: dict[str, tuple[str, str]] = {
    "FIRST_TOUCH_LIFETIME": (
        "您{on}{by}带来这位顾客{place}，按首次接触终身归您",
        "You brought this customer{at}{place_en}: the first touch earns for ever",
    ),
    "FIRST_TOUCH_LEFT": (
        "带来这位顾客的导购已离职，按首次接触终身归其门店{place}",
        "The clerk who brought this customer has left: the first touch earns for the store{place_en}",
    ),
    "FIRST_TOUCH_STORE": (
        "这位顾客{on}{by}由门店带来{place}，按首次接触终身归门店",
        "The store's own code brought this customer{at}{place_en}: the first touch earns for ever",
    ),
    "LAST_TOUCH": (
        "下单前最后一次接触是您：顾客{on}{by}{place}",
        "Yours was the last touch before the order: the customer {by_en}{at}{place_en}",
    ),
    "PROTECT_THEN_OPEN": (
        "这位顾客{since}归您{place}，保护期内或仍有往来，他人接触不改变归属",
        "This customer is yours{since_en}{place_en}: protected, or you have stayed in touch",
    ),
    "LINEAR": (
        "下单前的{of}次有效接触中您有{touches}次{place}，按次数平均",
        "{touches} of the {of} touches before the order were yours{place_en}, each counts the same",
    ),
    "POSITION": (
        "下单前的{of}次有效接触中您有{touches}次{place}，按首次、中间、末次的权重",
        "{touches} of the {of} touches before the order were yours{place_en}, first, middle and last weigh differently",
    ),
}


def role(role: Role, language: str) -> str:
    """The role's name."""
    return _pick(ROLE_WORDS[role], language)


def state(state: ShareState, language: str) -> str:
    """What the state means for whoever earns."""
    return _pick(STATE_WORDS[state], language)


def entry(kind: EntryKind, language: str) -> str:
    """What a change of a share is called."""
    return _pick(ENTRY_WORDS[kind], language)


def why(row: StatementRow, language: str) -> str:
    """Why this share exists and how its amount came about, addressed to the party that earns it."""
    zh, en = _cause(row)
    sum_zh, sum_en = _sum(row)
    if language == "en":
        back = f"; {yuan(row.reversed_fen)} taken back by refunds" if row.reversed_fen else ""
        gone = f"; {yuan(row.moved_fen)} handed on" if row.moved_fen else ""
        return f"{en}: {sum_en}{back}{gone}"
    back = f"；退款收回{yuan(row.reversed_fen)}" if row.reversed_fen else ""
    gone = f"；转出{yuan(row.moved_fen)}" if row.moved_fen else ""
    rest = f"，余{yuan(row.amount_fen)}" if back or gone else ""
    return f"{zh}：{sum_zh}{back}{gone}{rest}"


def evidence(row: StatementRow, language: str) -> str:
    """What the share rests on, shortly: kind of touch, day, place; empty when there was none."""
    zh, en = _by(row.reason)
    place = row.reason.get("store_name") or row.reason.get("store") or ""
    return " ".join(part for part in (_pick((zh, en), language), _day(row.reason), str(place)) if part)


def when_certain(row: StatementRow, language: str) -> str:
    """When a refund can no longer take this share away (FRZ-2)."""
    if row.state is not ShareState.FROZEN:
        return state(row.state, language)
    if row.certain_at is None:
        zh = f"顾客收货后第{row.wait_days + 1}天零点起确定，其间如有售后则顺延"
        en = f"certain on day {row.wait_days + 1} after the customer has the goods, unless a refund is open"
    else:
        day = local_day(row.certain_at).isoformat()
        zh, en = f"{day}零点起确定，其间如有售后则顺延", f"certain from {day}, unless a refund is open"
    return _pick((zh, en), language)


def percent(rate_bp: int) -> str:
    """Basis points as people read them: 3000 -> ``30%``, 150 -> ``1.5%``."""
    whole, part = divmod(rate_bp, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".") + "%"


def _pick(words: tuple[str, str], language: str) -> str:
    return words[1] if language == "en" else words[0]


def _cause(row: StatementRow) -> tuple[str, str]:
    facts = row.reason
    if facts.get("moved_from"):
        return MOVED_WORDS.get(str(facts.get("moved_because")), MOVED_WORDS["DECIDED"])
    share = percent(int(facts.get("weight_bp", 0)))
    place, day = _place(facts), _day(facts)
    by_zh, by_en = _by(facts)
    who = f", who {by_en}," if by_en else ""
    match row.role:
        case Role.ACQ_CLERK if facts.get("because") == "ACQUIRING_CLERK_LEFT":
            return (
                f"{_you(row)[0]}的导购{_on(day)}{by_zh}带来这位顾客，现已离职，其拉新分成{share}归门店{place[0]}",
                f"A clerk who has left brought this customer{_at(day)}{place[1]}; "
                f"the acquisition share {share} goes to the store",
            )
        case Role.ACQ_CLERK:
            return (
                f"您{_on(day)}{by_zh}带来的顾客{place[0]}在本单消费，拉新分成{share}",
                f"A customer you brought{_at(day)}{place[1]}{who} bought here, acquisition share {share}",
            )
        case Role.ACQ_STORE:
            return (
                f"{_you(row)[0]}{_on(day)}{by_zh}带来的顾客{place[0]}在本单消费，拉新门店分成{share}",
                f"A customer {_you(row)[1]} brought{_at(day)}{place[1]}{who} bought here, "
                f"acquisition store share {share}",
            )
        case Role.SVC_CLERK:
            return (
                f"您{'自' + day + '起' if day else ''}是这位顾客的专属导购{place[0]}，服务分成{share}",
                f"You serve this customer{' since ' + day if day else ''}{place[1]}, service share {share}",
            )
        case Role.SELL_CLERK:
            return _together(facts, *_sold(facts, share, day, place))
        case Role.FULFIL_STORE:
            return (
                f"本单由{_you(row)[0]}{place[0]}交付商品，履约分成{share}",
                f"The goods are handed over by {_you(row)[1]}{place[1]}, fulfilment share {share}",
            )
        case Role.HQ:
            return _left_over(row, share)


def _sold(facts: dict[str, Any], share: str, day: str, place: tuple[str, str]) -> tuple[str, str]:
    by_zh, by_en = _by(facts)
    if facts.get("because") in MODE_WORDS:
        zh, en = MODE_WORDS[facts["because"]]
        told = {
            "on": _on(day),
            "at": _at(day),
            "since": "自" + day + "起" if day else "",
            "since_en": f" since {day}" if day else "",
            "by": by_zh or "接触",
            "by_en": by_en or "met the clerk",
            "place": place[0],
            "place_en": place[1],
            "touches": facts.get("touches", 1),
            "of": facts.get("of_touches", 1),
        }
        part = percent(int(facts.get("part_bp", 10000)))
        return f"{zh.format(**told)}，分成{part}", f"{en.format(**told)}, share {part}"
    if not by_zh:
        return (
            f"本单没有其他导购促成，按您是这位顾客的专属导购{place[0]}计，成交分成{share}",
            f"No other clerk led to this order, so it counts for you as the customer's clerk{place[1]}, "
            f"sales share {share}",
        )
    return (
        f"顾客{_on(day)}{by_zh}{place[0]}后下单，由您促成，成交分成{share}",
        f"The customer {by_en}{_at(day)}{place[1]} and bought, sales share {share}",
    )


def _together(facts: dict[str, Any], zh: str, en: str) -> tuple[str, str]:
    """SPL-6: what several clerks sold, each with the part that was declared."""
    if not facts.get("shared_sale"):
        return zh, en
    part = percent(int(facts["part_bp"]))
    return f"{zh}，共享成交，您占{part}", f"{en}, shared sale, your part {part}"


def _left_over(row: StatementRow, share: str) -> tuple[str, str]:
    parts = [(Role(part["role"]), percent(part["weight_bp"])) for part in row.reason.get("roles", [])]
    if not parts:
        return ("无人应得，全部归总部", "Nobody earned anything, all goes to head office")
    zh = "、".join(f"{ROLE_WORDS[role][0]}{rate}" for role, rate in parts)
    en = ", ".join(f"{ROLE_WORDS[role][1]} {rate}" for role, rate in parts)
    if row.reason.get("self_purchase"):
        return (
            f"顾客本人是在职导购，个人分成归总部（{zh}），合计{share}",
            f"The customer is a clerk, so personal shares go to head office ({en}), together {share}",
        )
    return (
        f"无人应得的部分归总部（{zh}），合计{share}",
        f"What nobody earned goes to head office ({en}), together {share}",
    )


def _sum(row: StatementRow) -> tuple[str, str]:
    if row.reason.get("moved_from"):
        return (f"转入{yuan(row.accrued_fen)}", f"{yuan(row.accrued_fen)} came over")
    if not row.pool_bp:
        return ("成交价低于提成折扣线，本单不计提成", "sold below the discount floor, no commission")
    weight_bp = int(row.reason.get("weight_bp", 0))
    pool = f"{yuan(row.base_fen)}×{percent(row.pool_bp)}"
    # SPL-5 redistributed or SPL-6 shared: the weight is not the fraction of the pool that was received.
    if row.reason.get("missing") == "REDISTRIBUTE" or "part_bp" in row.reason or not weight_bp:
        got = yuan(row.accrued_fen)
        return (f"基数{pool}，按权重分得{got}", f"base {pool}, of which by weight {got}")
    amount = f"{pool}×{percent(weight_bp)} = {yuan(row.accrued_fen)}"
    return (f"基数{amount}", f"base {amount}")


def _you(row: StatementRow) -> tuple[str, str]:
    return ("贵公司", "your company") if row.party_kind is PartyKind.ENTITY else ("本店", "your store")


def _place(facts: dict[str, Any]) -> tuple[str, str]:
    name = facts.get("store_name") or facts.get("store")
    return (f"（{name}）", f" ({name})") if name else ("", "")


def _day(facts: dict[str, Any]) -> str:
    moment = facts.get("at")
    return local_day(datetime.fromisoformat(moment)).isoformat() if moment else ""


def _by(facts: dict[str, Any]) -> tuple[str, str]:
    zh, en = _BY.get(str(facts.get("touch_kind")), ("", ""))
    return zh, en


def _on(day: str) -> str:
    return f"于{day}" if day else ""


def _at(day: str) -> str:
    return f" on {day}" if day else ""
