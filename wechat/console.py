"""What an app may ask about itself: WeChat's addresses, and how often it may still call."""

import json
from dataclasses import dataclass

from wechat.fields import count_of, part_of, texts_of
from wechat.platform import Family, Repeat, ask


@dataclass(frozen=True)
class Quota:
    """Calls of one path: per day, used today, left today; and per `refresh_s` seconds (0: not told)."""

    daily_limit: int
    used: int
    remain: int
    rate_limit: int = 0
    refresh_s: int = 0


class Console(Family):
    """Addresses and quotas."""

    def callback_ips(self) -> tuple[str, ...]:
        """From where WeChat pushes: addresses or networks (CIDR). Ask once a day."""
        get = self.platform.client.misc.get_wechat_ips
        ips = self.platform.call("cgi-bin/getcallbackip", get, Repeat.HARMLESS, list)
        return texts_of({"ip_list": ips}, "ip_list")

    def api_ips(self) -> tuple[str, ...]:
        """Where WeChat's API listens."""
        return texts_of(self.platform.get("cgi-bin/get_api_domain_ip", {}, Repeat.HARMLESS), "ip_list")

    def quota(self, path: str) -> Quota:
        """The quota of a path such as /cgi-bin/message/custom/send. Refused for /sns/ paths (76022)."""
        fields = self.platform.post("cgi-bin/openapi/quota/get", {"cgi_path": path}, Repeat.HARMLESS)
        day, rate = part_of(fields, "quota"), part_of(fields, "rate_limit")
        return Quota(
            daily_limit=count_of(day, "daily_limit"),
            used=count_of(day, "used"),
            remain=count_of(day, "remain"),
            rate_limit=count_of(rate, "call_count"),
            refresh_s=count_of(rate, "refresh_second"),
        )

    def clear_quotas(self) -> None:
        """Sets all of today's counts to 0. An app may do so 10 times a month (48006), so it is not repeated
        and raises Unknown when it may have been done."""
        body = {"appid": self.platform.appid}
        self.platform.post("cgi-bin/clear_quota", body, Repeat.HARMFUL)

    def clear_quotas_by_secret(self, secret: str) -> None:
        """The same without a token, for an app that has used up its calls for one (cgi-bin/clear_quota/v2); it
        counts among the same 10 a month. `secret` is the app's. Raises as `clear_quotas`."""
        api, http = "cgi-bin/clear_quota/v2", self.platform.http
        body = json.dumps({"appid": self.platform.appid, "appsecret": secret}).encode()
        headers = {"Content-Type": "application/json"}
        request = http.prepare("POST", f"{self.platform.api_base}/{api}", body=body, headers=headers)
        ask(http, api, request, Repeat.HARMFUL)

    def clear_quota(self, path: str) -> None:
        """Sets today's count of one path to 0; 50 times a month. Raises as `clear_quotas`."""
        self.platform.post("cgi-bin/openapi/quota/clear", {"cgi_path": path}, Repeat.HARMFUL)
