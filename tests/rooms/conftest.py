"""What a room test may ask for beside what every test may."""

from collections.abc import Iterator

import pytest

from app.payments.prepaying import Payer, Shop
from app.wiring import Parts
from tests import make
from tests.boxed import Boxed
from tests.stage import Stage


@pytest.fixture
def stage(parts: Parts, box: Boxed) -> Iterator[Stage]:
    """A small shop and a person in the box."""
    box.post("settings", refund_delay_s=0)
    person = box.post("persons", name="张小满")["person"]
    with parts.tx() as session:
        make.a_shop(session)
        make.stock(session, "AP-1002-M", 10)
        buyer = make.a_buyer(session, appid=parts.settings.mp_appid, openid=person["mp_openid"])
    payer = Payer(buyer.member_id, parts.settings.mp_appid, person["mp_openid"])
    shop = Shop(parts.settings.pay_mchid, parts.settings.paid_url, "澜序 订单")
    yield Stage(parts, box, person, payer, shop)
    box.post("settings", faults={})
