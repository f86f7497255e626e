"""The merchant's client: all verbs in one object."""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from wechat.http import Http
from wechat.pay.bills import Bills
from wechat.pay.certificates import Certificates
from wechat.pay.combined import Combined
from wechat.pay.config import PayConfig
from wechat.pay.gateway import Gateway
from wechat.pay.notices import Notices
from wechat.pay.orders import Orders
from wechat.pay.platform_keys import PlatformKeys, certificate_of
from wechat.pay.refunds import Refunds
from wechat.pay.sharing import ProfitSharing
from wechat.pay.signing import MerchantKey, NoticeKey
from wechat.pay.transfers import Transfers


class Pay(Orders, Combined, Refunds, ProfitSharing, Transfers, Bills, Notices):
    """WeChat Pay for one merchant. Thread-safe; keys are read once, here. Raises ValueError (naming the
    setting, never its value) when one of them is unusable. Calls raise the errors of `wechat.errors`."""

    def __init__(self, config: PayConfig, http: Http, *, clock: Callable[[], float] = time.time) -> None:
        merchant = MerchantKey(config.mchid, config.merchant_serial, config.merchant_private_key_pem)
        notice_key = NoticeKey(config.apiv3_key)
        platform = _platform_keys(config)
        bases = (config.base, config.backup_base or config.base)
        gateway = Gateway(http, merchant, platform, bases=bases, clock=clock)
        self._certificates = Certificates(gateway, platform, notice_key, clock)
        if config.download_certificates:
            platform.renewed_by(self._certificates.renew)
            gateway.refreshed_by(self._certificates.refresh)
        Orders.__init__(self, gateway, merchant)
        Combined.__init__(self, gateway, merchant)
        Refunds.__init__(self, gateway, merchant)
        ProfitSharing.__init__(self, gateway, merchant)
        Transfers.__init__(self, gateway, merchant)
        Bills.__init__(self, gateway, frozenset(urlsplit(base).netloc for base in bases))
        Notices.__init__(self, platform, notice_key)
        self.config = config

    def fetch_certificates(self) -> int:
        """Fetches WeChat's platform certificates now and answers how many there are; 0 for a merchant in
        public-key mode, who has none. A check of the settings: it happens by itself when it is needed."""
        return self._certificates.fetch()

    def __repr__(self) -> str:
        return f"Pay(mchid={self.config.mchid!r})"


def _platform_keys(config: PayConfig) -> PlatformKeys:
    if bool(config.public_key_id) != bool(config.public_key_pem):
        raise ValueError("WeChat Pay public key: its id and the key go together")
    public = {config.public_key_id: config.public_key_pem} if config.public_key_id else {}
    certificates = [certificate_of(pem) for pem in config.platform_certificates_pem]
    if not (public or certificates or config.download_certificates):
        raise ValueError("WeChat Pay public key: neither it nor a platform certificate, and none is fetched")
    return PlatformKeys(public, certificates)
