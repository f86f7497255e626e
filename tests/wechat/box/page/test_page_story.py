"""The page as people use it, in a real browser and against the whole house: from a clerk's code to her earnings."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.wiring import Parts
from scripts.brand_files import read_brand
from scripts.import_brand import load_brand
from tests.boxed import Boxed
from tests.brands import LANXU
from tests.live import Live
from tests.wechat.box.page.chromium import Chromium, Page

CLERK, MANAGER, FAN = "林晓雨", "黄丽娜", "张小满"
# 5 % of ¥299.00 is a pool of ¥14.95; the clerk has 30 + 20 + 20 % of it.
CLERKS_FEN = 1047


@pytest.fixture
def shop(live: Live, parts: Parts, box: Boxed) -> str:
    """The demo brand, sold by a house that runs; answers the address of the page."""
    reading = read_brand(LANXU)
    assert reading.brand is not None
    with parts.tx() as session:
        load_brand(session, reading.brand, vault=parts.vault)
    return f"{box.url}/box/"


@pytest.fixture
def phone(browser: Chromium) -> Iterator[Page]:
    """A tab as narrow as a telephone, for the shopper while the clerk has the other one."""
    phone = browser.page(width=390, height=844)
    yield phone
    complaints = phone.complaints()
    phone.close()
    assert complaints == []


def add(page: Page, name: str, number: str = "") -> None:
    """Add a person at the left; she is chosen then."""
    page.type("#new-person [name=name]", name)
    if number:
        page.type("#new-person [name=phone]", number)
    page.press("Enter")
    page.see("#persons .chosen", name)


def be_clerk(page: Page, name: str, number: str) -> None:
    """A clerk of the roster logs in with her telephone."""
    add(page, name, number)
    page.click("#tab-clerk")
    page.click("#clerk-login")
    page.see("#my-scene", "c-")


def earned(page: Page) -> int:
    """What the clerk's page shows as her expected earnings."""
    return int(page.wait("document.querySelector('#sum-estimated')?.dataset.fen"))


def buy(page: Page) -> None:
    """Find the silk shirt and order one for pick-up in Futian; ends at the pay sheet."""
    page.click("#tab-shop")
    page.click("[data-store=SZ-FT] button")
    page.see(".product")
    page.type(".search input", "衬衫")
    page.press("Enter")
    page.wait("document.querySelectorAll('.product').length === 1")
    page.click(".product", "真丝衬衫")
    page.click("[data-sku=AP-1002-M]")
    page.wait("document.querySelector('[data-sku=AP-1002-M]').getAttribute('aria-pressed') === 'true'")
    page.click("#buy")
    page.click("#place-order", "¥299.00")
    page.see("#confirm-pay")


def test_from_the_clerks_code_to_her_earnings(shop: str, page: Page, phone: Page, tmp_path: Path) -> None:
    page.open(shop)
    be_clerk(page, CLERK, "13800000001")
    assert page.wait("document.querySelector('#poster').naturalWidth") == 1200
    scene = page.text("#my-scene")

    phone.open(shop)
    add(phone, FAN)
    phone.click("#tab-chat")
    phone.click(f".code[data-scene={json.dumps(scene)}]")
    phone.see(".card-of-account", "你刚扫了码")
    phone.click("#follow")
    phone.see(".theirs .bubble", f"导购{CLERK}")
    phone.type("#say input", "衬衫")
    phone.press("Enter")
    phone.see(".theirs .bubble", "真丝衬衫 ¥299.00")
    phone.click(".menu button", "客服")
    phone.see(".theirs .bubble", CLERK)

    buy(phone)
    phone.see(".sheet .amount", "¥299.00")
    phone.click("#confirm-pay")
    phone.wait("document.querySelector('#order-state').dataset.fulfilment === 'READY'")
    phone.see("#pickup-code")
    code = phone.text("#pickup-code")
    assert len(code.replace(" ", "")) == 8
    assert phone.wait("document.querySelector('.pickup img').naturalWidth") > 100

    page.click("[data-part=earnings]")
    page.wait(f"document.querySelector('#sum-estimated')?.dataset.fen === '{CLERKS_FEN}'")
    page.see(".share", "扫码关注")
    page.click("[data-part=counter]")
    page.type("#verify-code", code)
    page.press("Enter")
    page.see(".handed", "核销成功")
    page.see(".handed", "真丝衬衫")
    phone.see("#order-state", "已提货")
    page.click("[data-part=month]")
    page.see(".sums .pill", "分文不差")
    phone.picture(tmp_path / "phone.png")
    assert (tmp_path / "phone.png").stat().st_size > 10_000


def test_a_refund_is_seen_everywhere_and_a_refusal_is_told_in_the_houses_words(
    shop: str, browser: Chromium
) -> None:
    page = browser.page(width=1360, height=860)
    page.open(shop)
    add(page, FAN, "13911112222")
    buy(page)
    page.click("#confirm-pay")
    page.see("#pickup-code")
    page.wait("document.querySelector('#sheets').childElementCount === 0")
    page.click("#cancel")
    page.click(".sheet .danger")
    page.see("#order-state", "已取消")
    page.see(".refunds .pill", "已到账")
    page.click("#tab-chat")
    page.click(".bar .back")
    page.click(".conversation", "微信支付")
    page.see(".receipt", "退款到账通知")
    page.click("#tab-merchant")
    page.see(".refunds .pill", "已到账")
    page.see(".deliveries summary", "退款到账通知")
    page.click(".bills button")
    page.see(".bills table", "REFUND")

    page.click("#tab-clerk")
    page.click("#clerk-login")
    page.see("#toast.bad", "未找到可登录的导购身份")
    be_clerk(page, MANAGER, "13800000003")
    page.click("[data-part=counter]")
    page.type("#verify-code", "1234 5678")
    page.press("Enter")
    page.see("#toast.bad", "提货码不正确")
    refused = [told.rpartition("/box/")[2].strip() for told in page.complaints()]
    assert refused == ["house/api/clerk/login", "house/api/clerk/pickups/verify"]
    page.close()
