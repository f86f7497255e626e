"""Published test vectors: values only. Where each comes from stands above it; `derived` ones were computed
from a published key with two independent implementations (Python cryptography and Node crypto)."""

from typing import NamedTuple


class PlainSignature(NamedTuple):
    """sha1 over sorted token, timestamp and nonce."""

    token: str
    timestamp: str
    nonce: str
    signature: str


# The first three: developers.weixin.qq.com, "消息推送" (message push). The others: the suites of wechatpy
# (tests/test_utils.py) and of Senparc.Weixin.
PLAIN_SIGNATURES = [
    PlainSignature("AAAAA", "1714036504", "1514711492", "f464b24fc39322e44b38aa78f5edd27bd1441696"),
    PlainSignature("AAAAA", "1714037059", "486452656", "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
    PlainSignature("AAAAA", "1714112445", "415670741", "6c5c811b55cc85e0e1b54100749188c20beb3f5d"),
    PlainSignature("test", "1410685589", "test", "f21891de399b4e33a1a93c9a7b8a8fffb5a443ff"),
    PlainSignature("weixin", "1357982061", "1358161344", "335b26997f05c82243aad6b10a2d1853637e71a8"),
    PlainSignature("huhujm", "1359208540", "1359227084", "efa917e2445cc9f0aa4386ca92f96de5a242e24e"),
]

# developers.weixin.qq.com, 消息推送, the example of safe mode (a mini-program, JSON) and its answer.
SAFE_TOKEN = "AAAAA"
SAFE_AES_KEY = "A" * 43
SAFE_APPID = "wxba5fad812f8e6fb9"
SAFE_QUERY = {
    "signature": "6c5c811b55cc85e0e1b54100749188c20beb3f5d",
    "timestamp": "1714112445",
    "nonce": "415670741",
    "openid": "o9AgO5Kd5ggOC-bXrbNODIiE3bGY",
    "encrypt_type": "aes",
    "msg_signature": "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
}
SAFE_ENCRYPT = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcv"
    "ZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3F"
    "n2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSe"
    "OBrebufAlr7F9mFUPAJGj04="
)
SAFE_MESSAGE = (
    '{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1'
    '714112445,"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}'
)
SAFE_REPLY_FILLER = b"707722b803182950"
SAFE_REPLY = b'{"demo_resp":"good luck"}'
SAFE_REPLY_ENCRYPT = (
    "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
)
SAFE_REPLY_TIMESTAMP = "1713424427"
SAFE_REPLY_SIGNATURE = "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"

# The test suites of WxJava and EasyWeChat. The key's last character carries stray bits.
STRAY_TOKEN = "pamtest"
STRAY_AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
STRAY_APPID = "wxb11529c136998cb6"
STRAY_FILLER = b"aaaabbbbccccdddd"
STRAY_MESSAGE = "我是中文abcd123"
STRAY_ENCRYPT = "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg=="
STRAY_QUERY = {
    "timestamp": "1458300676",
    "nonce": "260774613",
    "msg_signature": "4f3ad57b6989f09f4eb392acce4f9e93942ed890",
}
STRAY_PUSH_ENCRYPT = (
    "rTNFcsut4LfGuAFKEUVVpwcaCOTJzOd9twZdIW910jb3k+iicx2uvhttIZ3Qg9Qgty3BEF2xbOrz6boTfb30dMomcgrk"
    "TqdFPwnhqbk+kIQ7rZiwny9D7NUrTgA5kpX3KsZvrXzUZyP2x9YOlxbgm572lmxKvM7HAQQhIQ/p6HBmoY30bGXFK0Bt"
    "Iu1pW9TjhOYrLQoU18nWYjWqDA1ynkmOytpv7QRI1P1+0NoxL0q2zO1DgeSvnE8CZGo/o5Ap/WHK5W2RAsinpzN4/LjP"
    "nmB6U01I5XCoJoC0GK/yMZycd2Oh8Nq6+wBkC1U85oy0ktOY4nLvsQMLrourmMGdZHuTbqpeJ8Ao/5PRYJ+WBvRUwPfG"
    "KBL2+2IKZF49vAJqkcGWSHGE76ZN2erXeuNazf/o9o3lIE3q739o4c8t9QGPe31GT2Go/rOz1BsrASwvauNulCh+++yz"
    "+CQzBIuikA=="
)

