"""What people write and send, judged by WeChat (content security, version 2)."""

from dataclasses import dataclass
from enum import IntEnum

from wechat.errors import Refused, Unavailable
from wechat.fields import count_of, part_of, text_of
from wechat.platform import Family, Repeat

LONGEST_TEXT = 2500


class Place(IntEnum):
    """Where the content will stand."""

    PROFILE = 1
    COMMENT = 2
    FORUM = 3
    SOCIAL = 4


class MediaType(IntEnum):
    """What a media is."""

    AUDIO = 1
    IMAGE = 2


@dataclass(frozen=True)
class Verdict:
    """`suggest`: pass, risky, or review (by a person). `label`: 100 is fine, others are WeChat's kinds of
    harm (20001 politics, 20002 porn, 20003 abuse, 20006 crime, 20008 fraud, 10001 advertising, ...)."""

    suggest: str
    label: int
    trace_id: str

    @property
    def passes(self) -> bool:
        """Only an explicit pass."""
        return self.suggest == "pass"


class Safety(Family):
    """Asks for verdicts."""

    def check_text(self, text: str, *, openid: str, place: Place, title: str = "") -> Verdict:
        """Judges up to 2500 characters that this person wrote. Refused 61010 when the person was not here in
        the last 2 hours: then a person of ours has to look."""
        api = "wxa/msg_sec_check"
        if not 1 <= len(text) <= LONGEST_TEXT:
            raise Refused(api, "44004" if not text else "45002", "a text of 1 to 2500 characters")
        body: dict[str, object] = {"content": text, "version": 2, "scene": int(place), "openid": openid}
        if title:
            body["title"] = title
        fields = self.platform.post(api, body, Repeat.HARMLESS)
        result = part_of(fields, "result")
        if not text_of(result, "suggest"):
            raise Unavailable(api, "ANSWER", "no verdict in the answer")
        return Verdict(text_of(result, "suggest"), count_of(result, "label"), text_of(fields, "trace_id"))

    def check_media(self, url: str, kind: MediaType, *, openid: str, place: Place) -> str:
        """Has WeChat fetch and judge a picture or sound (up to 10 MB); answers the trace id under which
        `MediaChecked` comes within 30 minutes."""
        api = "wxa/media_check_async"
        body = {
            "media_url": url,
            "media_type": int(kind),
            "version": 2,
            "scene": int(place),
            "openid": openid,
        }
        trace_id = text_of(self.platform.post(api, body, Repeat.USELESS), "trace_id")
        if not trace_id:
            raise Unavailable(api, "ANSWER", "no trace_id in the answer")
        return trace_id
