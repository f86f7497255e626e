"""The addresses of api.weixin.qq.com (and mp., open.weixin.qq.com) that the box answers: verb, path, view."""

from collections.abc import Callable

from flask import Request, Response

from wechat.box import access, mp_api, oa_api
from wechat.box.inside import Box

DOORS: list[tuple[str, str, Callable[[Box, Request], Response]]] = [
    ("GET", "/cgi-bin/token", access.classic_token),
    ("POST", "/cgi-bin/stable_token", access.stable_token),
    ("POST", "/cgi-bin/qrcode/create", oa_api.create_code),
    ("GET", "/cgi-bin/showqrcode", oa_api.show_code),
    ("GET", "/cgi-bin/user/info", oa_api.user_info),
    ("POST", "/cgi-bin/message/custom/send", oa_api.send_customer_message),
    ("GET", "/sns/jscode2session", mp_api.code_to_session),
    ("POST", "/wxa/business/getuserphonenumber", mp_api.phone_number),
    ("POST", "/wxa/getwxacodeunlimit", mp_api.unlimited_code),
]
