"""The words of statements, Chinese and English. Pure."""

from app.base.money import yuan
from models.settlement import Channel, PartyState

Pair = tuple[str, str]

STATES: dict[PartyState, Pair] = {
    PartyState.PLANNED: ("待审批", "not approved yet"),
    PartyState.REMOVED: ("本期不结算", "not settled this month"),
    PartyState.DUE: ("待支付", "to be paid"),
    PartyState.PAID: ("已支付", "paid"),
    PartyState.RETURNED: ("退回余额，下期再付", "came back, paid with a later month"),
    PartyState.CARRIED: ("结转下期", "carried to the next month"),
}
CHANNELS: dict[Channel, Pair] = {
    Channel.PAYROLL: ("随工资发放", "with the payroll"),
    Channel.TRANSFER: ("微信转账", "WeChat transfer"),
    Channel.ENTITY: ("分账或开票结算", "profit sharing or invoice"),
}
KINDS: dict[str, Pair] = {
    "SHARE": ("分成", "share"),
    "ADJUST": ("往期扣回", "taken back from an earlier month"),
}
# What the papers say around the figures.
TITLE: Pair = ("提成结算单", "Commission statement")
LABELS: dict[str, Pair] = {
    "number": ("结算批次", "Settlement"),
    "month": ("结算月份", "Month"),
    "party": ("结算对象", "For"),
    "entity": ("所属公司", "Company"),
    "channel": ("支付方式", "Paid"),
    "state": ("状态", "State"),
    "published": ("公布时间", "Published"),
    "gross": ("分成合计", "Shares"),
    "adjusted": ("往期扣回", "Taken back from earlier months"),
    "tier": ("阶梯调整", "Tier"),
    "carried_in": ("上期结转", "Carried in"),
    "payable": ("本期应付", "Payable"),
    "carried_out": ("结转下期", "Carried out"),
    "debt": ("尚欠，以后期次扣回", "Still owed, taken from later months"),
    "tax": ("个税预估（仅供参考）", "Withholding tax, a preview"),
    "order": ("订单", "Order"),
    "goods": ("商品", "Goods"),
    "sku": ("货号", "SKU"),
    "qty": ("数量", "Qty"),
    "role": ("角色", "Role"),
    "kind": ("类型", "Kind"),
    "earned": ("付款时间", "Paid on"),
    "base": ("提成基数", "Base"),
    "rate": ("提成比例", "Rate"),
    "amount": ("金额", "Amount"),
    "evidence": ("依据", "Evidence"),
    "policy": ("规则版本", "Policy"),
    "bearer": ("承担公司", "Borne by"),
    "reason": ("说明", "Why"),
    "lines": ("明细", "Rows"),
    "total": ("合计", "Total"),
    "tiers": ("阶梯", "Tiers"),
    "target": ("目标", "Target"),
    "attained": ("完成", "Attained"),
    "multiplier": ("系数", "Multiplier"),
    "rows_fen": ("成交与服务分成", "Selling and service shares"),
    "unit": ("金额单位：元", "Amounts in CNY"),
    "agrees": ("明细与账本一致", "The rows agree with the ledger"),
    "differs": ("明细与账本不一致，请联系财务", "The rows differ from the ledger: ask finance"),
    "dispute": ("如有异议，请在公布后7天内提出", "Objections within 7 days of publication"),
    "left_out": ("其余明细见电子表格", "The other rows are in the spreadsheet"),
    "none": ("没有明细", "No rows"),
}


def label(name: str, language: str) -> str:
    """A label by its name."""
    return pick(LABELS[name], language)


def pick(words: Pair, language: str) -> str:
    """The one of two texts that fits the language."""
    return words[1] if language == "en" else words[0]


def page(number: int, total: str, language: str) -> str:
    """The foot of a page."""
    return f"Page {number} of {total}" if language == "en" else f"第 {number} 页，共 {total} 页"


def rate(rate_bp: int) -> str:
    """Basis points for people: 500 -> ``5%``, 12 000 -> ``120%``, 150 -> ``1.5%``."""
    whole, part = divmod(rate_bp, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".") + "%"


def tier(
    *, month: str, attainment_bp: int, multiplier_bp: int, rows_fen: int, earlier_fen: int, language: str
) -> str:
    """How a tier came about (SET-2)."""
    change = rate(abs(multiplier_bp - 10_000))
    if language == "en":
        also = f", after {yuan(earlier_fen)} in earlier settlements" if earlier_fen else ""
        if multiplier_bp == 10_000:
            return f"{month}: {rate(attainment_bp)} of the target, no change{also}"
        word = "more" if multiplier_bp > 10_000 else "less"
        return f"{month}: {rate(attainment_bp)} of the target, {change} {word} on {yuan(rows_fen)}{also}"
    also = f"（往期已计{yuan(earlier_fen)}）" if earlier_fen else ""
    if multiplier_bp == 10_000:
        return f"{month}完成目标的{rate(attainment_bp)}，不加不减{also}"
    word = "加" if multiplier_bp > 10_000 else "减"
    return f"{month}完成目标的{rate(attainment_bp)}，成交与服务分成{yuan(rows_fen)}{word}{change}{also}"
