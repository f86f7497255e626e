"""What a body to WeChat Pay may look like: every member named, every type strict, nothing unknown
(WECHAT_PAY.md 5, 6)."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wechat.box.pay_signing import PayRefusal

_UNKNOWN_MEMBER = 270924358
_OUT_OF_RANGE = 268435464
_NO_OPENID = 268501013


@dataclass(frozen=True)
class Text:
    """A string of ``least``..``most`` characters, perhaps of a charset."""

    most: int
    least: int = 1
    charset: str = ""


@dataclass(frozen=True)
class Whole:
    """A JSON integer of at least ``least``: no fraction, no string, no boolean."""

    least: int = 0


@dataclass(frozen=True)
class OneOf:
    """One of these words."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Flag:
    """true or false."""


@dataclass(frozen=True)
class Moment:
    """An RFC 3339 time with an offset; fractions are welcome."""


@dataclass(frozen=True)
class Address:
    """An http(s) address with a path and without a query. (The real one must be public and filed; the box is
    local.)"""


@dataclass(frozen=True)
class Many:
    """A list of ``least``..``most`` of these."""

    of: "Shape"
    least: int = 0
    most: int = 1000


@dataclass(frozen=True)
class Members:
    """An object: members by name, those in ``must`` required, all others refused."""

    of: dict[str, "Shape"]
    must: frozenset[str] = field(default_factory=frozenset)


Shape = Text | Whole | OneOf | Flag | Moment | Address | Many | Members


def members(must: dict[str, Shape], may: dict[str, Shape] | None = None) -> Members:
    """An object with these members required, and those allowed."""
    return Members(must | (may or {}), frozenset(must))


CNY = OneOf(("CNY",))
_GOODS = members(
    {"merchant_goods_id": Text(32), "quantity": Whole(1), "unit_price": Whole()},
    {"wechatpay_goods_id": Text(32, 0), "goods_name": Text(256, 0)},
)
_STORE = members({"id": Text(32)}, {"name": Text(256, 0), "area_code": Text(32, 0), "address": Text(512, 0)})
_SCENE: dict[str, Shape] = {"device_id": Text(32, 0), "store_info": _STORE}
_ORDER: dict[str, Shape] = {
    "appid": Text(32),
    "mchid": Text(32),
    "description": Text(127),
    "out_trade_no": Text(32, 6, r"[0-9A-Za-z_\-|*]+"),
    "notify_url": Address(),
    "amount": members({"total": Whole(1)}, {"currency": CNY}),
}
_OF_ORDERS: dict[str, Shape] = {
    "time_expire": Moment(),
    "attach": Text(128, 0),
    "goods_tag": Text(32, 0),
    "support_fapiao": Flag(),
    "limit_pay": Many(OneOf(("no_balance", "no_credit", "no_debit", "balance_only"))),
    "detail": members({}, {"cost_price": Whole(), "invoice_id": Text(32, 0), "goods_detail": Many(_GOODS)}),
    "scene_info": members({"payer_client_ip": Text(45)}, _SCENE),
    "settle_info": members({}, {"profit_sharing": Flag()}),
}
JSAPI = members(_ORDER | {"payer": members({"openid": Text(128)})}, _OF_ORDERS)
NATIVE = APP = members(_ORDER, _OF_ORDERS)
_H5 = members(
    {"type": Text(32)},
    {
        "app_name": Text(64, 0),
        "app_url": Text(128, 0),
        "bundle_id": Text(128, 0),
        "package_name": Text(128, 0),
    },
)
H5 = members(
    _ORDER | {"scene_info": members({"payer_client_ip": Text(45), "h5_info": _H5}, _SCENE)},
    {name: shape for name, shape in _OF_ORDERS.items() if name != "scene_info"}
    | {"payer": members({}, {"openid": Text(128, 0)})},
)
CLOSE = members({"mchid": Text(32)})
ECHO = members({"echo_message": Text(1024)}, {"encrypted_echo_message": Text(1024), "notify_url": Address()})
REFUND = members(
    {
        "out_refund_no": Text(64, 1, r"[0-9A-Za-z_\-|*@]+"),
        "amount": members(
            {"refund": Whole(1), "total": Whole(1), "currency": CNY},
            {"from": Many(members({"account": OneOf(("AVAILABLE", "UNAVAILABLE")), "amount": Whole(1)}))},
        ),
    },
    {
        "transaction_id": Text(32),
        "out_trade_no": Text(32, 6),
        "reason": Text(80, 0),
        "notify_url": Address(),
        "funds_account": OneOf(("AVAILABLE", "UNSETTLED")),
        "goods_detail": Many(
            members(
                {
                    "merchant_goods_id": Text(32),
                    "unit_price": Whole(),
                    "refund_amount": Whole(),
                    "refund_quantity": Whole(1),
                },
                {"wechatpay_goods_id": Text(32, 0), "goods_name": Text(256, 0)},
            )
        ),
    },
)


