"""Media, through wechatpy's own client."""

import pytest
import requests
from wechatpy.client import WeChatClient
from wechatpy.exceptions import WeChatClientException

from tests.wechat.box.world import RunningBox

PICTURE = b"\xff\xd8\xff\xe0 a picture"


def test_media_lives_three_days(sandbox: RunningBox, client: WeChatClient) -> None:
    told = client.media.upload("image", ("海报 1.jpg", PICTURE, "image/jpeg"))
    assert told.keys() == {"type", "media_id", "created_at"}
    fetched = client.media.download(told["media_id"])
    assert isinstance(fetched, requests.Response)
    assert fetched.content == PICTURE
    assert fetched.headers["Content-Type"] == "image/jpeg"
    assert fetched.headers["Content-disposition"] == 'attachment; filename=" 1.jpg"'
    sandbox.post("/clock", offset_s=3 * 86400 + 1)
    with pytest.raises(WeChatClientException) as refused:
        client.media.download(told["media_id"])
    assert refused.value.errcode == 40007


def test_each_account_has_its_own_media(
    sandbox: RunningBox, client: WeChatClient, mp_client: WeChatClient
) -> None:
    media_id = client.media.upload("image", ("a.png", PICTURE, "image/png"))["media_id"]
    with pytest.raises(WeChatClientException) as refused:
        mp_client.media.download(media_id)
    assert refused.value.errcode == 40007


def test_a_film_answers_its_address_and_a_thumb_its_own_field(
    sandbox: RunningBox, client: WeChatClient
) -> None:
    film = client.media.upload("video", ("a.mp4", b"film", "video/mp4"))["media_id"]
    url = client.media.download(film)["video_url"]
    assert sandbox.http.get(url, timeout=5).content == b"film"
    thumb = client.media.upload("thumb", ("t.jpg", PICTURE, "image/jpeg"))
    assert thumb.keys() == {"type", "thumb_media_id", "created_at"}


def test_pictures_and_material_for_good(sandbox: RunningBox, client: WeChatClient) -> None:
    url = client.media.upload_image(("a.jpg", PICTURE, "image/jpeg"))
    address = url if isinstance(url, str) else url["url"]
    kept = client.material.add("image", ("b.jpg", PICTURE, "image/jpeg"))
    sandbox.post("/clock", offset_s=30 * 86400)
    assert sandbox.http.get(address, timeout=5).content == PICTURE
    fetched = client.material.get(kept["media_id"])
    assert fetched.content == PICTURE
    client.material.delete(kept["media_id"])
    with pytest.raises(WeChatClientException) as refused:
        client.material.get(kept["media_id"])
    assert refused.value.errcode == 40007


def test_material_is_counted_and_listed(sandbox: RunningBox, client: WeChatClient) -> None:
    client.media.upload("image", ("passing.jpg", PICTURE, "image/jpeg"))
    kept = [client.material.add("image", (f"{n}.jpg", PICTURE, "image/jpeg"))["media_id"] for n in range(3)]
    client.material.add("voice", ("a.mp3", b"la", "audio/mpeg"))
    assert client.material.get_count() == {
        "voice_count": 1,
        "video_count": 0,
        "image_count": 3,
        "news_count": 0,
    }
    page = client.material.batchget("image", offset=1, count=1)
    assert (page["total_count"], page["item_count"]) == (3, 1)
    assert (page["item"][0]["media_id"], page["item"][0]["name"]) == (kept[1], "1.jpg")
    assert sandbox.http.get(page["item"][0]["url"], timeout=5).content == PICTURE
    for asked, errcode in (
        ({"type": "thumb", "offset": 0, "count": 1}, 40004),
        ({"type": "image", "offset": 0, "count": 21}, 40097),
        ({"type": "image", "offset": -1, "count": 1}, 40097),
        ({"type": "image", "offset": 0, "count": True}, 40097),
    ):
        assert sandbox.call("/cgi-bin/material/batchget_material", asked).json()["errcode"] == errcode


@pytest.mark.parametrize(
    ("kind", "name", "size", "errcode"),
    [
        ("smoke", "a.jpg", 1, 40004),
        ("image", "a.exe", 1, 40005),
        ("voice", "a.jpg", 1, 40005),
        ("image", "a.jpg", 0, 41005),
        ("thumb", "a.jpg", 64 * 1024 + 1, 45001),
        ("voice", "a.amr", 2 * 1024 * 1024 + 1, 45001),
    ],
)
def test_upload_refusals(client: WeChatClient, kind: str, name: str, size: int, errcode: int) -> None:
    with pytest.raises(WeChatClientException) as refused:
        client.media.upload(kind, (name, b"x" * size, "application/octet-stream"))
    assert refused.value.errcode == errcode


def test_an_upload_without_a_file(sandbox: RunningBox) -> None:
    assert sandbox.call("/cgi-bin/media/upload", b"", type="image").json()["errcode"] == 41005
    assert sandbox.call("/cgi-bin/media/get").json()["errcode"] == 41006
