"""Customer messages: what may be sent to a person within the window that the person opened.

5 within 48 h of a message, 3 within a minute of following, scanning or clicking; a mini-program: 2 within a
minute of opening its chat. Outside, WeChat refuses with 45015; when the count is used up, with 45047.
Nothing here is idempotent: each call raises Unknown when the message may have been shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wechat.errors import Refused
from wechat.platform import Family, Repeat
from wechat.push_xml import fit

API = "cgi-bin/message/custom/send"


@dataclass(frozen=True)
class Article:
    """A picture, a title and a description that open `url`."""

    title: str
    description: str
    url: str
    picture_url: str = ""


class ChatMessages(Family):
    """What both an official account and a mini-program may send."""

    def send_text(self, openid: str, text: str) -> None:
        """A text, cut to 2048 bytes."""
        fitted = fit(text)
        if not fitted.strip():
            raise Refused(API, "44004", "empty content")
        send = self.platform.client.message.send_text
        self.platform.call(API, lambda: send(openid, fitted), Repeat.HARMFUL)

    def send_image(self, openid: str, media_id: str) -> None:
        """A picture that was uploaded. Refused (40007) when it has expired."""
        send = self.platform.client.message.send_image
        self.platform.call(API, lambda: send(openid, media_id), Repeat.HARMFUL)

    def _send_page(self, openid: str, card: Mapping[str, Any]) -> None:
        send = self.platform.client.message.send_mini_program_page
        self.platform.call(API, lambda: send(openid, dict(card)), Repeat.HARMFUL)


class CustomerMessages(ChatMessages):
    """What an official account may send besides."""

    def send_article(self, openid: str, article: Article) -> None:
        """One article; WeChat takes no more (45008)."""
        row = {
            "title": article.title,
            "description": article.description,
            "url": article.url,
            "picurl": article.picture_url,
        }
        send = self.platform.client.message.send_articles
        self.platform.call(API, lambda: send(openid, [row]), Repeat.HARMFUL)

    def send_page(self, openid: str, *, appid: str, page: str, title: str, thumb_media_id: str) -> None:
        """A card that opens a mini-program's page. The mini-program must be linked to the account (45064)."""
        card = {"title": title, "appid": appid, "pagepath": page, "thumb_media_id": thumb_media_id}
        self._send_page(openid, card)

    def send_choices(
        self, openid: str, *, head: str, choices: Sequence[tuple[str, str]], tail: str = ""
    ) -> None:
        """Choices to tap, as (id, words); the pick comes back as `Said` with `choice`."""
        if not choices:
            raise Refused(API, "44004", "no choices")
        rows = [{"id": key, "content": words} for key, words in choices]
        menu = {"head_content": head, "list": rows, "tail_content": tail}
        send = self.platform.client.message.send_msg_menu
        self.platform.call(API, lambda: send(openid, menu), Repeat.HARMFUL)

    def show_typing(self, openid: str, *, on: bool = True) -> None:
        """Shows, or takes away, that somebody is typing."""
        body = {"touser": openid, "command": "Typing" if on else "CancelTyping"}
        self.platform.post("cgi-bin/message/custom/typing", body, Repeat.HARMLESS)


class ProgramMessages(ChatMessages):
    """What a mini-program may send besides, in its customer chat."""

    def send_link(self, openid: str, article: Article) -> None:
        """One link with a picture."""
        row = {
            "title": article.title,
            "description": article.description,
            "url": article.url,
            "thumb_url": article.picture_url,
        }
        send = self.platform.client.message.send_link
        self.platform.call(API, lambda: send(openid, row), Repeat.HARMFUL)

    def send_page(self, openid: str, *, page: str, title: str, thumb_media_id: str) -> None:
        """A card that opens a page of this mini-program."""
        self._send_page(openid, {"title": title, "pagepath": page, "thumb_media_id": thumb_media_id})
