"""Published vectors of the official account and the mini-program, byte for byte in both directions."""

import base64
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st

from tests.wechat import app_vectors as v
from tests.wechat import vectors as w
from tests.wechat.apps import quick_tokens
from wechat.envelope import AesKey, Envelope, signature
from wechat.errors import BadSignature, Malformed
from wechat.events import ConsoleTested
from wechat.http import Http
from wechat.mini_program import MiniProgram, MiniProgramConfig, raw_data_is_signed, session_signature
from wechat.official_account import card_signature, page_signature
from wechat.replies import Nothing, TextReply, TransferToStaff

MADE_AT = datetime.fromtimestamp(1477314187, UTC)
KEY = base64.b64decode(v.USER_SESSION_KEY)


def a_program(appid: str = v.USER_APPID, **push: object) -> MiniProgram:
    config = MiniProgramConfig(appid, "secret", **push)  # type: ignore[arg-type]  # any of its keywords
    return MiniProgram(config, Http(), quick_tokens(appid))


@pytest.mark.parametrize(("parts", "signed"), v.JOINED)
def test_signatures_of_joined_texts(parts: tuple[str, ...], signed: str) -> None:
    assert signature(*parts) == card_signature(*parts) == signed


def test_the_push_with_a_stray_key_is_also_sealed_byte_for_byte() -> None:
    message, appid = AesKey(w.STRAY_AES_KEY).decrypt(base64.b64decode(w.STRAY_PUSH_ENCRYPT))
    assert appid.decode() == w.STRAY_APPID
    sealed = AesKey(w.STRAY_AES_KEY).encrypt(message, w.STRAY_APPID, filler=v.STRAY_PUSH_FILLER)
    assert sealed == w.STRAY_PUSH_ENCRYPT


def test_the_official_push_is_also_sealed_byte_for_byte() -> None:
    key = AesKey(w.SAFE_AES_KEY)
    for _ in range(3):  # a key that has worked already gives the same bytes
        sealed = key.encrypt(w.SAFE_MESSAGE.encode(), w.SAFE_APPID, filler=b"a8eedb185eb2fecf")
        assert sealed == w.SAFE_ENCRYPT
        assert key.decrypt(base64.b64decode(w.SAFE_REPLY_ENCRYPT)) == (w.SAFE_REPLY, w.SAFE_APPID.encode())


def test_wechatpys_push_opens_and_its_answer_is_sealed() -> None:
    timestamp, nonce, signed = v.WORK_PUSH_SIGNED
    envelope = Envelope(appid=w.ECHO_APPID, token=w.ECHO_TOKEN, aes_keys=(w.ECHO_AES_KEY,), safe=True)
    body = f"<xml><ToUserName>x</ToUserName>\n<Encrypt><![CDATA[{v.WORK_PUSH_ENCRYPT}]]></Encrypt>\n</xml>\n"
    fields, _ = envelope.open(
        {"msg_signature": signed, "timestamp": timestamp, "nonce": nonce}, body.encode()
    )
    assert (fields["Content"], fields["FromUserName"], fields["MsgId"]) == (
        "test",
        "messense",
        "4363689963896700987",
    )
    encrypt = AesKey(w.ECHO_AES_KEY).encrypt(v.WORK_REPLY.encode(), w.ECHO_APPID, filler=v.WORK_REPLY_FILLER)
    assert encrypt == v.WORK_REPLY_ENCRYPT
    assert signature(w.ECHO_TOKEN, timestamp, nonce, encrypt) == v.WORK_REPLY_SIGNATURE


def test_a_mini_programs_json_push_is_opened_and_handed_to_the_desk_in_json() -> None:
    program = a_program(w.SAFE_APPID, token=w.SAFE_TOKEN, aes_keys=(w.SAFE_AES_KEY,))
    assert program.pushes is not None
    body = b'{"ToUserName":"gh_97417a04a28d","Encrypt":"' + w.SAFE_ENCRYPT.encode() + b'"}'
    push = program.pushes.open(w.SAFE_QUERY, body)
    assert isinstance(push.event, ConsoleTested)
    assert (push.event.text, push.to_user, push.json) == ("hello world", "gh_97417a04a28d", True)
    now = datetime.fromtimestamp(1713424427, UTC)
    for silent in (Nothing(), TextReply("a mini-program cannot answer with a text")):
        assert program.pushes.answer(push, silent, now=now) == b"success"
    answer = orjson.loads(program.pushes.answer(push, TransferToStaff("a@x"), now=now, nonce="415670741"))
    signed = signature(w.SAFE_TOKEN, "1713424427", "415670741", answer["Encrypt"])
    assert (answer["MsgSignature"], answer["TimeStamp"], answer["Nonce"]) == (signed, 1713424427, "415670741")
    inside, _ = AesKey(w.SAFE_AES_KEY).decrypt(base64.b64decode(answer["Encrypt"]))
    assert inside.decode() == (
        '{"ToUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","FromUserName":"gh_97417a04a28d",'
        '"CreateTime":1713424427,"MsgType":"transfer_customer_service","TransInfo":{"KfAccount":"a@x"}}'
    )


