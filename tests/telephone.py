"""A WeChat that a test can steer: who stands behind a code, what is said to whom, when the line is dead."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.wechat.local import Call, Say, quick, serving
from wechat.mini_program import MiniProgram, MiniProgramConfig
from wechat.official_account import OfficialAccount, OfficialAccountConfig
from wechat.tokens import MemoryTokenStore, Tokens

OA, MP = "wx-oa", "wx-mp"
JPEG = b"\xff\xd8\xff\xe0 a code"


@dataclass
class Telephone:
    """The clients, and what the other end knows. Codes are good once, as at WeChat."""

    oa: OfficialAccount
    mp: MiniProgram
    accounts: dict[str, dict[str, str]] = field(default_factory=dict)
    phones: dict[str, str] = field(default_factory=dict)
    fans: dict[str, str | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    refusals: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, path: str) -> int:
        """How often a call was made."""
        return self.asked.count(path)

    def answer(self, call: Call) -> Say:
        """One call, answered."""
        with self.lock:
            address = urlsplit(call.target)
            self.asked.append(address.path)
            if address.path in self.dead:
                return Say(status=502)
            if address.path in self.refusals:
                return Say(body=json.dumps({"errcode": self.refusals[address.path], "errmsg": "no"}).encode())
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            body = json.loads(call.body) if call.body else {}
            said = self._say(address.path, query, body)
            return said if isinstance(said, Say) else Say(body=json.dumps(said).encode())

    def _say(self, path: str, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any] | Say:
        match path:
            case "/sns/jscode2session":
                account = self.accounts.pop(query["js_code"], None)
                return (
                    account | {"session_key": "k"}
                    if account
                    else {"errcode": 40163, "errmsg": "code been used"}
                )
            case "/wxa/business/getuserphonenumber":
                number = self.phones.pop(body["code"], None)
                info = {"phoneNumber": number, "purePhoneNumber": number, "countryCode": "86"}
                return {"errcode": 0, "phone_info": info} if number else {"errcode": 40029}
            case "/cgi-bin/user/info":
                unionid = self.fans.get(query["openid"])
                fan = {"subscribe": 1, "openid": query["openid"], "subscribe_time": 1772337600}
                return fan | ({"unionid": unionid} if unionid else {})
            case "/cgi-bin/qrcode/create":
                scene = body["action_info"]["scene"]["scene_str"]
                return {"ticket": f"t-{scene}", "url": f"http://weixin.qq.com/q/{scene}"}
            case "/wxa/getwxacodeunlimit":
                return Say(body=JPEG, headers={"Content-Type": "image/jpeg"})
            case "/cgi-bin/message/custom/send":
                self.sent.append(body)
                return {"errcode": 0, "errmsg": "ok"}
        return {"errcode": 404}


@contextmanager
def a_telephone() -> Iterator[Telephone]:
    """A telephone on a real connection until the block ends."""
    line: dict[str, Telephone] = {}
    with serving(lambda call: line["phone"].answer(call)) as other:
        tokens = Tokens(MP, "s", MemoryTokenStore(), lambda appid, secret: ("token", 7200))
        oa = OfficialAccountConfig(OA, "s", "pushtoken", safe=False, api_base=other.base, mp_base=other.base)
        line["phone"] = Telephone(
            OfficialAccount(oa, quick(), tokens),
            MiniProgram(MiniProgramConfig(MP, "s", other.base), quick(), tokens),
        )
        yield line["phone"]
