"""What a program calls to share profit: receivers, splits, thaws, returns, what is left (WECHAT_PAY.md 8)."""

from typing import Any

from flask import Request

from wechat.box import pay_keys, purse, receivers, sharing, sharing_back
from wechat.box.inside import Box
from wechat.box.money_shapes import RECEIVER_ADD, RECEIVER_DELETE, SPLIT, SPLIT_RETURN, UNFREEZE
from wechat.box.pay_api import Answer, check_appid
from wechat.box.pay_shapes import Members, read
from wechat.box.pay_signing import PayRefusal


def _read(request: Request, shape: Members) -> dict[str, Any]:
    return read(request.get_data(), request.content_type or "", shape)


def add_receiver(box: Box, request: Request) -> Answer:
    """POST /v3/profitsharing/receivers/add: again and again is the same."""
    asked = _read(request, RECEIVER_ADD)
    check_appid(box, asked["appid"])
    name = pay_keys.opened(box, request, "/name", asked["name"]) if "name" in asked else None
    receivers.add(box, asked, name)
    told = ("type", "account", "name", "relation_type", "custom_relation")
    return 200, {one: asked[one] for one in told if one in asked}


def delete_receiver(box: Box, request: Request) -> Answer:
    """POST /v3/profitsharing/receivers/delete: again and again is the same."""
    asked = _read(request, RECEIVER_DELETE)
    check_appid(box, asked["appid"])
    receivers.delete(box, asked["type"], asked["account"])
    return 200, {"type": asked["type"], "account": asked["account"]}


def split(box: Box, request: Request) -> Answer:
    """POST /v3/profitsharing/orders"""
    asked = _read(request, SPLIT)
    check_appid(box, asked["appid"])
    for index, one in enumerate(asked["receivers"]):
        if "name" in one:
            one["name"] = pay_keys.opened(box, request, f"/receivers/{index}/name", one["name"])
    with box.store.write():
        return 200, sharing.as_json(box, sharing.split(box, asked))


def query_split(box: Box, request: Request, out_order_no: str) -> Answer:
    """GET /v3/profitsharing/orders/{out_order_no}?transaction_id="""
    if "transaction_id" not in request.args:
        raise PayRefusal(400, "PARAM_ERROR", "缺少必填参数transaction_id")
    with box.store.write():
        found = sharing.find(box, out_order_no)
        if found is None or found["transaction_id"] != request.args["transaction_id"]:
            raise PayRefusal(404, "RESOURCE_NOT_EXISTS", "记录不存在")
        return 200, sharing.as_json(box, found)


def unfreeze(box: Box, request: Request) -> Answer:
    """POST /v3/profitsharing/orders/unfreeze"""
    asked = _read(request, UNFREEZE)
    with box.store.write():
        return 200, sharing.as_json(box, sharing.unfreeze(box, asked))


def give_back(box: Box, request: Request) -> Answer:
    """POST /v3/profitsharing/return-orders"""
    return 200, sharing_back.as_json(box, sharing_back.ask(box, _read(request, SPLIT_RETURN)))


def query_return(box: Box, request: Request, out_return_no: str) -> Answer:
    """GET /v3/profitsharing/return-orders/{out_return_no}?out_order_no="""
    if "out_order_no" not in request.args:
        raise PayRefusal(400, "PARAM_ERROR", "缺少必填参数out_order_no")
    found = sharing_back.find(box, out_return_no)
    if found is None or found["out_order_no"] != request.args["out_order_no"]:
        raise PayRefusal(404, "RESOURCE_NOT_EXISTS", "记录不存在")
    return 200, sharing_back.as_json(box, found)


def remaining(box: Box, request: Request, transaction_id: str) -> Answer:
    """GET /v3/profitsharing/transactions/{transaction_id}/amounts"""
    order = sharing.order_of(box, transaction_id)
    return 200, {
        "transaction_id": transaction_id,
        "unsplit_amount": purse.held(box, order).unsplit_fen,
    }


def ratio(box: Box, request: Request, sub_mchid: str) -> Answer:
    """GET /v3/profitsharing/merchant-configs/{sub_mchid}: for service providers only."""
    raise PayRefusal(403, "NO_AUTH", "普通商户无权限查询最大分账比例")
