"""Template messages and subscribe messages: what may be sent without a talk, in forms that WeChat approved."""

from collections.abc import Mapping
from typing import Any

from wechat.fields import text_of
from wechat.platform import Family, Repeat


def values(data: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Keyword -> value in WeChat's shape."""
    return {name: {"value": value} for name, value in data.items()}


class Notices(Family):
    """Sends notices of an official account."""

    def send_template(
        self,
        openid: str,
        template_id: str,
        data: Mapping[str, str],
        *,
        url: str = "",
        page: tuple[str, str] | None = None,
        key: str = "",
    ) -> str:
        """A template message; answers its number, which `TemplateDelivered` brings back. `page`: (appid, path)
        of a mini-program, wins over `url`. With `key` (unique per message) a repeat sends nothing twice, so
        it is repeated here; without, Unknown tells that it may have gone out."""
        api = "cgi-bin/message/template/send"
        body: dict[str, Any] = {"touser": openid, "template_id": template_id, "data": values(data)}
        if url:
            body["url"] = url
        if page:
            body["miniprogram"] = {"appid": page[0], "pagepath": page[1]}
        if key:
            body["client_msg_id"] = key
        repeat = Repeat.HARMLESS if key else Repeat.HARMFUL
        return text_of(self.platform.post(api, body, repeat), "msgid")

    def send_notice(
        self,
        openid: str,
        template_id: str,
        data: Mapping[str, str],
        *,
        url: str | None = None,
        page: tuple[str, str] | None = None,
    ) -> None:
        """A subscribe message. Refused (43101) when the person gave no permission or it is used up."""
        target = {"appid": page[0], "pagepath": page[1]} if page else None
        send = self.platform.client.message.send_subscribe_message
        self.platform.call(
            "cgi-bin/message/subscribe/bizsend",
            lambda: send(openid, template_id, values(data), target, url),
            Repeat.HARMFUL,
        )