# wechatpy, tests/test_crypto.py (an encrypted echo of WeCom, which uses the same scheme).
ECHO_TOKEN = "123456"
ECHO_AES_KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
ECHO_APPID = "wx49f0ab532d5d035a"
ECHO_SIGNED = ("1411443780", "437374425", "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96")
ECHO_ENCRYPT = "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q=="
ECHO_MESSAGE = b"5927782489442352469"

# wechatpay-go, utils/sign_test.go: a key published for tests, and its signature over `source`.
TESTING_KEY = """-----BEGIN TESTING KEY-----
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDZUJN33V+dSfvd
fL0Mu+39XrZNXFFMQSy1V15FpncHeV47SmV0TzTqZc7hHB0ddqAdDi8Z5k3TKqb7
6sOwYr5TcAfuR6PIPaleyE0/0KrljBum2Isa2Nyq7Dgc3ElBQ6YN4l/a+DpvKaz1
FSKmKrhLNskqokWVSlu4g8OlKlbPXQ9ibII14MZRQrrkTmHYHzfi7GXXM0thAKuR
0HNvyhTHBh4/lrYM3GaMvmWwkwvsMavnOex6+eioZHBOb1/EIZ/LzC6zuHArPpyW
3daGaZ1rtQB1vVzTyERAVVFsXXgBHvfFud3w3ShsJYk8JvMwK2RpJ5/gV0QSARcm
LDRUAlPzAgMBAAECggEBAMc7rDeUaXiWv6bMGbZ3BTXpg1FhdddnWUnYE8HfX/km
OFI7XtBHXcgYFpcjYz4D5787pcsk7ezPidAj58zqenuclmjKnUmT3pfbI5eCA2v4
C9HnbYDrmUPK1ZcADtka4D6ScDccpNYNa1g2TFHzkIrEa6H+q7S3O2fqxY/DRVtN
0JIXalBb8daaqL5QVzSmM2BMVnHy+YITJWIkP2a3pKs9C0W65JGDsnG0wVrHinHF
+cnhFZIbaPEI//DAFMc9NkrWOKVRTEgcCUxCFaHOZVNxDWZD7A2ZfJB2rK6eg//y
gEiFDR2h6mTaDowMB4YF2n2dsIO4/dCG8vPHI20jn4ECgYEA/ZGu6lEMlO0XZnam
AZGtiNgLcCfM/C2ZERZE7QTRPZH1WdK92Al9ndldsswFw4baJrJLCmghjF/iG4zi
hhBvLnOLksnZUfjdumxoHDWXo2QBWbI5QsWIE7AuTiWgWj1I7X4fCXSQf6i+M/y2
6TogQ7d0ANpZFyOkTNMn/tiJvLECgYEA22XqlamG/yfAGWery5KNH2DGlTIyd6xJ
WtJ9j3jU99lZ0bCQ5xhiBbU9ImxCi3zgTsoqLWgA/p00HhNFNoUcTl9ofc0G3zwT
D1y0ZzcnVKxGJdZ6ohW52V0hJStAigtjYAsUgjm7//FH7PiQDBDP1Wa6xSRkDQU/
aSbQxvEE8+MCgYEA3bb8krW7opyM0XL9RHH0oqsFlVO30Oit5lrqebS0oHl3Zsr2
ZGgoBlWBsEzk3UqUhTFwm/DhJLTSJ/TQPRkxnhQ5/mewNhS9C7yua7wQkzVmWN+V
YeUGTvDGDF6qDz12/vJAgSwDDRym8x4NcXD5tTw7mmNRcwIfL22SkysThIECgYAV
BgccoEoXWS/HP2/u6fQr9ZIR6eV8Ij5FPbZacTG3LlS1Cz5XZra95UgebFFUHHtC
EY1JHJY7z8SWvTH8r3Su7eWNaIAoFBGffzqqSVazfm6aYZsOvRY6BfqPHT3p/H1h
Tq6AbBffxrcltgvXnCTORjHPglU0CjSxVs7awW3AEQKBgB5WtaC8VLROM7rkfVIq
+RXqE5vtJfa3e3N7W3RqxKp4zHFAPfr82FK5CX2bppEaxY7SEZVvVInKDc5gKdG/
jWNRBmvvftZhY59PILHO2X5vO4FXh7suEjy6VIh0gsnK36mmRboYIBGsNuDHjXLe
BDa+8mDLkWu5nHEhOxy2JJZl
-----END TESTING KEY-----
"""
SIGNED_SOURCE = (
    "BKyAfU4iMCuvXMXS0Wzam3V/cnxZ+JaqigPM5OhljS2iOT95OO6Fsuml2JkFANJU9K6q9bLlDhPXuoVz+pp4hAm6pHU4"
    "ld815U4jsKu1RkyaII+1CYBUYC8TK0XtJ8FwUXXz8vZHh58rrAVN1XwNyvD1vfpxrMT4SL536GLwvpUHlCqIMzoZUguL"
    "li/K8V29QiOhuH6IEqLNJn8e9b3nwNcQ7be3CzYGpDAKBfDGPCqCv8Rw5zndhlffk2FEA70G4hvMwe51qMN/RAJbknXG"
    "23bSlObuTCN7Ndj1aJGH6/L+hdwfLpUtJm4QYVazzW7DFD27EpSQEqA8bX9+8m1rLg=="
)