def test_a_mini_program_without_a_token_hears_no_pushes() -> None:
    assert a_program().pushes is None


def test_user_data_opens() -> None:
    opened = a_program().open_user_data(v.USER_SESSION_KEY, v.USER_IV, v.USER_ENCRYPTED, now=MADE_AT)
    assert opened == v.USER_DATA


def test_user_data_is_made_byte_for_byte() -> None:
    sealed = base64.b64decode(v.USER_ENCRYPTED)
    opener = Cipher(AES(KEY), CBC(base64.b64decode(v.USER_IV))).decryptor()
    plain = opener.update(sealed) + opener.finalize()
    assert encrypted(plain[: -plain[-1]]) == v.USER_ENCRYPTED


def encrypted(plain: bytes) -> str:
    pad = 16 - len(plain) % 16
    sealer = Cipher(AES(KEY), CBC(base64.b64decode(v.USER_IV))).encryptor()
    return base64.b64encode(sealer.update(plain + bytes([pad]) * pad) + sealer.finalize()).decode()


@pytest.mark.parametrize("seconds", [-301, 301, 86400])
def test_user_data_that_is_not_fresh_is_refused(seconds: int) -> None:
    with pytest.raises(BadSignature, match="not fresh"):
        a_program().open_user_data(
            v.USER_SESSION_KEY, v.USER_IV, v.USER_ENCRYPTED, now=MADE_AT + timedelta(seconds=seconds)
        )


def test_user_data_of_another_app_is_refused() -> None:
    with pytest.raises(BadSignature, match="another app"):
        a_program("wx2222222222222222").open_user_data(
            v.USER_SESSION_KEY, v.USER_IV, v.USER_ENCRYPTED, now=MADE_AT
        )
    for plain in (b"{}", b'{"watermark":{"appid":"wx4f4bc4dec97d474b"}}', b'{"watermark":1}'):
        with pytest.raises(BadSignature):
            a_program().open_user_data(v.USER_SESSION_KEY, v.USER_IV, encrypted(plain), now=MADE_AT)


@pytest.mark.parametrize(
    ("key", "iv", "sealed"),
    [
        ("HyVFkGl5F5OQWJZZaNzBBg==", v.USER_IV, v.USER_ENCRYPTED),  # the session before
        ("short", v.USER_IV, v.USER_ENCRYPTED),
        (v.USER_SESSION_KEY, "AAAA", v.USER_ENCRYPTED),
        (v.USER_SESSION_KEY, v.USER_IV, ""),
        (v.USER_SESSION_KEY, v.USER_IV, "AAAA"),
        (v.USER_SESSION_KEY, v.USER_IV, "é"),
        (v.USER_SESSION_KEY, v.USER_IV, "A" * 70000),
        (v.USER_SESSION_KEY, v.USER_IV, encrypted(b"[1]")),
        (v.USER_SESSION_KEY, v.USER_IV, encrypted(b"no json")),
    ],
)
def test_user_data_that_does_not_open_is_malformed(key: str, iv: str, sealed: str) -> None:
    with pytest.raises(Malformed):
        a_program().open_user_data(key, iv, sealed, now=MADE_AT)


PROGRAM = a_program()


@given(st.binary(max_size=200), st.text(max_size=30), st.text(max_size=200))
def test_any_user_data_raises_nothing_else(plain: bytes, iv: str, sealed: str) -> None:
    for given_iv, given_sealed in ((v.USER_IV, encrypted(plain)), (iv, sealed), (v.USER_IV, sealed)):
        with pytest.raises((Malformed, BadSignature)):
            PROGRAM.open_user_data(v.USER_SESSION_KEY, given_iv, given_sealed, now=MADE_AT)


@pytest.mark.parametrize(("session_key", "raw_data", "signed"), v.RAW_DATA)
def test_raw_data(session_key: str, raw_data: str, signed: str) -> None:
    assert raw_data_is_signed(session_key, raw_data, signed)
    for wrong in ("", "é", "\ud800", signed.upper()):
        assert not raw_data_is_signed(session_key, raw_data, wrong)
    assert not raw_data_is_signed(session_key, raw_data + " ", signed)


def test_the_session_is_proven_with_its_key_as_text() -> None:
    session_key, signed = v.SESSION_SIGNED
    assert session_signature(session_key) == signed


@pytest.mark.parametrize(("nonce", "ticket", "seconds", "url", "signed"), v.PAGES)
def test_pages(nonce: str, ticket: str, seconds: int, url: str, signed: str) -> None:
    assert page_signature(ticket, nonce, seconds, url) == signed
    assert page_signature(ticket, nonce, seconds, url + "#part") == signed


def test_cards() -> None:
    assert card_signature(*v.CARD_VALUES) == v.CARD_SIGNATURE
    assert card_signature(*reversed(v.CARD_VALUES)) == v.CARD_SIGNATURE
