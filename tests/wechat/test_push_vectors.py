"""The push envelope against published vectors, byte for byte, and against wechatpy in both directions."""

import base64
import re

import pytest
from wechatpy.crypto import WeChatCrypto

from tests.wechat import vectors as v
from wechat import push_xml
from wechat.envelope import AesKey, Envelope, signature
from wechat.errors import BadSignature
from wechat.replies import TextReply, reply_xml, sealed_xml


def an_envelope(*, safe: bool = True, **changes: object) -> Envelope:
    facts = {"appid": v.SAFE_APPID, "token": v.SAFE_TOKEN, "aes_keys": (v.SAFE_AES_KEY,)}
    return Envelope(**{**facts, "safe": safe, **changes})


def outer(encrypt: str) -> bytes:
    return f"<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>".encode()


@pytest.mark.parametrize("vector", v.PLAIN_SIGNATURES)
def test_plain_signatures(vector: v.PlainSignature) -> None:
    assert signature(vector.token, vector.timestamp, vector.nonce) == vector.signature


def test_verify_url_answers_the_echo_exactly() -> None:
    vector = v.PLAIN_SIGNATURES[0]
    query = {"signature": vector.signature, "timestamp": vector.timestamp, "nonce": vector.nonce}
    for safe in (True, False):
        assert an_envelope(safe=safe).verify_url(query | {"echostr": "4375120948345356249"}) == (
            "4375120948345356249"
        )
    with pytest.raises(BadSignature):
        an_envelope(token="other").verify_url(query | {"echostr": "1"})


def test_official_safe_mode_example_opens() -> None:
    body = b'{"ToUserName":"gh_97417a04a28d","Encrypt":"' + v.SAFE_ENCRYPT.encode() + b'"}'
    fields, key = an_envelope().open(v.SAFE_QUERY, body)
    assert (fields["Event"], fields["debug_str"], key) == ("debug_demo", "hello world", 0)
    message, appid = AesKey(v.SAFE_AES_KEY).decrypt(base64.b64decode(v.SAFE_ENCRYPT))
    assert (message.decode(), appid.decode()) == (v.SAFE_MESSAGE, v.SAFE_APPID)


def test_official_safe_mode_answer_is_made_byte_for_byte() -> None:
    encrypt = AesKey(v.SAFE_AES_KEY).encrypt(v.SAFE_REPLY, v.SAFE_APPID, filler=v.SAFE_REPLY_FILLER)
    assert encrypt == v.SAFE_REPLY_ENCRYPT
    signed = signature(v.SAFE_TOKEN, v.SAFE_REPLY_TIMESTAMP, v.SAFE_QUERY["nonce"], encrypt)
    assert signed == v.SAFE_REPLY_SIGNATURE


def test_a_key_with_stray_bits_in_its_last_character_is_accepted() -> None:
    key = AesKey(v.STRAY_AES_KEY)
    assert key.encrypt(v.STRAY_MESSAGE.encode(), v.STRAY_APPID, filler=v.STRAY_FILLER) == v.STRAY_ENCRYPT
    assert key.decrypt(base64.b64decode(v.STRAY_ENCRYPT)) == (
        v.STRAY_MESSAGE.encode(),
        v.STRAY_APPID.encode(),
    )
    envelope = an_envelope(appid=v.STRAY_APPID, token=v.STRAY_TOKEN, aes_keys=(v.STRAY_AES_KEY,))
    fields, _ = envelope.open(v.STRAY_QUERY, outer(v.STRAY_PUSH_ENCRYPT))
    assert (fields["MsgType"], fields["Content"], fields["MsgId"]) == ("text", "hello", "12345")


def test_wechatpy_echo_vector() -> None:
    timestamp, nonce, signed = v.ECHO_SIGNED
    assert signature(v.ECHO_TOKEN, timestamp, nonce, v.ECHO_ENCRYPT) == signed
    opened = AesKey(v.ECHO_AES_KEY).decrypt(base64.b64decode(v.ECHO_ENCRYPT))
    assert opened == (v.ECHO_MESSAGE, v.ECHO_APPID.encode())


def test_wechatpy_opens_what_we_seal() -> None:
    xml = reply_xml("fan", "gh_1", 1714112445, TextReply("你好 ]]> & <b>"))
    parts = an_envelope().seal(xml, key=0, seconds=1714112445, nonce="abc123")
    assert parts is not None
    sealed = sealed_xml(*parts)
    given = re.search(rb"<MsgSignature><!\[CDATA\[(\w{40})\]\]></MsgSignature>", sealed)
    assert given is not None
    peer = WeChatCrypto(v.SAFE_TOKEN, v.SAFE_AES_KEY, v.SAFE_APPID)
    opened = peer.decrypt_message(sealed, given[1].decode(), "1714112445", "abc123")
    assert opened.encode() == xml
    assert push_xml.read(xml)["Content"] == "你好 ]]> & <b>"


def test_we_open_what_wechatpy_seals() -> None:
    xml = "<xml><FromUserName>你</FromUserName></xml>"
    for length in range(0, 40):  # every length of padding
        peer = WeChatCrypto(v.SAFE_TOKEN, v.SAFE_AES_KEY, v.SAFE_APPID)
        sealed = peer.encrypt_message(xml.replace("你", "你" * length), "n1", "1714112445")
        given = push_xml.read(sealed.encode())
        query = {"msg_signature": given["MsgSignature"], "timestamp": "1714112445", "nonce": "n1"}
        fields, _ = an_envelope().open(query, sealed.encode())
        assert fields == {"FromUserName": "你" * length}
