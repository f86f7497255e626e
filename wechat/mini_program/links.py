"""Links that open a page from outside WeChat: scheme, URL link, short link. All of them end after 30 days."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wechat.errors import Refused, Unavailable
from wechat.fields import moment_of, part_of, text_of
from wechat.platform import Family, Repeat

MOST_DAYS = 30
LONGEST_QUERY = 1024


@dataclass(frozen=True)
class LinkFacts:
    """What a scheme or URL link opens, and until when."""

    path: str
    query: str
    env_version: str
    created_at: datetime | None
    expires_at: datetime | None


class Links(Family):
    """Makes links; 500,000 schemes and URL links a day."""

    def scheme(
        self, *, path: str = "", query: str = "", days: int = MOST_DAYS, env_version: str = "release"
    ) -> str:
        """`weixin://dl/business/?t=...` that opens a released page (the first one when `path` is empty) for
        1..30 days. Refuses itself a query over 1024 characters (40212) and other days (85401)."""
        api = "wxa/generatescheme"
        _check(api, query, days)
        target = {"path": path, "query": query, "env_version": env_version}
        body: dict[str, Any] = {"jump_wxa": target, "is_expire": True}
        body |= {"expire_type": 1, "expire_interval": days}
        return self._made(api, body, "openlink")

    def url_link(
        self, *, path: str = "", query: str = "", days: int = MOST_DAYS, env_version: str = "release"
    ) -> str:
        """`https://wxaurl.cn/...` that opens a released page, from a text message or a browser. Limits as
        `scheme`."""
        api = "wxa/generate_urllink"
        _check(api, query, days)
        body = {
            "path": path,
            "query": query,
            "expire_type": 1,
            "expire_interval": days,
            "env_version": env_version,
        }
        return self._made(api, body, "url_link")

    def short_link(self, page: str, *, title: str = "", permanent: bool = False) -> str:
        """A link for chats inside WeChat; `page` with its query, up to 1024 characters. Permanent ones are
        100,000 in all (85400)."""
        api = "wxa/genwxashortlink"
        if not 1 <= len(page) <= 1024:
            raise Refused(api, "40225", "a page has 1 to 1024 characters")
        body = {"page_url": page, "page_title": title, "is_permanent": permanent}
        return self._made(api, body, "link")

    def scheme_facts(self, scheme: str) -> LinkFacts:
        """What a scheme opens. Refused (85403) when it is not ours."""
        fields = self.platform.post("wxa/queryscheme", {"scheme": scheme, "query_type": 0}, Repeat.HARMLESS)
        return _facts(part_of(fields, "scheme_info"))

    def url_link_facts(self, url_link: str) -> LinkFacts:
        """What a URL link opens. Refused (85403) when it is not ours."""
        body = {"url_link": url_link, "query_type": 0}
        return _facts(
            part_of(self.platform.post("wxa/query_urllink", body, Repeat.HARMLESS), "url_link_info")
        )

    def _made(self, api: str, body: dict[str, Any], name: str) -> str:
        link = text_of(self.platform.post(api, body, Repeat.HARMLESS), name)
        if not link:
            raise Unavailable(api, "ANSWER", "no link in the answer")
        return link


def _check(api: str, query: str, days: int) -> None:
    if len(query) > LONGEST_QUERY:
        raise Refused(api, "40212", "a query has at most 1024 characters")
    if not 1 <= days <= MOST_DAYS:
        raise Refused(api, "85401", "a link lives 1 to 30 days")


def _facts(row: dict[str, Any]) -> LinkFacts:
    return LinkFacts(
        path=text_of(row, "path"),
        query=text_of(row, "query"),
        env_version=text_of(row, "env_version"),
        created_at=moment_of(row, "create_time"),
        expires_at=moment_of(row, "expire_time"),
    )
