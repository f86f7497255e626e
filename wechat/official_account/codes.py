"""The codes that fans scan: four kinds, by string or number, for a time or for ever."""

from dataclasses import dataclass
from typing import Any

from wechat.errors import Refused, Unavailable
from wechat.fields import number_of, text_of
from wechat.http import Broken
from wechat.platform import Family, Outcome, Platform, Repeat, image, silent, tried, unanswered

MAX_EXPIRES_S = 2_592_000
MAX_PERMANENT_NUMBER = 100_000
MAX_TEMPORARY_NUMBER = 2**32 - 1


@dataclass(frozen=True)
class CodeTicket:
    """A code that fans can scan. `url` is what the picture says, so a poster may draw it itself;
    `expires_in_s` is None for a permanent one."""

    ticket: str
    url: str
    expires_in_s: int | None


class Codes(Family):
    """Makes and shows codes. An account has 100,000 permanent ones and can delete none."""

    _api = "cgi-bin/qrcode/create"

    def __init__(self, platform: Platform, mp_base: str) -> None:
        Family.__init__(self, platform)
        self._mp_base = mp_base

    def create_code(self, scene: str, *, expires_in_s: int | None = None) -> CodeTicket:
        """A code that carries `scene` (1..64 characters): permanent when `expires_in_s` is None, else for
        1..2,592,000 seconds. Refuses other values itself with WeChat's code 40053."""
        if not 1 <= len(scene) <= 64 or not scene.isprintable():
            raise Refused(self._api, "40053", "a scene has 1 to 64 printable characters")
        return self._create("STR_SCENE", {"scene_str": scene}, expires_in_s)

    def create_number_code(self, number: int, *, expires_in_s: int | None = None) -> CodeTicket:
        """A code that carries a number: 1..100,000 when permanent, 1..4,294,967,295 for a time. Its scene
        arrives as the digits. Refuses as `create_code`."""
        most = MAX_PERMANENT_NUMBER if expires_in_s is None else MAX_TEMPORARY_NUMBER
        if not 1 <= number <= most:
            raise Refused(self._api, "40053", f"a scene's number is 1 to {most}")
        return self._create("SCENE", {"scene_id": number}, expires_in_s)

    def _create(self, kind: str, scene: dict[str, str | int], expires_in_s: int | None) -> CodeTicket:
        wish: dict[str, Any] = {"action_info": {"scene": scene}}
        if expires_in_s is None:
            wish["action_name"] = f"QR_LIMIT_{kind}"
        elif 1 <= expires_in_s <= MAX_EXPIRES_S:
            # Left out, WeChat would give 60 s.
            wish |= {"action_name": f"QR_{kind}", "expire_seconds": expires_in_s}
        else:
            raise Refused(self._api, "40053", "a temporary code lives 1 to 2592000 seconds")
        create = self.platform.client.qrcode.create
        fields = self.platform.call(self._api, lambda: create(wish), Repeat.HARMLESS)
        ticket, url = text_of(fields, "ticket"), text_of(fields, "url")
        if not ticket or not url:
            raise Unavailable(self._api, "ANSWER", "no ticket in the answer")
        if expires_in_s is not None:
            expires_in_s = number_of(fields, "expire_seconds") or expires_in_s
        return CodeTicket(ticket, url, expires_in_s)

    def show_code(self, ticket: str) -> bytes:
        """The picture of a code (JPEG). Needs no token. Refused when WeChat does not know the ticket."""
        api, http = "cgi-bin/showqrcode", self.platform.http
        request = http.prepare("GET", f"{self._mp_base}/{api}", params={"ticket": ticket})

        def once() -> Outcome:
            try:
                answer = http.deliver(request)
            except Broken as error:
                return None, *unanswered(api, error, Repeat.HARMLESS)
            if answer.status == 404:
                return None, Refused(api, "HTTP_404", "no such ticket"), False
            if answer.status != 200:
                return None, *silent(api, f"HTTP_{answer.status}", Repeat.HARMLESS)
            return answer.body, None, False

        return image(api, tried(http, once))