# wechatpay-go, core/notify/notify_test.go: a notice signed with the same key (16-byte APIv3 key).
NOTICE_APIV3_KEY = "testMchAPIv3Key0"
NOTICE_HEADERS = {
    "Wechatpay-Nonce": "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz",
    "Wechatpay-Timestamp": "1624523846",
    "Wechatpay-Serial": "D7CE59D1F522D701",
    "Wechatpay-Signature": (
        "tJHIiIS9eB2hAYstmAmbbD3ZE5LiIm/Ug5tuL4fC0YOFRWIHV39UFIZXC0e9Wl6lBu6sKvkqDkzpqzBsVHyXFlbYZTOQ"
        "rVdG4b6LfTnK4mikv9++ixJMd3vTf2yCqvBkh98zs3Ds5zsYQakzbcwhmw4fMJs4nPLws28H0UW9FjDR//rxELLwXvV1"
        "VEA1IBLX70xptjL8hrfUjEE8kkry6yNJTHZRU8CAc7qHli2Ng1V1qb9ARbK8A3ThmFmPQvRGrapI/jS2laKKgYUmfdEd"
        "kNO6B2Cke5e8VTxY406ArAmQ90GAihDwIcb16TQMnzCMBoutnwZKNiKRACrFmtxw2Q=="
    ),
}
NOTICE_CIPHERTEXT = (
    "YDS3lKPaC4Y52Gf3uhft5qUBlIa8b428AWTtTauHQfQrRw+X1WpiuHIDy0vo1Vd6VEq67aVyqPdDYMkRVSDaZL3iZtte"
    "vRMOoPKMifozg6XPWjIZumks/GpT48lI4NizyeaqLBokNebthah3o1H76qSlO9NkDjp9bzmKLEYYH9TEklFUpsvPqOTO"
    "cgSLgh21YJXYR7dEBXFgRLiNIKRgO5JdXh1hccRUAlyVWxE54PXpnQ=="
)
NOTICE_BODY = (
    '{"id":"3119dfba-e649-5eec-ab1e-3412bc4d2e17","create_time":"2021-06-24T16:37:26+08:00",'
    '"resource_type":"encrypt-resource","event_type":"PAYSCORE.USER_OPEN_SERVICE","summary":"签约成功",'
    '"resource":{"original_type":"payscore","algorithm":"AEAD_AES_256_GCM","ciphertext":"'
    + NOTICE_CIPHERTEXT
    + '","associated_data":"payscore","nonce":"Kj7QIyUiYx1q"}}'
).encode()
NOTICE_PLAINTEXT = {
    "mchid": "1234567890",
    "appid": "054aa7d7a2a54ab5898df65bd96f001c",
    "create_time": "2020-06-30T12:12:00+08:00",
    "out_contract_code": "21640bdbd08e473e828f3206a2741c6e",
}


