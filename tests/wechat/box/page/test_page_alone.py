"""The page in a real browser with only the box behind it: chats, menus, faults, the keyboard, both languages."""

import io
import json
import time
from pathlib import Path

from PIL import Image
from wechatpayv3 import WeChatPayType

from app.posters.poster import draw
from app.posters.qr import qr_png
from tests.wechat.box import test_pushes
from tests.wechat.box.page.chromium import Chromium, Page
from tests.wechat.box.world import Ear, Heard, RunningBox


def opened(page: Page, sandbox: RunningBox, query: str = "", **more: str) -> str:
    """A person and the page that shows her chat; answers her id."""
    person = sandbox.person(**more)["id"]
    page.open(f"{sandbox.base}/box/{query}#tab=chat&person={person}")
    page.see("#persons .chosen")
    return str(person)


def test_what_people_type_stays_text(sandbox: RunningBox, page: Page) -> None:
    opened(page, sandbox, name="<b>小兰</b>")
    page.click("#follow")
    page.type("#say input", "<img src=x onerror=alert(1)>")
    page.press("Enter")
    page.see(".mine .bubble", "<img src=x onerror=alert(1)>")
    assert page.text("#persons .chosen b") == "<b>小兰</b>"
    assert page.ask("document.querySelectorAll('#screen img, #persons b b').length") == 0


def test_the_accounts_own_menu_is_tapped_by_name(sandbox: RunningBox, ear: Ear, page: Page) -> None:
    below = [
        {"type": "click", "name": "新品", "key": "NEW"},
        {"type": "view", "name": "官网", "url": "https://a.cn/"},
    ]
    menu = {
        "button": [{"name": "逛逛", "sub_button": below}, {"type": "click", "name": "签到", "key": "SIGN"}]
    }
    sandbox.call("/cgi-bin/menu/create", menu)
    person = opened(page, sandbox)
    page.click("#follow")
    page.click(".menu button", "签到")
    page.click(".menu button", "逛逛")
    page.click(".sheet button", "新品")
    ear.wait_for(3)
    page.wait("document.querySelector('#sheets').childElementCount === 0")
    told = sandbox.get("/deliveries", person=person)["deliveries"]
    assert [one["what"] for one in reversed(told)] == ["subscribe", "CLICK", "CLICK"]


def test_a_place_is_sent_and_a_fan_can_leave(sandbox: RunningBox, page: Page) -> None:
    person = opened(page, sandbox)
    page.click("#follow")
    page.click(".composer button.quiet")
    page.click(".tile", "发位置")
    page.click(".choice", "广州 天河")
    page.see(".mine .place", "23.135, 113.32")
    page.click(".bar .more")
    page.click("#unfollow")
    page.click(".sheet .danger")
    page.see(".card-of-account")
    assert sandbox.get(f"/persons/{person}")["person"]["subscribed"] is False


def test_a_fault_is_set_struck_and_the_notice_sent_again(sandbox: RunningBox, ear: Ear, page: Page) -> None:
    person = sandbox.person(phone="13800001111")
    page.open(f"{sandbox.base}/box/#tab=merchant")
    page.wait("document.querySelector('[data-fault=drop_notices]')")
    page.ask(
        "(() => { const one = document.querySelector('[data-fault=drop_notices]');"
        " one.value = '1'; one.dispatchEvent(new Event('change')); })()"
    )
    page.see(".fault select.on", "一次")
    assert sandbox.get("/settings")["faults"]["drop_notices"] == 1
    order = {"out_trade_no": "PAGE0001", "description": "衬衫", "amount": {"total": 29900}}
    order |= {"payer": {"openid": person["mp_openid"]}, "notify_url": ear.url + "/paid"}
    given = sandbox.merchant().pay(**order)
    prepay = given[1].split('"')[3]
    sandbox.post(f"/persons/{person['id']}/pay", prepay_id=prepay)
    page.see(".deliveries summary", "被吞掉")
    page.see(".payments tr", "¥299.00")
    assert ear.heard == []
    page.click("[data-again]")
    ear.wait_for(1)
    page.see(".deliveries summary", "已收下")


def test_a_rule_is_added_and_lifted(sandbox: RunningBox, page: Page) -> None:
    sandbox.person()
    page.open(f"{sandbox.base}/box/#tab=merchant")
    page.type(".rule [name=path]", "/callbacks/*")
    page.type(".rule [name=count]", "2")
    page.press("Enter")
    page.see(".rules li", "/callbacks/*")
    [rule] = sandbox.get("/faults")["rules"]
    assert (rule["kind"], rule["path"], rule["share"], rule["count"]) == ("duplicate", "/callbacks/*", 1, 2)
    page.click(".rules button", "撤下")
    page.see(".place-rules", "没有规则")
    assert sandbox.get("/faults")["rules"] == []


def test_tabs_and_sheets_obey_the_keyboard(sandbox: RunningBox, page: Page) -> None:
    opened(page, sandbox)
    page.ask("document.querySelector('#tab-chat').focus()")
    page.press("ArrowLeft")
    page.see("#merchant")
    assert page.ask("document.activeElement.id") == "tab-merchant"
    page.press("ArrowRight")
    page.see(".card-of-account")
    page.click(".bar .more")
    page.see(".sheet")
    page.press("Escape")
    page.wait("!document.querySelector('.sheet')")
    assert page.ask("document.activeElement.classList.contains('more')") is True


