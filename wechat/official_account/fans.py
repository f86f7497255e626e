"""Who follows us: one fan, many fans, all of them page by page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wechat.errors import Refused
from wechat.fields import count_of, moment_of, part_of, text_of, texts_of
from wechat.platform import Family, Repeat

MOST_AT_ONCE = 100


@dataclass(frozen=True)
class Fan:
    """What the account may know of a person. Of someone who does not follow, only openid (and unionid).
    `scene`: of the code that brought them; `source`: how they came, in WeChat's words (ADD_SCENE_QR_CODE...);
    `remark`: what the account wrote beside them."""

    openid: str = field(repr=False)
    unionid: str | None = field(repr=False)
    subscribed: bool
    subscribed_at: datetime | None
    scene: str | None
    source: str = ""
    tag_ids: tuple[int, ...] = ()
    remark: str = field(default="", repr=False)


@dataclass(frozen=True)
class OpenidPage:
    """Up to 10,000 openids. `after` is where the next page begins; empty when this was the last."""

    total: int
    openids: tuple[str, ...] = field(repr=False)
    after: str = field(repr=False)


class Fans(Family):
    """Reads who follows."""

    def fan(self, openid: str) -> Fan:
        """What WeChat tells about a fan. Refused (40003) when the openid is not of this account."""
        user = self.platform.client.user
        fields = self.platform.call("cgi-bin/user/info", lambda: user.get(openid), Repeat.HARMLESS)
        return _fan(openid, fields)

    def fans(self, openids: Sequence[str]) -> list[Fan]:
        """Up to 100 fans in one call, in WeChat's order. Refuses more itself (40032)."""
        api = "cgi-bin/user/info/batchget"
        if not 1 <= len(openids) <= MOST_AT_ONCE:
            raise Refused(api, "40032", "1 to 100 openids at once")
        user, wish = self.platform.client.user, [{"openid": one, "lang": "zh_CN"} for one in openids]
        rows = self.platform.call(api, lambda: user.get_batch(wish), Repeat.HARMLESS, list)
        return [_fan(text_of(row, "openid"), row) for row in rows if isinstance(row, dict)]

    def followers(self, after: str = "") -> OpenidPage:
        """One page of everybody who follows, in the order of following."""
        user = self.platform.client.user
        fields = self.platform.call(
            "cgi-bin/user/get", lambda: user.get_followers(after or None), Repeat.HARMLESS
        )
        return openid_page(fields, "total")

    def all_followers(self) -> Iterator[str]:
        """Every follower's openid, page by page; phones while it is iterated."""
        page = self.followers()
        while page.openids:
            yield from page.openids
            page = self.followers(page.after) if page.after else OpenidPage(0, (), "")

    def remark(self, openid: str, text: str) -> None:
        """Writes a remark of fewer than 30 characters beside a fan; empty removes it."""
        api = "cgi-bin/user/info/updateremark"
        if len(text) >= 30:
            raise Refused(api, "40097", "a remark has fewer than 30 characters")
        user = self.platform.client.user
        self.platform.call(api, lambda: user.update_remark(openid, text), Repeat.HARMLESS)


def openid_page(fields: dict[str, Any], total: str) -> OpenidPage:
    """A page of openids. WeChat names the last openid as the next even on the last page, where the following
    call answers count 0 and no data; that page is the end."""
    openids = texts_of(part_of(fields, "data"), "openid")
    return OpenidPage(count_of(fields, total), openids, text_of(fields, "next_openid") if openids else "")


def _fan(openid: str, fields: dict[str, Any]) -> Fan:
    number, tags = text_of(fields, "qr_scene"), fields.get("tagid_list")
    return Fan(
        openid=openid,
        unionid=text_of(fields, "unionid") or None,
        subscribed=count_of(fields, "subscribe") == 1,
        subscribed_at=moment_of(fields, "subscribe_time"),
        scene=text_of(fields, "qr_scene_str") or (number if number != "0" else "") or None,
        source=text_of(fields, "subscribe_scene"),
        tag_ids=tuple(tag for tag in tags if isinstance(tag, int)) if isinstance(tags, list) else (),
        remark=text_of(fields, "remark"),
    )