class Sealed(NamedTuple):
    """AES-GCM as WeChat Pay uses it."""

    key: str
    nonce: str
    associated_data: str
    ciphertext: str
    plaintext: str


# wechatpay-go utils/aes_test.go; wechatpay-java AeadAesCipherTest; the third is derived.
SEALED = [
    Sealed(
        "testAPIv3Key0000",
        "wCq51qZv4Yfg",
        "Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8",
        "FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC",
        "Hello World",
    ),
    Sealed(
        "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb",
        "uluk4a9R25RW",
        "associatedData",
        "ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI=",
        "message",
    ),
    Sealed(
        "0123456789abcdef0123456789ABCDEF",
        "a1b2c3d4e5f6",
        "transaction",
        "XPrDzGioRLi1K1qG80B1N3BE7mzuJHfExLV6t37Zur7D6w==",
        '{"hello":"世界"}',
    ),
]

# Derived with TESTING_KEY: what is signed, and the signature. A close, a query, a payment's parameters (whose
# inputs are the example of pay.weixin.qq.com), an answer 204.
DERIVED_APIV3_KEY = "0123456789abcdef0123456789ABCDEF"
SIGNED = {
    "close": (
        (
            "POST\n/v3/pay/transactions/out-trade-no/ORDER_20260101_0001/close\n1767225600\n593BEC0C930BF"
            '1AFEB40B4A08C8FB242\n{"mchid":"1900000001"}\n'
        ),
        (
            "fd75rTzzbq59OarhErWLsQ8Vx2fszf6U2isMPouocjyhVMw2IbVP3KM4gk1KFaSiLb9cTyqd8LLudpV/8wmZGWSt3fR3"
            "yPYvnNN3d1znKmU4XLbhwBTZfTeiY+sebZMFVN6oVMyZp3w9ZThdW8zei9O4kb6w5oCypAPc2fBsGuDXtMu1TvI7EdUW"
            "grD7QAdl/R56xX1y1o7sMK9mjGxSP4fp092x151EgVxT/ENyi9tHYiUOrLBEgG6w46YTlbzueWS4m3S2SZEhKMvXFvP0"
            "sCmC17YTnmolWssfaSAz+pBLMgLn+Vniq9ik+7DvbfQXKfkVq3Ph7t8IB+fjVlyhvA=="
        ),
    ),
    "query": (
        (
            "GET\n/v3/pay/transactions/out-trade-no/ORDER_20260101_0001?mchid=1900000001\n1767225600\n593"
            "BEC0C930BF1AFEB40B4A08C8FB242\n\n"
        ),
        (
            "uJnxph9Y8j1P9ZI39rR83USglVyxCU3QxkWW1jFCbzvs1muhosa6S6vyFAqAVJf5mD2T+7UnbHq+YrQZFsjaQZ82hnkC"
            "v8XnM6MxkSdoGXv6IsbCXVeu3cS58hKZRRvVtTTNYXT1qDDsOQjUbgwgSPyWx1Ju7GAQgL/shGyVhwYXkacmP0s2HeDz"
            "VNqZmlg7Rp+tygcZN1NLuFit9r/N4XR3LgHbiFAeAvNV3DHJJXpNweAnlzPHs/WQ9u6Q2hn7/HdvLxyLWAtPmqp8eNXy"
            "nLwORZ7rYmRs0Z/MiOERW1bitNMnDzUVVxHDq+1NEJzlZeeP4oqzjsGwA4yUF2E/QA=="
        ),
    ),
    "payment": (
        (
            "wx2421b1c4370ec43b\n1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\nprepay_id=wx20141027200939"
            "5522657a690389285100\n"
        ),
        (
            "JYKXt4mOdSKy03hD6XypE2RhzqxiJ3GDyxWbaIh1v95JFKzKfliSigI5ABR/pRU1EY/+BcWISR9vI1ZfWrnAGGoAhcuR"
            "hmwgRznyeT06kBy5k1heLQnFTWFYsoxVWyEEP6HRCbhaWREXRGs6lbdCkuK4R9ZcCgY/R+m7fGbiYYKXpjI92ByQ1il9"
            "MYxkCtLnxB3qeVjwjBsowN1KO9DQ9x6DYepQbuFUkqLj8A+cGMfXsTqqn8/PHPfPeocOXIR3jknFzFzRYyZB0az+KBqU"
            "LEQr0BUwt9tZ0esXvVFbLoE8RvaBIEMB0OvMx2XRtYc0LQCL4wKzE2kYFX4dZmDBVg=="
        ),
    ),
    "answer_204": (
        "1767225600\n593BEC0C930BF1AFEB40B4A08C8FB242\n\n",
        (
            "dfJiqCfZzp4T/vsNiGrdkzzvEhpuqe0BGRPN31LckBTSZThGQH6+YO1bXEg75u04+nbJGB9ZAzMBsVDppyFOozn0eDG+"
            "iX2Np1CruuL9vvSpfYmIyQ1BCAgUot0ylsSv5NWOYIafj+UnDG7D1KYt00Duz9SfoiJIpL4f1AI2aZ9z3VX57UCoRTx6"
            "VU3GC80RdcLxE7iMmK7B4bEpkDN0i5blGiWGVngdiI/nsKJ8qLG8o3EWbNKEWYXKyGnM9x3ygD0DRyb7JLqnP4XCH73W"
            "FBT05IsGPLkXM29NAIbWlHfcAwG/HtDYBSrHKe+4vf12XOOYaA1o3y964ig6dJNgtQ=="
        ),
    ),
}

