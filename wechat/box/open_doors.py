"""The addresses of api.weixin.qq.com (and mp., open.weixin.qq.com) that the box answers: verb, path, view."""

from collections.abc import Callable

from flask import Request, Response

from wechat.box import access, account_api, mp_api, oa_api
from wechat.box.inside import Box

DOORS: list[tuple[str, str, Callable[[Box, Request], Response]]] = [
    ("GET", "/cgi-bin/token", access.classic_token),
    ("POST", "/cgi-bin/stable_token", access.stable_token),
    ("POST", "/cgi-bin/clear_quota", account_api.clear_quota),
    ("POST", "/cgi-bin/clear_quota/v2", account_api.clear_quota_by_secret),
    ("POST", "/cgi-bin/openapi/quota/get", account_api.quota),
    ("POST", "/cgi-bin/openapi/quota/clear", account_api.clear_one_quota),
    ("GET", "/cgi-bin/getcallbackip", account_api.callback_ips),
    ("GET", "/cgi-bin/get_api_domain_ip", account_api.callback_ips),
    ("POST", "/cgi-bin/callback/check", account_api.check_callback),
    ("GET", "/cgi-bin/ticket/getticket", account_api.js_ticket),
    ("POST", "/cgi-bin/qrcode/create", oa_api.create_code),
    ("GET", "/cgi-bin/showqrcode", oa_api.show_code),
    ("GET", "/cgi-bin/user/info", oa_api.user_info),
    ("POST", "/cgi-bin/message/custom/send", oa_api.send_customer_message),
    ("GET", "/sns/jscode2session", mp_api.code_to_session),
    ("POST", "/wxa/business/getuserphonenumber", mp_api.phone_number),
    ("POST", "/wxa/getwxacodeunlimit", mp_api.unlimited_code),
]
