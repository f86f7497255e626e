"""The page: served whole by the box, nothing from elsewhere; what it asks for is there."""

import base64
import re

from tests.wechat.box.world import RunningBox


def test_page_is_whole_and_needs_nothing_from_elsewhere(sandbox: RunningBox) -> None:
    page = sandbox.http.get(f"{sandbox.base}/box/", timeout=5)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"] == (
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert set(links) == {"data:,", "/box/page/page.css", "/box/page/words.js", "/box/page/page.js"}
    for link in links[1:]:
        part = sandbox.http.get(sandbox.base + link, timeout=5)
        assert part.status_code == 200
        assert "http://" not in part.text
        assert "innerHTML" not in part.text


def test_every_word_of_the_page_is_there_in_both_languages(sandbox: RunningBox) -> None:
    page, words = (
        sandbox.http.get(sandbox.base + path, timeout=5).text for path in ("/box/", "/box/page/words.js")
    )
    script = sandbox.http.get(f"{sandbox.base}/box/page/page.js", timeout=5).text
    used = set(re.findall(r'data-(?:word|hint)="(\w+)"', page)) | set(re.findall(r'word\("(\w+)"\)', script))
    chinese, english = words.split("en: {")
    for name in used:
        assert re.search(rf"\b{name}: ", chinese), name
        assert re.search(rf"\b{name}: ", english), name


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
