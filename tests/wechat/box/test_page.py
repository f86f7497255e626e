"""The page: served whole by the box, nothing from elsewhere; every word in both languages; bills to look at."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import wechat.box
from tests.wechat.box.world import Ear, RunningBox

PAGE = Path(wechat.box.__file__).parent / "page"
FILES = sorted(path for path in PAGE.iterdir() if path.is_file())
# What others wrote, as it came (docs/decisions/0022).
BROUGHT = sorted(path for path in (PAGE / "vendor").rglob("*.js"))
SCRIPTS = [path for path in FILES if path.suffix == ".js"]
WORDS = next(path for path in SCRIPTS if path.name == "words.js").read_text()


def words_of(name: str) -> set[str]:
    """The keys of one language's table in words.js."""
    table = re.search(rf"const {name} = {{\n(.*?)\n}};", WORDS, re.S)
    assert table is not None
    return {one[0] or one[1] for one in re.findall(r'(?:^|[,{]|\n)\s*(?:"([^"]+)"|(\w+)): "', table[1])}


def test_page_is_whole_and_needs_nothing_from_elsewhere(sandbox: RunningBox) -> None:
    page = sandbox.http.get(f"{sandbox.base}/box/", timeout=5)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"] == (
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    links = set(re.findall(r'(?:src|href)="(/[^"]+)"', page.text))
    for script in SCRIPTS:
        links |= {f"/box/page/{name}" for name in re.findall(r'from "\./([\w.]+)"', script.read_text())}
        links |= {f"/box/page/{name}" for name in re.findall(r'import\("\./([\w./]+)"\)', script.read_text())}
    assert links == {f"/box/page/{path.name}" for path in FILES if path.name != "index.html"} | {
        "/box/page/vendor/qr/decode.js"
    }
    for script in BROUGHT:
        places = re.findall(r'(?:from|import\()\s*["\']([^"\']+)', script.read_text())
        links |= {
            f"/box/page/vendor/qr/{name.removeprefix('./')}" for name in places if name.startswith("./")
        }
    assert links >= {f"/box/page/{path.relative_to(PAGE).as_posix()}" for path in BROUGHT}
    for link in links:
        part = sandbox.http.get(sandbox.base + link, timeout=5)
        assert (part.status_code, part.headers["X-Content-Type-Options"]) == (200, "nosniff")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_nothing_that_people_typed_becomes_markup(script: Path) -> None:
    found = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", script.read_text())
    assert found == []


def test_every_word_of_the_page_is_there_in_both_languages() -> None:
    chinese, english = words_of("ZH"), words_of("EN")
    used = set()
    for path in FILES:
        text = path.read_text()
        used |= set(re.findall(r'data-(?:word|hint|label)="(\w+)"', text))
        used |= set(re.findall(r'\bword\("(\w+)"\)', text))
    assert used - chinese == set()
    # What WeChat or the house names with a word of their own stays in it where the English is the same.
    assert {name for name in chinese - english if not name.startswith("verdict_")} == set()
    assert english - chinese == set()


def test_root_leads_to_the_page_and_files_outside_stay_outside(sandbox: RunningBox) -> None:
    assert sandbox.http.get(sandbox.base, timeout=5).url == f"{sandbox.base}/box/"
    assert sandbox.http.get(f"{sandbox.base}/box/page/..%2Fstate.py", timeout=5).status_code == 404


def test_codes_on_the_walls_and_what_a_picture_shows(sandbox: RunningBox) -> None:
    asked = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "s:1"}}}
    made = sandbox.call("/cgi-bin/qrcode/create", asked).json()
    picture = sandbox.call("/wxa/getwxacodeunlimit", {"scene": "c=1", "page": "pages/a"}, app="mp").content
    assert sandbox.get("/codes") == {
        "official": [{"scene": "s:1", "ticket": made["ticket"], "url": made["url"]}],
        "mini_program": [{"scene": "c=1", "page": "pages/a"}],
    }
    seen = sandbox.post("/pictures", image="data:image/jpeg;base64," + base64.b64encode(picture).decode())
    assert seen == {"shows": "mp", "page": "pages/a", "scene": "c=1", "env_version": "release"}


def test_todays_bill_can_be_looked_at_before_wechat_hands_it_out(sandbox: RunningBox, ear: Ear) -> None:
    today = (datetime.now(UTC) + timedelta(hours=8)).date().isoformat()
    empty = sandbox.http.get(f"{sandbox.base}/box/bills/tradebill?date={today}", timeout=5)
    assert (empty.status_code, empty.content) == (204, b"")
    person = sandbox.person()
    order = {"out_trade_no": "PAGE0002", "description": "衬衫", "amount": {"total": 29900}}
    order |= {"payer": {"openid": person["mp_openid"]}, "notify_url": ear.url + "/paid"}
    prepay = json.loads(sandbox.merchant().pay(**order)[1])["prepay_id"]
    sandbox.post(f"/persons/{person['id']}/pay", prepay_id=prepay)
    bill = sandbox.http.get(f"{sandbox.base}/box/bills/tradebill?date={today}", timeout=5)
    assert bill.headers["Content-Disposition"] == f'attachment; filename="tradebill-{today}.csv"'
    lines = bill.content.decode("utf-8-sig").split("\r\n")
    assert "`PAGE0002" in lines[1].split(",")
    assert lines[3].startswith("`1.0,`299.0,")


@pytest.mark.parametrize(
    "path", ["tradebill?date=2026-13-01", "tradebill?date=20261101", "otherbill?date=2026-11-01"]
)
def test_a_bill_that_cannot_be_is_a_bad_call(sandbox: RunningBox, path: str) -> None:
    answer = sandbox.http.get(f"{sandbox.base}/box/bills/{path}", timeout=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_CALL")
