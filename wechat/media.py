"""Media for messages: uploaded for 3 days, fetched back."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

import requests

from wechat.errors import Refused, Unavailable
from wechat.fields import text_of
from wechat.platform import Family, Repeat


class MediaKind(StrEnum):
    """What is uploaded; WeChat's limits beside it."""

    IMAGE = "image"  # 10 MB: PNG, JPEG, JPG, GIF
    VOICE = "voice"  # 2 MB, 60 s: AMR, MP3
    VIDEO = "video"  # 10 MB: MP4
    THUMB = "thumb"  # 64 KB: JPG


_MOST_BYTES = {
    MediaKind.IMAGE: 10 << 20,
    MediaKind.VOICE: 2 << 20,
    MediaKind.VIDEO: 10 << 20,
    MediaKind.THUMB: 64 << 10,
}
_TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif"}
_TYPES |= {"amr": "audio/amr", "mp3": "audio/mpeg", "mp4": "video/mp4"}
_FILE_NAME = re.compile(r'filename="?([^";]+)"?')


@dataclass(frozen=True)
class Media:
    """What was fetched: the bytes and WeChat's file name; of a video only `url`, from where it can be had."""

    content: bytes = field(repr=False)
    file_name: str = ""
    url: str = field(default="", repr=False)


class MediaLibrary(Family):
    """Uploads and fetches temporary media."""

    def upload_media(self, kind: MediaKind, content: bytes, suffix: str) -> str:
        """Uploads and answers the media id, good for 3 days and any number of messages. `suffix` such as
        `jpg`. Refuses itself what is empty (41005), too big (45001) or of another kind (40004)."""
        api = "cgi-bin/media/upload"
        if not content:
            raise Refused(api, "41005", "nothing to upload")
        if len(content) > _MOST_BYTES[kind]:
            raise Refused(api, "45001", f"a {kind} has at most {_MOST_BYTES[kind]} bytes")
        mime = _TYPES.get(suffix)
        if mime is None:
            raise Refused(api, "40004", "a kind of file that WeChat does not take")
        # Bytes, not a file: a file would be at its end when the call goes out a second time.
        part = (f"{kind}.{suffix}", content, mime)
        upload = self.platform.client.media.upload
        fields = self.platform.call(api, lambda: upload(str(kind), part), Repeat.HARMLESS)
        media_id = text_of(fields, "media_id") or text_of(fields, "thumb_media_id")
        if not media_id:
            raise Unavailable(api, "ANSWER", "no media_id in the answer")
        return media_id

    def fetch_media(self, media_id: str) -> Media:
        """The bytes of a media (sent by a fan, or uploaded by us). Refused (40007) when it has expired."""
        api = "cgi-bin/media/get"
        fetch = self.platform.client.media.download
        answer = self.platform.call(api, lambda: fetch(media_id), Repeat.HARMLESS, object)
        if isinstance(answer, requests.Response):
            named = _FILE_NAME.search(answer.headers.get("Content-Disposition", ""))
            return Media(answer.content, named[1] if named else "")
        url = text_of(answer, "video_url") if isinstance(answer, dict) else ""
        if not url:
            raise Unavailable(api, "ANSWER", "neither bytes nor an address")
        return Media(b"", "", url)
