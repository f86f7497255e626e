"""The mini-program: secret, login, order management, codes."""

import secrets
from collections.abc import Callable, Iterator

from app.settings import Settings
from scripts.proofs.finding import Finding, State, failed, ok, unseen, wrong
from scripts.proofs.tokens import needs_token
from wechat.errors import Refused, WeChatError
from wechat.mini_program import MiniProgram

CONSOLE = "小程序后台 → 开发管理 → 开发设置"
_SECRET = f"{CONSOLE} → AppSecret(小程序密钥)."


def mini_program(
    secret: Finding, settings: Settings, mp: MiniProgram, *, make_codes: bool
) -> Iterator[Finding]:
    """The lines `mp-...` and `unionid`. Writes nothing; with ``make_codes`` one code of those without limit."""
    yield secret
    yield _asked("mp-login", lambda: _login(mp))
    if secret.state is not State.OK:
        yield from needs_token("mp-shipping", "mp-codes")
    else:
        yield _asked("mp-shipping", lambda: _shipping(mp))
        yield _asked("mp-codes", lambda: _codes(settings, mp, make_codes))
    yield unseen(
        "mp-domains",
        f"{CONSOLE} → 服务器域名 → request 合法域名 must name the domain of PUBLIC_URL; a real phone proves it.",
    )
    yield unseen(
        "unionid",
        "that both apps hang on one open-platform account (微信开放平台 → 管理中心 → 绑定) shows only in a "
        "person's unionid: follow, then log in, and see one member.",
    )


def _asked(name: str, ask: Callable[[], Finding]) -> Finding:
    try:
        return ask()
    except WeChatError as error:
        return failed(name, error)


def _login(mp: MiniProgram) -> Finding:
    name = "mp-login"
    try:
        mp.login("check" + secrets.token_hex(13))
    except Refused as error:
        if error.code in ("40029", "40163"):
            return ok(name, "WeChat takes MP_APPID and MP_SECRET and refuses our made-up code (40029).")
        if error.code == "40013":
            return wrong(name, f"40013: MP_APPID is no AppID of WeChat's. {CONSOLE} → AppID(小程序ID).")
        if error.code in ("40125", "40001"):
            return wrong(name, f"{error.code}: MP_SECRET is not the AppSecret of MP_APPID. {_SECRET}")
        raise
    return wrong(name, "a made-up code was taken: whatever answers at WECHAT_API_BASE is not WeChat.")


def _shipping(mp: MiniProgram) -> Finding:
    name = "mp-shipping"
    try:
        managed = mp.is_trade_managed()
    except Refused as error:
        return unseen(name, f"WeChat does not say whether orders are managed ({error.code}).")
    if managed:
        return unseen(
            name,
            "order management (发货信息管理) is on, so WeChat keeps the money until shipping is entered, and "
            "nothing here enters it yet: 小程序后台 → 功能 → 订单与发货, within 48 hours of each payment.",
        )
    return ok(name, "order management (发货信息管理) is off for this mini-program.")


def _codes(settings: Settings, mp: MiniProgram, make_codes: bool) -> Finding:
    name, page = "mp-codes", settings.mp_code_page
    if not make_codes:
        return unseen(name, "--make-codes makes one for MP_CODE_PAGE, of those without limit.")
    try:
        version = settings.mp_env_version
        mp.unlimited_code("check", page=page, check_path=version == "release", env_version=version)
    except Refused as error:
        if error.code == "41030":
            return wrong(
                name,
                f"41030: {page} (MP_CODE_PAGE) is not a page of the released version. "
                "小程序后台 → 版本管理; before the launch set MP_ENV_VERSION=trial.",
            )
        raise
    return ok(name, f"WeChat draws a code for {page} ({settings.mp_env_version}).")
