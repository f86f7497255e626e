"""Every call of the official account: exact bytes out, typed answers in, limits refused before the call."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.wechat.apps import APPID, FAN, JPEG, OK, SECRET, Case, an_account, check
from tests.wechat.local import Say
from wechat.console import Quota
from wechat.customer import Article
from wechat.media import Media
from wechat.official_account import (
    Button,
    ButtonKind,
    CodeTicket,
    Fan,
    MatchRule,
    Menu,
    OfficialAccount,
    OpenidPage,
    Tag,
    WebProfile,
    WebVisitor,
)

Act = Callable[[OfficialAccount], object]
AT = datetime(2024, 4, 26, 6, 20, 45, tzinfo=UTC)
MENU = [
    Button("门店", ButtonKind.CLICK, "STORES"),
    Button(
        "我的",
        under=(
            Button("订单", ButtonKind.PAGE, "p/o", "wx9", "http://o"),
            Button("网", ButtonKind.VIEW, "http://w"),
        ),
    ),
]
MENU_JSON = (
    '[{"type": "click", "name": "门店", "key": "STORES"}, {"name": "我的", "sub_button": ['
    '{"type": "miniprogram", "name": "订单", "pagepath": "p/o", "appid": "wx9", "url": "http://o"}, '
    '{"type": "view", "name": "网", "url": "http://w"}]}]'
)
VISITOR = WebVisitor(FAN, "u1", False, "snsapi_userinfo", "AT", "RT", 7200)
VISITOR_JSON = (
    f'{{"access_token":"AT","expires_in":7200,"refresh_token":"RT","openid":"{FAN}",'
    '"scope":"snsapi_userinfo","unionid":"u1"}'
).encode()

CASES = {
    "number code": Case(
        lambda oa: oa.create_number_code(100000),
        "POST /cgi-bin/qrcode/create?{token}",
        '{"action_info": {"scene": {"scene_id": 100000}}, "action_name": "QR_LIMIT_SCENE"}',
        b'{"ticket":"t","url":"u"}',
        CodeTicket("t", "u", None),
    ),
    "temporary number code": Case(
        lambda oa: oa.create_number_code(2**32 - 1, expires_in_s=60),
        "POST /cgi-bin/qrcode/create?{token}",
        '{"action_info": {"scene": {"scene_id": 4294967295}}, "action_name": "QR_SCENE", "expire_seconds": 60}',
        b'{"ticket":"t","expire_seconds":60,"url":"u"}',
        CodeTicket("t", "u", 60),
    ),
    "fans": Case(
        lambda oa: oa.fans([FAN, "oB"]),
        "POST /cgi-bin/user/info/batchget?{token}",
        f'{{"user_list": [{{"openid": "{FAN}", "lang": "zh_CN"}}, {{"openid": "oB", "lang": "zh_CN"}}]}}',
        json.dumps(
            {
                "user_info_list": [
                    {
                        "subscribe": 1,
                        "openid": FAN,
                        "subscribe_time": 1714112445,
                        "remark": "好",
                        "tagid_list": [128, 2],
                    }
                    | {"subscribe_scene": "ADD_SCENE_QR_CODE", "qr_scene": 98765, "qr_scene_str": ""},
                    {"subscribe": 0, "openid": "oB"},
                ]
            }
        ).encode(),
        [
            Fan(FAN, None, True, AT, "98765", "ADD_SCENE_QR_CODE", (128, 2), "好"),
            Fan("oB", None, False, None, None),
        ],
    ),
    "followers": Case(
        lambda oa: oa.followers("oA"),
        "GET /cgi-bin/user/get?next_openid=oA&{token}",
        "",
        b'{"total":3,"count":2,"data":{"openid":["oB","oC"]},"next_openid":"oC"}',
        OpenidPage(3, ("oB", "oC"), "oC"),
    ),
    "remark": Case(
        lambda oa: oa.remark(FAN, "老顾客"),
        "POST /cgi-bin/user/info/updateremark?{token}",
        f'{{"openid": "{FAN}", "remark": "老顾客"}}',
        OK,
        None,
    ),
    "tags": Case(
        lambda oa: oa.tags(),
        "GET /cgi-bin/tags/get?{token}",
        "",
        '{"tags":[{"id":2,"name":"星标组","count":0},{"id":127,"name":"广东","count":5}]}'.encode(),
        [Tag(2, "星标组"), Tag(127, "广东", 5)],
    ),
    "create tag": Case(
        lambda oa: oa.create_tag("广东"),
        "POST /cgi-bin/tags/create?{token}",
        '{"tag": {"name": "广东"}}',
        b'{"tag":{"id":134,"name":"x"}}',
        Tag(134, "广东"),
    ),
    "rename tag": Case(
        lambda oa: oa.rename_tag(134, "广东人"),
        "POST /cgi-bin/tags/update?{token}",
        '{"tag": {"id": 134, "name": "广东人"}}',
        OK,
        None,
    ),
    "delete tag": Case(
        lambda oa: oa.delete_tag(134), "POST /cgi-bin/tags/delete?{token}", '{"tag": {"id": 134}}', OK, None
    ),
    "tag fans": Case(
        lambda oa: oa.tag_fans(134, [FAN, "oB"]),
        "POST /cgi-bin/tags/members/batchtagging?{token}",
        f'{{"tagid": 134, "openid_list": ["{FAN}", "oB"]}}',
        OK,
        None,
    ),
    "untag fans": Case(
        lambda oa: oa.untag_fans(134, (FAN,)),
        "POST /cgi-bin/tags/members/batchuntagging?{token}",
        f'{{"tagid": 134, "openid_list": ["{FAN}"]}}',
        OK,
        None,
    ),
    "tags of": Case(
        lambda oa: oa.tags_of(FAN),
        "POST /cgi-bin/tags/getidlist?{token}",
        f'{{"openid": "{FAN}"}}',
        b'{"tagid_list":[134,2]}',
        (134, 2),
    ),
    "tagged": Case(
        lambda oa: oa.tagged(134, "oA"),
        "POST /cgi-bin/user/tag/get?{token}",
        '{"tagid": 134, "next_openid": "oA"}',
        b'{"count":1,"data":{"openid":["oB"]},"next_openid":"oB"}',
        OpenidPage(1, ("oB",), "oB"),
    ),
    "create menu": Case(
        lambda oa: oa.create_menu(MENU),
        "POST /cgi-bin/menu/create?{token}",
        f'{{"button": {MENU_JSON}}}',
        OK,
        None,
    ),
    "menus": Case(
        lambda oa: oa.menus(),
        "GET /cgi-bin/menu/get?{token}",
        "",
        (
            f'{{"menu":{{"button":{MENU_JSON},"menuid":208}},"conditionalmenu":[{{"button":[{{"type":"click",'
            '"name":"a","key":"k","sub_button":[]}],"matchrule":{"tag_id":2,"client_platform_type":"1"},'
            '"menuid":209}]}'
        ).encode(),
        [
            Menu(tuple(MENU), "208"),
            Menu((Button("a", ButtonKind.CLICK, "k"),), "209", MatchRule(2, 1)),
        ],
    ),
    "delete menus": Case(lambda oa: oa.delete_menus(), "GET /cgi-bin/menu/delete?{token}", "", OK, None),
    "conditional menu": Case(
        lambda oa: oa.add_conditional_menu(MENU[:1], MatchRule(tag_id=134, platform=2)),
        "POST /cgi-bin/menu/addconditional?{token}",
        (
            '{"button": [{"type": "click", "name": "门店", "key": "STORES"}], '
            '"matchrule": {"tag_id": "134", "client_platform_type": "2"}}'
        ),
        b'{"menuid":"208379533"}',
        "208379533",
    ),
    "delete conditional menu": Case(
        lambda oa: oa.delete_conditional_menu("208379533"),
        "POST /cgi-bin/menu/delconditional?{token}",
        '{"menuid": "208379533"}',
        OK,
        None,
    ),
    "menu of": Case(
        lambda oa: oa.menu_of(FAN),
        "POST /cgi-bin/menu/trymatch?{token}",
        f'{{"user_id": "{FAN}"}}',
        f'{{"button":{MENU_JSON}}}'.encode(),
        Menu(tuple(MENU)),
    ),
    "image": Case(
        lambda oa: oa.send_image(FAN, "m1"),
        "POST /cgi-bin/message/custom/send?{token}",
        f'{{"touser": "{FAN}", "msgtype": "image", "image": {{"media_id": "m1"}}}}',
        OK,
        None,
    ),
    "article": Case(
        lambda oa: oa.send_article(FAN, Article("标题", "说明", "http://u", "http://p")),
        "POST /cgi-bin/message/custom/send?{token}",
        (
            f'{{"touser": "{FAN}", "msgtype": "news", "news": {{"articles": [{{"title": "标题", '
            '"description": "说明", "url": "http://u", "picurl": "http://p"}]}}'
        ),
        OK,
        None,
    ),
    "page": Case(
        lambda oa: oa.send_page(FAN, appid="wx9", page="p/i?a=1", title="店", thumb_media_id="m1"),
        "POST /cgi-bin/message/custom/send?{token}",
        (
            f'{{"touser": "{FAN}", "msgtype": "miniprogrampage", "miniprogrampage": {{"title": "店", '
            '"appid": "wx9", "pagepath": "p/i?a=1", "thumb_media_id": "m1"}}'
        ),
        OK,
        None,
    ),
    "choices": Case(
        lambda oa: oa.send_choices(FAN, head="满意吗", choices=[("101", "满意"), ("102", "不")], tail="谢谢"),
        "POST /cgi-bin/message/custom/send?{token}",
        (
            f'{{"touser": "{FAN}", "msgtype": "msgmenu", "msgmenu": {{"head_content": "满意吗", "list": '
            '[{"id": "101", "content": "满意"}, {"id": "102", "content": "不"}], "tail_content": "谢谢"}}'
        ),
        OK,
        None,
    ),
    "typing": Case(
        lambda oa: oa.show_typing(FAN),
        "POST /cgi-bin/message/custom/typing?{token}",
        f'{{"touser": "{FAN}", "command": "Typing"}}',
        OK,
        None,
    ),
    "template": Case(
        lambda oa: oa.send_template(
            FAN, "T1", {"thing1": "好"}, url="http://u", page=("wx9", "p/i"), key="order-1"
        ),
        "POST /cgi-bin/message/template/send?{token}",
        (
            f'{{"touser": "{FAN}", "template_id": "T1", "data": {{"thing1": {{"value": "好"}}}}, '
            '"url": "http://u", "miniprogram": {"appid": "wx9", "pagepath": "p/i"}, "client_msg_id": "order-1"}'
        ),
        b'{"errcode":0,"errmsg":"ok","msgid":3717005636572528642}',
        "3717005636572528642",
    ),
    "notice": Case(
        lambda oa: oa.send_notice(FAN, "T1", {"thing1": "好"}, page=("wx9", "p/i")),
        "POST /cgi-bin/message/subscribe/bizsend?{token}",
        (
            f'{{"touser": "{FAN}", "template_id": "T1", "data": {{"thing1": {{"value": "好"}}}}, '
            '"miniprogram": {"appid": "wx9", "pagepath": "p/i"}}'
        ),
        OK,
        None,
    ),
    "media": Case(
        lambda oa: oa.fetch_media("m1"),
        "GET /cgi-bin/media/get?media_id=m1&{token}",
        "",
        Say(body=JPEG, headers={"Content-disposition": 'attachment; filename="m1.jpg"'}),
        Media(JPEG, "m1.jpg"),
    ),
    "video": Case(
        lambda oa: oa.fetch_media("m1"),
        "GET /cgi-bin/media/get?media_id=m1&{token}",
        "",
        b'{"video_url":"http://v"}',
        Media(b"", "", "http://v"),
    ),
    "callback ips": Case(
        lambda oa: oa.callback_ips(),
        "GET /cgi-bin/getcallbackip?{token}",
        "",
        b'{"ip_list":["127.0.0.1","101.226.103.0/25"]}',
        ("127.0.0.1", "101.226.103.0/25"),
    ),
    "api ips": Case(
        lambda oa: oa.api_ips(),
        "GET /cgi-bin/get_api_domain_ip?{token}",
        "",
        b'{"ip_list":["127.0.0.1"]}',
        ("127.0.0.1",),
    ),
    "quota": Case(
        lambda oa: oa.quota("/cgi-bin/message/custom/send"),
        "POST /cgi-bin/openapi/quota/get?{token}",
        '{"cgi_path": "/cgi-bin/message/custom/send"}',
        (
            b'{"quota":{"daily_limit":500000,"used":7,"remain":499993},'
            b'"rate_limit":{"call_count":100,"refresh_second":60}}'
        ),
        Quota(500000, 7, 499993, 100, 60),
    ),
    "clear quotas": Case(
        lambda oa: oa.clear_quotas(), "POST /cgi-bin/clear_quota?{token}", f'{{"appid": "{APPID}"}}', OK, None
    ),
    "clear quotas by secret": Case(
        lambda oa: oa.clear_quotas_by_secret(SECRET),
        "POST /cgi-bin/clear_quota/v2",
        f'{{"appid": "{APPID}", "appsecret": "{SECRET}"}}',
        OK,
        None,
    ),
    "clear quota": Case(
        lambda oa: oa.clear_quota("/cgi-bin/user/get"),
        "POST /cgi-bin/openapi/quota/clear?{token}",
        '{"cgi_path": "/cgi-bin/user/get"}',
        OK,
        None,
    ),
    "web visitor": Case(
        lambda oa: oa.visitor("C1"),
        f"GET /sns/oauth2/access_token?appid={APPID}&secret={SECRET}&code=C1&grant_type=authorization_code",
        "",
        Say(body=VISITOR_JSON, headers={"Content-Type": "text/plain"}),
        VISITOR,
    ),
    "refreshed visitor": Case(
        lambda oa: oa.refresh_visitor("RT"),
        f"GET /sns/oauth2/refresh_token?appid={APPID}&grant_type=refresh_token&refresh_token=RT",
        "",
        VISITOR_JSON,
        VISITOR,
    ),
    "web profile": Case(
        lambda oa: oa.profile(VISITOR),
        f"GET /sns/userinfo?access_token=AT&openid={FAN}&lang=zh_CN",
        "",
        f'{{"openid":"{FAN}","nickname":"阿明","sex":0,"headimgurl":"http://h","privilege":[]}}'.encode(),
        WebProfile(FAN, None, "阿明", "http://h"),
    ),
    "logged in": Case(
        lambda oa: oa.is_logged_in(VISITOR), f"GET /sns/auth?access_token=AT&openid={FAN}", "", OK, True
    ),
    "logged out": Case(
        lambda oa: oa.is_logged_in(VISITOR),
        f"GET /sns/auth?access_token=AT&openid={FAN}",
        "",
        b'{"errcode":40003,"errmsg":"invalid openid"}',
        False,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_call(name: str) -> None:
    check(CASES[name], an_account)
