"""The merchant's client: all verbs in one object."""

import time
from collections.abc import Callable

from wechat.http import Http
from wechat.pay.config import PayConfig
from wechat.pay.gateway import Gateway
from wechat.pay.notices import Notices
from wechat.pay.orders import Orders
from wechat.pay.refunds import Refunds
from wechat.pay.signing import MerchantKey, NoticeKey, PlatformKeys


class Pay(Orders, Refunds, Notices):
    """WeChat Pay for one merchant. Thread-safe; keys are read once, here. Raises ValueError (naming the
    setting, never its value) when one of them is unusable. Calls raise the errors of `wechat.errors`."""

    def __init__(self, config: PayConfig, http: Http, *, clock: Callable[[], float] = time.time) -> None:
        merchant = MerchantKey(config.mchid, config.merchant_serial, config.merchant_private_key_pem)
        platform = PlatformKeys({config.public_key_id: config.public_key_pem})
        gateway = Gateway(
            http,
            merchant,
            platform,
            bases=(config.base, config.backup_base or config.base),
            public_key_id=config.public_key_id,
            clock=clock,
        )
        Orders.__init__(self, gateway, merchant)
        Refunds.__init__(self, gateway, merchant)
        Notices.__init__(self, platform, NoticeKey(config.apiv3_key))
        self.config = config

    def __repr__(self) -> str:
        return f"Pay(mchid={self.config.mchid!r})"