# Derived: a whole TRANSACTION.SUCCESS, sealed with DERIVED_APIV3_KEY, nonce a1b2c3d4e5f6, `transaction`.
TRANSACTION_CIPHERTEXT = (
    "XPrGymytT7i1K48HVZfQi2IJ7SofdILqTchFP54Xi/OuV0FlRD9XtX6mFtcpYa0lFHXRJxTxHTbo47+WzPdAdxiEOm09"
    "1TZQ2RN8x424Ls44oA33DqSshXlBGBamBV/785/Adrp3B7uRtaSmdCuO2Iqt3zlC5vYjKJwXsIV3iKh7DgDA0BnJqIR1"
    "WjH0phTuvV3OFTdEugBFZbK4uW48MDRlQ73Z4GvsHDxoou/r9XjHhHdZCvkP20JKn2JFhiPxPE0VyYv6NwRdkkpskudJ"
    "2iHPYjLoyptJDJdIuWeGJ8uQvy8G1i5eAWgWf/SU6kb1x3/IfHzTBXwdDxsP52qZKIzrB1Kc0QX3KmjfFhmBKyk4BXGx"
    "rQ9yMgA40WDtASCQIK4BbiC9nQ5zRgXkjPwyNfYEOvIthZk0zmBupYpej+Tlqv2B3yapJwe7dKf6CoBFQfCPIRA/EUJq"
    "ni4gX8Fx1WP/ln9hpIsiJHfapf0W7valtaqSC7ex9myM+UF4lF7mmuk9hma1OanztV4o2CPwv/1iBl6DtoR01WSnLAYQ"
    "j429+5UIgUxILpDmWqRDodLRedY="
)
TRANSACTION_PLAINTEXT = (
    '{"mchid":"1900000001","appid":"wx2421b1c4370ec43b","out_trade_no":"ORDER_20260101_0001","tra'
    'nsaction_id":"4200000000202601010000000001","trade_type":"JSAPI","trade_state":"SUCCESS","tr'
    'ade_state_desc":"支付成功","bank_type":"OTHERS","attach":"","success_time":"2026-01-01T08:00:30+'
    '08:00","payer":{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},"amount":{"total":1,"payer_total":1'
    ',"currency":"CNY","payer_currency":"CNY"}}'
)
