"""The merchant: number, certificate and key by one signed query for a payment that cannot exist; WeChat's key by
the signature of the answer; the APIv3 key only where WeChat hands out something that it opens.
"""

import json
import secrets
from collections.abc import Callable, Iterator

from app.settings import Settings
from scripts.proofs.finding import Finding, failed, ok, unseen, wrong
from wechat.errors import BadSignature, Refused, Unavailable
from wechat.http import Answer, Broken, Http
from wechat.pay import Pay
from wechat.pay.platform_keys import PlatformKeys
from wechat.pay.signing import MerchantKey

CONSOLE = "商户平台 → 账户中心 → API 安全"
_NOT_THERE = ("ORDER_NOT_EXIST", "ORDERNOTEXIST")


def pay(settings: Settings, client: Pay, http: Http, now: Callable[[], float]) -> Iterator[Finding]:
    """The lines `pay-...`. Reads only."""
    answer = _query(settings, http, settings.wechat_pay_base, now)
    yield _signature(answer)
    yield _platform_key(settings, client, answer, now)
    second = _query(settings, http, settings.wechat_pay_backup_base, now)
    yield _second_host(answer, second)
    yield _apiv3_key(client)
    yield unseen(
        "pay-jsapi",
        "that JSAPI 支付 is on (商户平台 → 产品中心 → 我的产品) and that MP_APPID is bound (产品中心 → "
        "AppID 账号管理) shows only in a real order: pay one fen.",
    )
    yield unseen("pay-notices", "that notices arrive shows only in a real payment: pay one fen.")


def _query(settings: Settings, http: Http, base: str, now: Callable[[], float]) -> Answer | None:
    key = MerchantKey(
        settings.pay_mchid, settings.pay_merchant_serial, settings.pay_merchant_key_file.read_text()
    )
    url = f"{base}/v3/pay/transactions/out-trade-no/CHECK{secrets.token_hex(8)}"
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    if settings.pay_public_key_id:
        headers["Wechatpay-Serial"] = settings.pay_public_key_id
    request = http.prepare("GET", url, params={"mchid": settings.pay_mchid}, headers=headers)
    request.headers["Authorization"] = key.authorization(
        "GET", request.path_url, b"", seconds=int(now()), nonce=secrets.token_hex(16)
    )
    try:
        return http.deliver(request)
    except Broken:
        return None


def _told(answer: Answer) -> tuple[str, str]:
    try:
        fields = json.loads(answer.body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return "", ""
    return str(fields.get("code", "")), str(fields.get("message", ""))


def _signature(answer: Answer | None) -> Finding:
    name = "pay-signature"
    if answer is None:
        return unseen(name, "the query brought no answer; try again in a minute.")
    code, message = _told(answer)
    if answer.status == 404 and code in _NOT_THERE:
        return ok(
            name,
            "WeChat Pay takes PAY_MCHID, PAY_MERCHANT_SERIAL and the merchant's key, and has no such "
            "payment (404 ORDER_NOT_EXIST).",
        )
    if answer.status == 401:
        return wrong(
            name,
            f"401 {code}: {message} PAY_MERCHANT_SERIAL must be the serial of the certificate (商户 API 证书) that "
            f"belongs to PAY_MERCHANT_KEY_FILE, both of PAY_MCHID. {CONSOLE} → 商户 API 证书 → 管理证书.",
        )
    if answer.status == 403:
        return wrong(name, f"403 {code}: the merchant is disabled, or our address is not allowed. {CONSOLE}.")
    if code in ("MCH_NOT_EXISTS", "MCHNOTEXISTS"):
        return wrong(name, f"{code}: PAY_MCHID is no merchant. 商户平台 → 账户中心 → 商户信息.")
    if answer.status >= 500 or answer.status == 429:
        return unseen(name, f"WeChat Pay answers {answer.status} {code}; try again in a minute.")
    return wrong(name, f"WeChat Pay answers {answer.status} {code}: {message}")


def _platform_key(
    settings: Settings, client: Pay, answer: Answer | None, now: Callable[[], float]
) -> Finding:
    if settings.pay_public_key_file is None:
        return _platform_certificates(client)
    name = "pay-public-key"
    if answer is None or "Wechatpay-Signature" not in answer.headers:
        return unseen(name, "this answer was not signed; the first payment's notice proves it.")
    keys = PlatformKeys({settings.pay_public_key_id: settings.pay_public_key_file.read_text()})
    try:
        keys.verify(answer.headers, answer.body, seconds=now())
    except BadSignature as error:
        return _not_proven(name, error.reason)
    return ok(name, "the answer is signed with PAY_PUBLIC_KEY_FILE under PAY_PUBLIC_KEY_ID.")


def _platform_certificates(client: Pay) -> Finding:
    name = "pay-certificates"
    try:
        count = client.fetch_certificates()
    except Unavailable as error:
        if error.code == "SIGNATURE":
            return unseen(name, "the list does not open; see pay-apiv3-key.")
        return failed(name, error)
    except Refused as error:
        return failed(name, error)
    if count:
        return ok(name, f"WeChat Pay hands out platform certificates ({count}); the list's signature holds.")
    return wrong(
        name,
        "this merchant has no platform certificates: set PAY_PUBLIC_KEY_ID and PAY_PUBLIC_KEY_FILE instead of "
        f"PAY_PLATFORM_CERTIFICATES. {CONSOLE} → 微信支付公钥.",
    )


def _not_proven(name: str, reason: str) -> Finding:
    match reason:
        case "signature probe":
            return unseen(name, "WeChat signed wrongly on purpose, to see whether we look; try again.")
        case "older or newer than five minutes":
            return unseen(name, "the signature's time is too far from ours; see clock.")
        case "signed with a key that we do not have":
            return wrong(
                name,
                "WeChat signs with a key other than PAY_PUBLIC_KEY_ID. "
                f"{CONSOLE} → 微信支付公钥 → 公钥 ID; an older merchant finishes 更换平台证书 first.",
            )
    return wrong(
        name,
        f"PAY_PUBLIC_KEY_FILE is not the key of PAY_PUBLIC_KEY_ID ({reason}). "
        f"{CONSOLE} → 微信支付公钥 → 下载公钥.",
    )


def _second_host(first: Answer | None, second: Answer | None) -> Finding:
    name = "pay-second-host"
    if first is None or second is None:
        return unseen(name, "the query brought no answer; see hosts.")
    if (first.status, _told(first)[0]) == (second.status, _told(second)[0]):
        return ok(name, "WECHAT_PAY_BACKUP_BASE answers the same.")
    return unseen(name, f"WECHAT_PAY_BACKUP_BASE answers {second.status}; try again in a minute.")


def _apiv3_key(client: Pay) -> Finding:
    name = "pay-apiv3-key"
    try:
        count = client.fetch_certificates()
    except Refused:
        return unseen(name, "it has 32 characters; WeChat Pay gives nothing out that it would open.")
    except Unavailable as error:
        if error.code != "SIGNATURE":
            return failed(name, error)
        return wrong(
            name,
            "PAY_APIV3_KEY does not open the platform certificates. "
            f"{CONSOLE} → APIv3 密钥 → 修改 (then here at once, and restart).",
        )
    if count:
        return ok(name, "it opens the platform certificates that WeChat Pay hands out.")
    return unseen(
        name, "it has 32 characters; in public-key mode only a real notice shows whether they are right."
    )
