"""Published test vectors of the official account and the mini-program beside those in `vectors`: values only,
with where each comes from."""

# Plain hashes: texts sorted, joined, sha1. Senparc.Weixin, wechatpy, node wechat-crypto.
JOINED = [
    (("789", "456", "123"), "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
    (("123", "345"), "9f537aeb751ec72605f57f94a2f6dc3e3958e1dd"),
    (("a", "b", "c"), "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (
        ("RMNlACHlV5ThzfRlVS4D4", "timestamp", "nonce", "encrypt"),
        "8edac0945683c119ee71c9f6256d76c48aa08a96",
    ),
]

# The random bytes, ToUserName and message of the push in `vectors` that has a key with stray bits (WxJava).
STRAY_PUSH_FILLER = b"d43123b161a4ba84"

# wechatpy, tests/test_crypto.py: a push that opens and an answer that is sealed, with the key of the echo.
WORK_PUSH_SIGNED = ("1411525903", "461056294", "74d92dfeb87ba7c714f89d98870ae5eb62dff26d")
WORK_PUSH_ENCRYPT = (
    "RgqEoJj5A4EMYlLvWO1F86ioRjZfaex/gePD0gOXTxpsq5Yj4GNglrBb8I2BAJVODGajiFnXBu7mCPatfjsu6IHCrsTy"
    "eDXzF6Bv283dGymzxh6ydJRvZsryDyZbLTE7rhnus50qGPMfp2wASFlzEgMW9z1ef/RD8XzaFYgm7iTdaXpXaG4+BiYy"
    "olBug/gYNx410cvkKR2/nPwBiT+P4hIiOAQqGp/TywZBtDh1yCF2KOd0gpiMZ5jSw3e29mTvmUHzkVQiMS6td7vXUaWO"
    "MZnYZlF3So2SjHnwh4jYFxdgpkHHqIrH/54SNdshoQgWYEvccTKe7FS709/5t6NMxuGhcUGAPOQipvWTT4dShyqio7ml"
    "sl5noTrb++x6En749zCpQVhDpbV6GDnTbcX2e8K9QaNWHp91eBdCRxthuL0="
)
WORK_REPLY_FILLER = b"1234567890123456"
WORK_REPLY = """<xml>
<MsgType><![CDATA[text]]></MsgType>
<Content><![CDATA[test]]></Content>
<FromUserName><![CDATA[wx49f0ab532d5d035a]]></FromUserName>
<ToUserName><![CDATA[messense]]></ToUserName>
<AgentID>1</AgentID>
<CreateTime>1411525903</CreateTime>
</xml>"""
WORK_REPLY_SIGNATURE = "407518b7649e86ef23978113f92d27afa9296533"
WORK_REPLY_ENCRYPT = (
    "9s4gMv99m88kKTh/H8IdkOiMg6bisoy3ypwy9H4hvSPe9nsGaqyw5hhSjdYbcrKk+j3nba4HMOTzHrluLBYqxgNcBqGs"
    "L8GqxlhZgURnAtObvesEl5nZ+uBE8bviY0LWke8Zy9V/QYKxNV2FqllNXcfmstttyIkMKCCmVbCFM2JTF5wY0nFhHZSj"
    "PUL2Q1qvSUCUld+/WIXrx0oyKQmpB6o8NRrrNrsDf03oxI1p9FxUgMnwKKZeOA/uu+2IEvEBtb7muXsVbwbgX05UPPJv"
    "FurDXafG0RQyPR+mf1nDnAtQmmNOuiR5MIkdQ39xn1vWwi1O5oazPoQJz0nTYjxxEE8kv3kFxtAGVRe3ypD3WeK2XeFY"
    "FMNMpatF9XiKzHo3"
)

# developers.weixin.qq.com, the demo of encryptedData (also in wechatpy, tests/test_crypto.py).
USER_APPID = "wx4f4bc4dec97d474b"
USER_SESSION_KEY = "tiihtNczf5v6AKRyjwEUhQ=="
USER_IV = "r7BXXKkLb8qrSNn05n0qiA=="
USER_ENCRYPTED = (
    "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNP"
    "dbB+3hVbJSRgv+4lGOETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyx"
    "VLW1zAo6/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid"
    "1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEB"
    "vB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85IfVu"
    "nYzO0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew=="
)
USER_DATA = {
    "openId": "oGZUI0egBJY1zhBYw2KhdUfwVJJE",
    "nickName": "Band",
    "gender": 1,
    "language": "zh_CN",
    "city": "Guangzhou",
    "province": "Guangdong",
    "country": "CN",
    "avatarUrl": (
        "http://wx.qlogo.cn/mmopen/vi_32/aSKcBBPpibyKNicHNTMM0qJVh8Kjgiak2AHWr8MHM4WgMEm7GFhsf8OYrySdbvAMvTsw3mo8ibKics"
        "nfN5pRjl1p8HQ/0"
    ),
    "unionId": "ocMvos6NjeKLIBqg5Mr9QjxrP1FA",
    "watermark": {"timestamp": 1477314187, "appid": "wx4f4bc4dec97d474b"},
}

# sha1(rawData + session_key): developers.weixin.qq.com, and Senparc.Weixin (Chinese).
RAW_DATA = [
    (
        "HyVFkGl5F5OQWJZZaNzBBg==",
        (
            '{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN",'
            '"avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjA'
            'tpujxyzYsrztuuICqIM5ibXQ/0"}'
        ),
        "75e81ceda165f4ffa64f4068af58c64b8f54b88c",
    ),
    (
        "jCdFs2HMx+A9Dr9lhMJKxA==",
        (
            '{"nickName":"苏震巍","gender":1,"language":"zh_CN","city":"Suzhou","province":"Jiangsu","country":"CN",'
            '"avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/PiajxSqBRaEKXyjX4N6I5Vx1aeiaBeJ2iaTLy15n0HgvjNbWEpKA3ZbdgXkOhWK7O'
            'H8iar3iaLxsZia5Ha4DnRPlMerw/0"}'
        ),
        "2d65ebea7c7f500bfb874b71569a591047452d38",
    ),
]
SESSION_SIGNED = (
    "HyVFkGl5F5OQWJZZaNzBBg==",
    "252b75c92698025afe925b29cca5517fdf9ee67aae072cf3225ebf3a53783058",
)

# JS-SDK: nonce, ticket, timestamp, url, signature. developers.weixin.qq.com; WxJava; EasyWeChat.
_TICKET = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
PAGES = [
    (
        "Wm3WZYTPz0wzccnW",
        _TICKET,
        1414587457,
        "http://mp.weixin.qq.com?params=value",
        "0f9de62fce790f9a083d5c99e95740ceb90c27ed",
    ),
    (
        "Wm3WZYTPz0wzccnW",
        _TICKET,
        1414587457,
        "http://mp.weixin.qq.com",
        "f4d90daf4b3bca3078ab155816175ba34c443a7b",
    ),
    (
        "82693e11-b9bc-448e-892f-f5289f46cd0f",
        "bxLdikRXVbTPdHSM05e5u4RbEYQn7pNQMPrfzl8lJNb1foLDa3HIwI3BRMkQmSO_5F64VFa75uURcq6Uz7QHgA",
        1419835025,
        "http://omstest.vmall.com:23568/thirdparty/wechat/vcode/gotoshare?quantity=1&batchName=MATE7",
        "c6f04b64d6351d197b71bd23fb7dd2d44c0db486",
    ),
    (
        "mock-nonce",
        "mock-ticket",
        1601234567,
        "https://www.easywechat.com/",
        "22772d2fb393ab9f7f6a5a54168a566fbf1ab767",
    ),
]
CARD_VALUES = ("GROUPON", "Wm3WZYTPz0wzccnW", _TICKET, "123456", "1414587457")
CARD_SIGNATURE = "c47b1fb500eb35d8f2f9b9375b4491089df953e2"
