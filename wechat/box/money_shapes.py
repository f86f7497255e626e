"""What bodies about combined orders, abnormal refunds, sharing and transfers may look like (WECHAT_PAY.md 6.3,
8, 9, 10.1)."""

from wechat.box.pay_shapes import CNY, Address, Flag, Many, Moment, OneOf, Text, Whole, members

_NUMBER = r"[0-9A-Za-z_\-|*@]+"
_OUT_TRADE_NO = Text(32, 6, r"[0-9A-Za-z_\-|*]+")
_SEALED = Text(1024)
MOST_RECEIVERS = 50
RELATIONS = (
    *("SERVICE_PROVIDER", "STORE", "STAFF", "STORE_OWNER", "PARTNER", "HEADQUARTER", "BRAND"),
    *("DISTRIBUTOR", "USER", "SUPPLIER", "CUSTOM"),
)
_RECEIVER_TYPE = OneOf(("MERCHANT_ID", "PERSONAL_OPENID"))

COMBINE = members(
    {
        "combine_appid": Text(32),
        "combine_mchid": Text(32),
        "combine_out_trade_no": _OUT_TRADE_NO,
        "sub_orders": Many(
            members(
                {
                    "mchid": Text(32),
                    "amount": members({"total_amount": Whole(1), "currency": CNY}),
                    "out_trade_no": _OUT_TRADE_NO,
                    "description": Text(127),
                },
                {
                    "attach": Text(128, 0),
                    "detail": Text(6000, 0),
                    "goods_tag": Text(32, 0),
                    "settle_info": members({}, {"profit_sharing": Flag(), "subsidy_amount": Whole()}),
                },
            ),
            2,
            10,
        ),
        "combine_payer_info": members({"openid": Text(128)}),
        "notify_url": Address(),
    },
    {
        "time_start": Moment(),
        "time_expire": Moment(),
        "scene_info": members({"payer_client_ip": Text(45)}, {"device_id": Text(16, 0)}),
    },
)
COMBINE_CLOSE = members(
    {
        "combine_appid": Text(32),
        "sub_orders": Many(members({"mchid": Text(32), "out_trade_no": _OUT_TRADE_NO}), 2, 10),
    }
)
ABNORMAL_REFUND = members(
    {
        "out_refund_no": Text(64, 1, _NUMBER),
        "type": OneOf(("USER_BANK_CARD", "MERCHANT_BANK_CARD")),
    },
    {"bank_type": Text(16, 1, r"[A-Z]+_DEBIT"), "bank_account": _SEALED, "real_name": _SEALED},
)
RECEIVER_ADD = members(
    {"appid": Text(32), "type": _RECEIVER_TYPE, "account": Text(64), "relation_type": OneOf(RELATIONS)},
    {"name": _SEALED, "custom_relation": Text(10)},
)
RECEIVER_DELETE = members({"appid": Text(32), "type": _RECEIVER_TYPE, "account": Text(64)})
SPLIT = members(
    {
        "appid": Text(32),
        "transaction_id": Text(32),
        "out_order_no": Text(64, 1, _NUMBER),
        "receivers": Many(
            members(
                {
                    "type": _RECEIVER_TYPE,
                    "account": Text(64),
                    "amount": Whole(1),
                    "description": Text(80),
                },
                {"name": _SEALED},
            ),
            1,
            MOST_RECEIVERS,
        ),
        "unfreeze_unsplit": Flag(),
    }
)
UNFREEZE = members(
    {"transaction_id": Text(32), "out_order_no": Text(64, 1, _NUMBER), "description": Text(80)}
)
SPLIT_RETURN = members(
    {
        "out_return_no": Text(64, 1, _NUMBER),
        "return_mchid": Text(32),
        "amount": Whole(1),
        "description": Text(80),
    },
    {"order_id": Text(64), "out_order_no": Text(64, 1, _NUMBER)},
)
TRANSFER = members(
    {
        "appid": Text(32),
        "out_bill_no": Text(32, 1, r"[0-9A-Za-z]+"),
        "transfer_scene_id": Text(36),
        "openid": Text(64),
        "transfer_amount": Whole(1),
        "transfer_remark": Text(32),
    },
    {
        "user_name": _SEALED,
        "notify_url": Address(),
        "user_recv_perception": Text(32),
        "transfer_scene_report_infos": Many(members({"info_type": Text(15), "info_content": Text(32)})),
        "user_recv_style": members({}, {"type": OneOf(("CONFIRM_PAGE", "RED_PACKET"))}),
    },
)