def test_english_for_those_who_prefer_it(sandbox: RunningBox, browser: Chromium) -> None:
    page = browser.page(width=1360, height=860, language="en-GB,en;q=0.9,zh;q=0.5")
    opened(page, sandbox)
    page.see("#tabs", "Mini-program")
    page.see(".card-of-account", "Follow")
    assert page.ask("document.documentElement.lang") == "en"
    assert page.complaints() == []
    page.close()


def test_a_page_that_is_looked_at_asks_gently(sandbox: RunningBox, ear: Ear, page: Page) -> None:
    opened(page, sandbox)
    page.click("#follow")
    ear.wait_for(1)
    page.see("#say")
    begun = page.ask("performance.clearResourceTimings(), performance.now()")
    time.sleep(3)
    asked = page.ask("performance.getEntriesByType('resource').map((one) => one.name.split('/box/')[1])")
    assert page.ask("performance.now()") - begun > 2900
    chats = [one for one in asked if "/chat?after=" in one]
    assert 2 <= len(chats) <= 4
    assert len(asked) <= 4 * 4 + 2


def test_an_answer_that_comes_late_appears_by_itself(sandbox: RunningBox, ear: Ear, page: Page) -> None:
    person = opened(page, sandbox)
    page.click("#follow")
    page.see("#say")
    asked = {"touser": sandbox.get(f"/persons/{person}")["person"]["oa_openid"], "msgtype": "text"}
    assert (
        sandbox.call("/cgi-bin/message/custom/send", asked | {"text": {"content": "您的货到了"}}).json()[
            "errcode"
        ]
        == 0
    )
    page.see(".theirs .bubble", "您的货到了")
    page.see(".theirs small", "客服消息")


def test_an_answer_against_the_rules_is_shown_as_wechat_shows_it(
    sandbox: RunningBox, ear: Ear, page: Page
) -> None:
    def wrong(heard: Heard) -> tuple[int, bytes]:
        return 200, b"<xml>nonsense"

    opened(page, sandbox)
    page.click("#follow")
    page.see("#say")
    ear.answer = wrong
    page.type("#say input", "在吗")
    page.press("Enter")
    page.see(".log .fault", "服务出现故障")


def test_the_picture_of_a_code_is_scanned(sandbox: RunningBox, ear: Ear, page: Page, tmp_path: Path) -> None:
    asked = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "poster:7"}}}
    ticket = sandbox.call("/cgi-bin/qrcode/create", asked).json()["ticket"]
    picture = tmp_path / "code.jpg"
    picture.write_bytes(sandbox.call("/cgi-bin/showqrcode", ticket=ticket).content)
    opened(page, sandbox)
    page.see(".walls .code", "poster:7")
    page.upload("#beside input[type=file]", picture)
    page.see(".card-of-account", "你刚扫了码")
    page.click("#follow")
    ear.wait_for(1)
    page.upload("#beside input[type=file]", picture)
    page.see(".delivery", "扫码")


def _poster(url: str, place: Path) -> Path:
    """A clerk's poster with this code as a telephone photographs it: smaller, turned a little, and as JPEG."""
    code = qr_png(url, size_px=500)
    sheet = draw(
        brand="澜序 LANXU",
        clerk_name="林晓雨",
        store_name="福田店",
        slogan="把好日子穿在身上",
        code_image=code,
    )
    photograph = Image.open(io.BytesIO(sheet)).convert("RGB").resize((800, 1200))
    photograph.rotate(4, expand=True, fillcolor="#888").save(place, "JPEG", quality=70)
    return place


def test_a_photograph_of_a_clerks_poster_is_scanned(
    sandbox: RunningBox, ear: Ear, page: Page, tmp_path: Path
) -> None:
    asked = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "c-lin"}}}
    url = sandbox.call("/cgi-bin/qrcode/create", asked).json()["url"]
    opened(page, sandbox)
    page.upload("#beside input[type=file]", _poster(url, tmp_path / "poster.jpg"))
    page.see(".card-of-account", "你刚扫了码")
    page.click("#follow")
    ear.wait_for(1)
    assert test_pushes.opened(sandbox, ear.heard[-1])["EventKey"] == "qrscene_c-lin"


def test_a_code_that_a_till_shows_is_paid(sandbox: RunningBox, ear: Ear, page: Page, tmp_path: Path) -> None:
    ear.answer = lambda heard: (204, b"")
    peer = sandbox.merchant(wechatpay_type=WeChatPayType.NATIVE)
    asked = {"description": "衬衫", "out_trade_no": "TILL0001", "notify_url": ear.url + "/paid"}
    code_url = json.loads(peer.pay(amount={"total": 29900}, **asked)[1])["code_url"]
    picture = tmp_path / "till.png"
    picture.write_bytes(qr_png(code_url, size_px=400))
    sandbox.call("/cgi-bin/qrcode/create", {"action_name": "QR_STR_SCENE", "expire_seconds": 60,
                 "action_info": {"scene": {"scene_str": "a"}}})  # fmt: skip
    opened(page, sandbox)
    page.see(".walls .code")
    page.upload("#beside input[type=file]", picture)
    page.see(".sheet .amount", "299")
    page.click("#confirm-pay")
    page.see("#toast", "299")
    assert json.loads(peer.query(out_trade_no="TILL0001")[1])["trade_state"] == "SUCCESS"
