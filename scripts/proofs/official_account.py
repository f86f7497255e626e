"""The official account: secret, rights, quotas, menu."""

from collections.abc import Callable, Iterator

from scripts.proofs.address import CONSOLE as SERVER
from scripts.proofs.finding import Finding, State, failed, ok, unseen, wrong
from scripts.proofs.tokens import needs_token
from wechat.errors import Refused, WeChatError
from wechat.official_account import OfficialAccount

CONSOLE = "公众平台 → 设置与开发 → 基本配置"
CALLED = ("/cgi-bin/qrcode/create", "/cgi-bin/message/custom/send", "/cgi-bin/user/info")
_VERIFY = "Only a verified service account (已认证服务号) may. 公众平台 → 设置与开发 → 微信认证."


def official_account(secret: Finding, oa: OfficialAccount, *, make_codes: bool) -> Iterator[Finding]:
    """The lines `oa-...` that WeChat answers, that of the ``secret`` first. Writes nothing; with
    ``make_codes`` one code of a minute's life, which is not among the 100,000."""
    yield secret
    if secret.state is not State.OK:
        yield from needs_token("oa-push-addresses", "oa-rights", "oa-quota", "oa-menu", "oa-codes")
    else:
        yield _asked("oa-push-addresses", lambda: _push_addresses(oa))
        yield _asked("oa-rights", lambda: _rights(oa))
        yield _asked("oa-quota", lambda: _quota(oa))
        yield _asked("oa-menu", lambda: _menu(oa))
        yield _asked("oa-codes", lambda: _codes(oa, make_codes))
    yield unseen(
        "oa-console",
        "WeChat tells nobody what stands in the console. "
        f"{SERVER} → 提交 proves URL and Token; a text from your phone that is answered proves "
        "EncodingAESKey and mode.",
    )


def _asked(name: str, ask: Callable[[], Finding]) -> Finding:
    try:
        return ask()
    except WeChatError as error:
        if isinstance(error, Refused) and error.code in ("48001", "43104", "48004"):
            return wrong(name, f"{error.code}: this account may not call {error.api}. {_VERIFY}")
        return failed(name, error)


def _push_addresses(oa: OfficialAccount) -> Finding:
    count = len(oa.callback_ips())
    return ok(
        "oa-push-addresses", f"WeChat pushes from {count} addresses or networks; no list is needed here."
    )


def _rights(oa: OfficialAccount) -> Finding:
    oa.followers()
    return ok("oa-rights", "the account may read its followers, as verified ones may.")


def _quota(oa: OfficialAccount) -> Finding:
    left = {path: oa.quota(path) for path in CALLED}
    empty = [path for path, quota in left.items() if quota.daily_limit and quota.remain <= 0]
    if empty:
        return wrong(
            "oa-quota", f"used up until midnight in China: {', '.join(empty)}. {CONSOLE} → 接口权限."
        )
    told = ", ".join(f"{path} {quota.remain} of {quota.daily_limit}" for path, quota in left.items())
    return ok("oa-quota", f"left today: {told}.")


def _menu(oa: OfficialAccount) -> Finding:
    menus = oa.menus()
    if not menus:
        return ok(
            "oa-menu", "none is set, and none is needed: fans type. The console's own is off (服务器配置)."
        )
    return ok("oa-menu", f"{len(menus)} set through the API.")


def _codes(oa: OfficialAccount, make_codes: bool) -> Finding:
    if not make_codes:
        return unseen("oa-codes", "--make-codes makes one that lives a minute, and fetches its picture.")
    oa.show_code(oa.create_code("check", expires_in_s=60).ticket)
    return ok("oa-codes", "a code was made and its picture fetched.")