def _bad(path: str, issue: str, value: object = None, number: int = 0) -> PayRefusal:
    detail = {"field": path, "issue": issue, "location": "body"}
    if isinstance(value, str | int) and not isinstance(value, bool):
        detail["value"] = str(value)
    refusal = PayRefusal(400, "PARAM_ERROR", f"输入源“/body{path}”映射到字段规则校验失败，{issue}", detail)
    refusal.number = number or refusal.number
    return refusal


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("the same member twice")
    return dict(pairs)


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def read(body: bytes, content_type: str, shape: Members) -> dict[str, Any]:
    """The body as an object of this shape, or PayRefusal 400 PARAM_ERROR naming the first member that is
    wrong."""
    if not content_type.lower().startswith("application/json"):
        raise PayRefusal(400, "PARAM_ERROR", "Http头Content-Type不是application/json")
    try:
        asked = json.loads(body.decode("utf-8"), object_pairs_hook=_no_twins, parse_constant=_no_constant)
        json.dumps(asked, ensure_ascii=False).encode()  # half a surrogate pair is no character
    except (ValueError, RecursionError):
        raise PayRefusal(400, "PARAM_ERROR", "请求体不是有效的JSON") from None
    _check(shape, asked, "")
    assert isinstance(asked, dict)
    return asked


def _check(shape: Shape, value: Any, path: str) -> None:
    if isinstance(shape, Members):
        _check_members(shape, value, path)
    elif isinstance(shape, Many):
        if not isinstance(value, list):
            raise _bad(path, "类型不是数组", value)
        if not shape.least <= len(value) <= shape.most:
            raise _bad(
                path, f"个数 {len(value)} 不在 {shape.least} 到 {shape.most} 之间", number=_OUT_OF_RANGE
            )
        for index, one in enumerate(value):
            _check(shape.of, one, f"{path}/{index}")
    elif isinstance(shape, Whole):
        if type(value) is not int:
            raise _bad(path, "类型不是整数", value)
        if not shape.least <= value < 2**63:
            raise _bad(path, f"值低于最小值 {shape.least} 或过大", value, _OUT_OF_RANGE)
    elif isinstance(shape, Flag):
        if type(value) is not bool:
            raise _bad(path, "类型不是布尔值", value)
    else:
        _check_string(shape, value, path)


def _check_members(shape: Members, value: Any, path: str) -> None:
    if not isinstance(value, dict):
        raise _bad(path, "类型不是对象", value)
    for name in value:
        if name not in shape.of:
            raise _bad(f"{path}/{name}", "请求中含有未在API文档中定义的参数", number=_UNKNOWN_MEMBER)
    for name, inner in shape.of.items():
        if name in value:
            _check(inner, value[name], f"{path}/{name}")
        elif name in shape.must:
            raise _bad(
                f"{path}/{name}", "缺少必填字段", number=_NO_OPENID if name in ("payer", "openid") else 0
            )


def _check_string(shape: Text | OneOf | Moment | Address, value: Any, path: str) -> None:
    if not isinstance(value, str):
        raise _bad(path, "类型不是字符串", value)
    if any(ord(char) > 0xFFFF for char in value):
        raise _bad(path, "含有四字节UTF-8字符", value)
    if isinstance(shape, Text):
        if not shape.least <= len(value) <= shape.most:
            raise _bad(
                path, f"长度 {len(value)} 不在 {shape.least} 到 {shape.most} 之间", value, _OUT_OF_RANGE
            )
        if shape.charset and not re.fullmatch(shape.charset, value):
            raise _bad(path, "含有不允许的字符", value)
    elif isinstance(shape, OneOf):
        if value not in shape.words:
            raise _bad(path, f"值不是 {'、'.join(shape.words)} 之一", value)
    elif isinstance(shape, Moment):
        moment(value, path)
    elif not re.fullmatch(r"https?://[^/\s?#]+/[^\s?#]*", value) or len(value) > 255:
        raise _bad(path, "不是不带参数的http(s)地址", value)


def moment(text: str, path: str = "") -> float:
    """Seconds since 1970 of an RFC 3339 time. Raises PayRefusal for anything else."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)", text)
    try:
        if found is None:
            raise ValueError(text)
        return datetime.fromisoformat(found[1] + found[2].replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise _bad(path, "不是RFC3339格式的时间", text) from None
