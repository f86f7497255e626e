"""Subscribe messages: one for each time that the person said yes."""

from collections.abc import Mapping

from wechat.fields import text_of
from wechat.platform import Family, Repeat


class Notices(Family):
    """Sends notices of a mini-program."""

    def send_notice(
        self,
        openid: str,
        template_id: str,
        data: Mapping[str, str],
        *,
        page: str = "",
        state: str = "formal",
        language: str = "zh_CN",
    ) -> str:
        """Keyword -> value into an approved form; answers WeChat's number, empty when it names none. `state`:
        formal, trial or developer. Refused 43101 when the person's yes is used up, 47003 for a value that
        does not fit; Unavailable 43108 while another message goes to the same person. Unknown when it may
        have been shown."""
        body: dict[str, object] = {
            "touser": openid,
            "template_id": template_id,
            "data": {name: {"value": value} for name, value in data.items()},
            "miniprogram_state": state,
            "lang": language,
        }
        if page:
            body["page"] = page
        fields = self.platform.post("cgi-bin/message/subscribe/send", body, Repeat.HARMFUL)
        return text_of(fields, "msgid")
