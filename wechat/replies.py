"""What we may answer to a push, and its XML: each text in CDATA that it cannot break out of.

WeChat shows a reply to messages, SUBSCRIBE, SCAN and CLICK; to other events a reply is pointless.
"""

from dataclasses import dataclass

from wechat.push_xml import fit


@dataclass(frozen=True)
class TextReply:
    """Answer with this text; cut to 2048 bytes of UTF-8 on a character's boundary."""

    text: str


@dataclass(frozen=True)
class ImageReply:
    """Answer with a picture that was uploaded."""

    media_id: str


@dataclass(frozen=True)
class VoiceReply:
    """Answer with a recording that was uploaded."""

    media_id: str


@dataclass(frozen=True)
class VideoReply:
    """Answer with a video that was uploaded."""

    media_id: str
    title: str = ""
    description: str = ""


@dataclass(frozen=True)
class MusicReply:
    """Answer with a piece of music; `thumb_media_id` is its uploaded picture."""

    thumb_media_id: str
    title: str = ""
    description: str = ""
    url: str = ""
    hq_url: str = ""


@dataclass(frozen=True)
class ArticleReply:
    """Answer with one article (WeChat shows no more than one to a message or a click)."""

    title: str
    description: str
    url: str
    picture_url: str = ""


@dataclass(frozen=True)
class TransferToStaff:
    """Hand a message over to the people at the customer-service desk, to `account` (name@account) if given.
    Later messages go to them until they close the talk. Events cannot be handed over."""

    account: str = ""


@dataclass(frozen=True)
class Nothing:
    """Answer `success`: WeChat shows nothing and does not deliver again."""


Reply = (
    TextReply | ImageReply | VoiceReply | VideoReply | MusicReply | ArticleReply | TransferToStaff | Nothing
)


def reply_xml(to_user: str, from_user: str, seconds: int, reply: Reply) -> bytes:
    """The passive reply, or nothing when there is nothing to show: `Nothing`, a text without a visible
    character, a media id that is missing."""
    inside = _inside(reply)
    if not inside:
        return b""
    return (
        f"<xml><ToUserName>{_cdata(to_user)}</ToUserName><FromUserName>{_cdata(from_user)}</FromUserName>"
        f"<CreateTime>{seconds}</CreateTime>{inside}</xml>"
    ).encode()


def sealed_xml(encrypt: str, signature: str, seconds: int, nonce: str) -> bytes:
    """The envelope of an encrypted reply; none of these can hold what ends a CDATA section."""
    return (
        f"<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
        f"<TimeStamp>{seconds}</TimeStamp><Nonce>{_cdata(nonce)}</Nonce></xml>"
    ).encode()


def _inside(reply: Reply) -> str:
    match reply:
        case TextReply(text):
            fitted = fit(text)
            return _typed("text", f"<Content>{_cdata(fitted)}</Content>") if fitted.strip() else ""
        case ImageReply(media_id):
            return _media("image", "Image", MediaId=media_id)
        case VoiceReply(media_id):
            return _media("voice", "Voice", MediaId=media_id)
        case VideoReply(media_id, title, description):
            return _media("video", "Video", MediaId=media_id, Title=title, Description=description)
        case MusicReply():
            return _music(reply)
        case ArticleReply():
            return _article(reply)
        case TransferToStaff(account):
            whom = f"<TransInfo><KfAccount>{_cdata(account)}</KfAccount></TransInfo>" if account else ""
            return _typed("transfer_customer_service", whom)
    return ""


def _music(reply: MusicReply) -> str:
    # ThumbMediaId comes last here and counts as the media id.
    texts = {"Title": reply.title, "Description": reply.description}
    urls = {"MusicUrl": reply.url, "HQMusicUrl": reply.hq_url}
    return _media("music", "Music", "ThumbMediaId", **texts, **urls, ThumbMediaId=reply.thumb_media_id)


def _article(reply: ArticleReply) -> str:
    if not reply.title.strip():
        return ""
    item = _elements(
        Title=reply.title, Description=reply.description, PicUrl=reply.picture_url, Url=reply.url
    )
    return _typed("news", f"<ArticleCount>1</ArticleCount><Articles><item>{item}</item></Articles>")


def _media(kind: str, element: str, needed: str = "MediaId", **texts: str) -> str:
    if not texts[needed].strip():
        return ""
    return _typed(kind, f"<{element}>{_elements(**texts)}</{element}>")


def _typed(kind: str, content: str) -> str:
    return f"<MsgType><![CDATA[{kind}]]></MsgType>{content}"


def _elements(**texts: str) -> str:
    """Empty ones are left out; each is fitted like a text."""
    fitted = {name: fit(text) for name, text in texts.items() if text}
    return "".join(f"<{name}>{_cdata(text)}</{name}>" for name, text in fitted.items())


def _cdata(text: str) -> str:
    if "]]>" in text:
        text = text.replace("]]>", "]]]]><![CDATA[>")
    return f"<![CDATA[{text}]]>"
