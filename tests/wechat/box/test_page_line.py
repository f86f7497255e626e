"""The page's line to the shop's server, and the QR pictures: what crosses, what does not."""

import io
import time

import pytest
import qrcode
import requests
from PIL import Image, ImageChops

from tests.wechat.box.world import Ear, Heard, RunningBox, listening


@pytest.fixture
def line(sandbox: RunningBox) -> str:
    return f"{sandbox.base}/box/house"


def test_a_call_crosses_whole_and_its_answer_too(line: str, ear: Ear) -> None:
    ear.answer = lambda heard: (409, '{"title": "库存不足"}'.encode())
    answer = requests.post(
        f"{line}/api/shopper/orders?city=%E6%B7%B1%E5%9C%B3&q=a%26b",
        data='{"store": "SZ-FT"}',
        headers={
            "Authorization": "Bearer t",
            "Idempotency-Key": "k-12345678",
            "Accept-Language": "en",
            "Content-Type": "application/json",
            "Cookie": "stays=here",
            "X-Other": "stays too",
        },
        timeout=5,
    )
    assert (answer.status_code, answer.json()) == (409, {"title": "库存不足"})
    assert answer.headers["Cache-Control"] == "no-store"
    [heard] = ear.heard
    assert (heard.method, heard.path, heard.body) == ("POST", "/api/shopper/orders", b'{"store": "SZ-FT"}')
    assert heard.query == {"city": "深圳", "q": "a&b"}
    sent = {name: heard.headers.get(name) for name in ("Authorization", "Idempotency-Key", "Accept-Language")}
    assert sent == {"Authorization": "Bearer t", "Idempotency-Key": "k-12345678", "Accept-Language": "en"}
    assert heard.headers["Content-Type"] == "application/json"
    assert not {"Cookie", "X-Other"} & set(heard.headers)


def test_a_get_crosses_without_a_body(line: str, ear: Ear) -> None:
    ear.answer = lambda heard: (200, b'{"items": []}')
    answer = requests.get(f"{line}/api/shopper/products/%E8%A1%AC", timeout=5)
    assert (answer.status_code, answer.content) == (200, b'{"items": []}')
    assert [(heard.method, heard.path, heard.body) for heard in ear.heard] == [
        ("GET", "/api/shopper/products/%E8%A1%AC", b"")
    ]


@pytest.mark.parametrize(
    "path", ["callbacks/wechat/oa", "metrics", "api/../metrics", "api/%2e%2e/metrics", "api/x/%2E/y"]
)
def test_the_line_leads_to_the_api_only(line: str, ear: Ear, path: str) -> None:
    request = requests.Request("GET", "http://127.0.0.1").prepare()
    request.url = f"{line}/{path}"
    with requests.Session() as session:
        answer = session.send(request, timeout=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_THERE")
    assert ear.heard == []


def test_a_page_of_another_origin_has_no_line(line: str, ear: Ear) -> None:
    answer = requests.post(
        f"{line}/api/clerk/codes", headers={"Origin": "http://evil.example"}, json={}, timeout=5
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FOREIGN_ORIGIN")
    own = requests.post(
        f"{line}/api/x", headers={"Origin": line.removesuffix("/box/house")}, json={}, timeout=5
    )
    assert own.status_code == 200
    assert len(ear.heard) == 1


def test_without_a_callback_there_is_nowhere_to_go(sandbox: RunningBox, line: str) -> None:
    sandbox.post("/settings", callback_url=None)
    answer = requests.get(f"{line}/api/shopper/stores", timeout=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "NO_CALLBACK")


def test_a_server_that_is_gone_is_said_to_be_gone(sandbox: RunningBox, line: str) -> None:
    with listening() as gone:
        address = gone.url
    sandbox.post("/settings", callback_url=address + "/callbacks/wechat/oa")
    answer = requests.get(f"{line}/api/shopper/stores", timeout=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "NOBODY_THERE")


def test_too_much_is_refused_both_ways(line: str, ear: Ear) -> None:
    asked = requests.post(f"{line}/api/x", data=b"x" * (64 * 1024 + 1), timeout=5)
    assert (asked.status_code, asked.json()["error"]["code"]) == (413, "TOO_LARGE")
    assert ear.heard == []
    ear.answer = lambda heard: (200, b"x" * (4 * 1024 * 1024 + 1))
    answered = requests.get(f"{line}/api/x", timeout=5)
    assert (answered.status_code, answered.json()["error"]["code"]) == (502, "TOO_LARGE")


def test_a_server_that_sleeps_is_not_waited_for_longer_than_10_s(line: str, ear: Ear) -> None:
    def sleep(heard: Heard) -> tuple[int, bytes]:
        time.sleep(10.5)
        return 200, b"late"

    ear.answer = sleep
    began = time.monotonic()
    answer = requests.get(f"{line}/api/x", timeout=15)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "TOO_SLOW")
    assert time.monotonic() - began < 10.4


def test_a_redirect_is_answered_and_not_followed(line: str, ear: Ear) -> None:
    ear.answer = lambda heard: (302, b"elsewhere")
    answer = requests.get(f"{line}/api/x", timeout=5, allow_redirects=False)
    assert (answer.status_code, answer.content) == (302, b"elsewhere")
    assert "Location" not in answer.headers
    assert len(ear.heard) == 1


def test_the_qr_picture_is_the_code_of_its_text(sandbox: RunningBox) -> None:
    text = "04711234.提货&x=1"
    answer = sandbox.http.get(f"{sandbox.base}/box/qr", params={"text": text}, timeout=5)
    assert answer.headers["Content-Type"] == "image/png"
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, box_size=8, border=3)
    code.add_data(text)
    drawn = Image.open(io.BytesIO(answer.content)).convert("L")
    expected = code.make_image().get_image().convert("L")
    assert drawn.size == expected.size
    assert ImageChops.difference(drawn, expected).getbbox() is None
    for bad in ("", "x" * 401):
        assert sandbox.http.get(f"{sandbox.base}/box/qr", params={"text": bad}, timeout=5).status_code == 400
