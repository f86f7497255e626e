"""Tags on fans: 100 in an account, 20 on a fan, 50 fans in a call. Ids 0 to 2 are WeChat's own."""

from collections.abc import Sequence
from dataclasses import dataclass

from wechat.errors import Refused, Unavailable
from wechat.fields import count_of, number_of, parts_of, text_of
from wechat.official_account.fans import OpenidPage, openid_page
from wechat.platform import Family, Repeat

MOST_FANS = 50
LONGEST_NAME = 30


@dataclass(frozen=True)
class Tag:
    """A tag and how many fans wear it."""

    id: int
    name: str
    fans: int = 0


class Tags(Family):
    """Makes, names and hands out tags."""

    def tags(self) -> list[Tag]:
        """All tags of the account, WeChat's own among them."""
        client = self.platform.client
        rows = self.platform.call("cgi-bin/tags/get", client.tag.get, Repeat.HARMLESS, list)
        found = parts_of({"tags": rows}, "tags")
        return [Tag(count_of(row, "id"), text_of(row, "name"), count_of(row, "count")) for row in found]

    def create_tag(self, name: str) -> Tag:
        """A new tag of 1..30 characters. Refused when the name is taken (45157) or 100 exist (45056)."""
        api = "cgi-bin/tags/create"
        _check_name(api, name)
        create = self.platform.client.tag.create
        fields = self.platform.call(api, lambda: create(name), Repeat.USELESS)
        number = number_of(fields, "id")
        if number is None:
            raise Unavailable(api, "ANSWER", "no tag in the answer")
        return Tag(number, name)

    def rename_tag(self, tag_id: int, name: str) -> None:
        """Gives a tag another name."""
        api = "cgi-bin/tags/update"
        _check_name(api, name)
        _check_own(api, tag_id)
        update = self.platform.client.tag.update
        self.platform.call(api, lambda: update(tag_id, name), Repeat.HARMLESS)

    def delete_tag(self, tag_id: int) -> None:
        """Removes a tag from everybody. Refused when more than 100,000 fans wear it (45057)."""
        api = "cgi-bin/tags/delete"
        _check_own(api, tag_id)
        delete = self.platform.client.tag.delete
        self.platform.call(api, lambda: delete(tag_id), Repeat.HARMLESS)

    def tag_fans(self, tag_id: int, openids: Sequence[str]) -> None:
        """Puts the tag on up to 50 fans. Conditional menus follow the tag that was put on last."""
        api, fans = "cgi-bin/tags/members/batchtagging", _few("batchtagging", openids)
        tag_user = self.platform.client.tag.tag_user
        self.platform.call(api, lambda: tag_user(tag_id, fans), Repeat.HARMLESS)

    def untag_fans(self, tag_id: int, openids: Sequence[str]) -> None:
        """Takes the tag off up to 50 fans."""
        api, fans = "cgi-bin/tags/members/batchuntagging", _few("batchuntagging", openids)
        untag_user = self.platform.client.tag.untag_user
        self.platform.call(api, lambda: untag_user(tag_id, fans), Repeat.HARMLESS)

    def tags_of(self, openid: str) -> tuple[int, ...]:
        """The ids of a fan's tags."""
        get = self.platform.client.tag.get_user_tag
        ids = self.platform.call("cgi-bin/tags/getidlist", lambda: get(openid), Repeat.HARMLESS, list)
        return tuple(number for number in ids if isinstance(number, int))

    def tagged(self, tag_id: int, after: str = "") -> OpenidPage:
        """One page of the fans who wear a tag; `total` counts this page."""
        get = self.platform.client.tag.get_tag_users
        fields = self.platform.call(
            "cgi-bin/user/tag/get", lambda: get(tag_id, after or None), Repeat.HARMLESS
        )
        return openid_page(fields, "count")


def _few(verb: str, openids: Sequence[str]) -> list[str]:
    if not 1 <= len(openids) <= MOST_FANS:
        raise Refused(f"cgi-bin/tags/members/{verb}", "40032", "1 to 50 openids at once")
    return list(openids)


def _check_name(api: str, name: str) -> None:
    if not name.strip():
        raise Refused(api, "45157", "a tag needs a name")
    if len(name) > LONGEST_NAME:
        raise Refused(api, "45158", "a tag's name has at most 30 characters")


def _check_own(api: str, tag_id: int) -> None:
    if tag_id in (0, 1, 2):
        raise Refused(api, "45058", "this tag is WeChat's own")
