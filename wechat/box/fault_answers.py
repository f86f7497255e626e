"""What a fault does to the answer of a call: wrong errcodes, broken pages, silence, a cut line."""

import time
from collections.abc import Callable, Iterator

from flask import Request, Response

from wechat.box import access, answers, pay_keys, pay_signing
from wechat.box.answers import Refusal
from wechat.box.fault_rules import CALL_KINDS, Strike, strikes
from wechat.box.inside import Box
from wechat.box.pay_signing import PayRefusal
from wechat.box.pay_tampering import OF_ANSWERS, spoil

_SLOW_S = 5
_LONGEST_S = 120
_LEAVES_THE_ANSWER = ("slow", "token_invalidated", "wrong_answer_signature", *OF_ANSWERS)
_PAGE = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"
_WORDS = {
    200: "系统维护中",
    502: "502 Bad Gateway",
    503: "503 Service Unavailable",
    504: "504 Gateway Time-out",
}
_PAY_WORDS = {
    "-1": (500, "SYSTEM_ERROR", "系统异常，请稍后重试"),
    "45009": (429, "FREQUENCY_LIMITED", "频率超限，请降低请求接口频率"),
    "45011": (429, "FREQUENCY_LIMITED", "频率超限，请降低请求接口频率"),
}
_PAY_ELSE = (401, "SIGN_ERROR", "签名错误")


def around(box: Box, request: Request, answer: Callable[[], Response]) -> Response:
    """Answer the call, with the faults that strike it. Raises what ``answer`` raises."""
    struck = strikes(box, CALL_KINDS, request.path)
    if any(strike.kind == "token_invalidated" for strike in struck):
        access.kill_tokens(box)
    instead = _stage(box, request, [strike for strike in struck if not strike.after])
    if instead is not None:
        return instead
    given = answer()
    instead = _stage(box, request, [strike for strike in struck if strike.after])
    if any(strike.kind == "wrong_answer_signature" for strike in struck):
        given.headers["Wechatpay-Signature"] = "A" * 342 + "=="
    if "Wechatpay-Signature" in given.headers:
        for strike in struck:
            if strike.kind in OF_ANSWERS:
                signer = pay_keys.for_answer(box, request)
                spoil(OF_ANSWERS[strike.kind], given.headers, signer, given.get_data())
    return given if instead is None else instead


def _stage(box: Box, request: Request, struck: list[Strike]) -> Response | None:
    """What the faults before (or after) the work make of the answer; None leaves it as it is."""
    for strike in struck:
        if strike.kind == "slow":
            time.sleep(min(_SLOW_S if strike.value is None else strike.value, _LONGEST_S))
    ends = (strike for strike in struck if strike.kind not in _LEAVES_THE_ANSWER)
    first = next(ends, None)
    return None if first is None else _instead(box, request, first)


def _instead(box: Box, request: Request, strike: Strike) -> Response:
    if strike.kind == "cut":
        return Response(_cut(), direct_passthrough=True)
    if strike.kind == "empty":
        return Response("", content_type="text/html")
    if strike.kind in ("5xx", "html"):
        status = 200 if strike.kind == "html" else int(strike.value or 502)
        page = _PAGE.format(_WORDS.get(status, str(status)))
        return Response(page, status=status, content_type="text/html")
    if request.path.startswith("/v3/"):
        refusal = PayRefusal(*_PAY_WORDS.get(strike.kind, _PAY_ELSE))
        return pay_signing.refused(pay_keys.for_answer(box, request), refusal)
    return answers.refused(Refusal(int(strike.kind)), sns=request.path.startswith("/sns/"))


def _cut() -> Iterator[bytes]:
    # The server hangs up without a word when an answer's body cannot be read.
    yield from ()
    raise ConnectionAbortedError("cut by a fault rule")
