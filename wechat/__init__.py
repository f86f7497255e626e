"""Speaks WeChat: the official account, the mini-program and WeChat Pay; knows nothing of shops or tables.

`Http` (pool and timeouts) and `Tokens` (one refresher) are made once; `OfficialAccount`, `MiniProgram` and
`Pay` are built from them and are safe to share between threads. Every call either answers a frozen value or
raises one of `errors`: Unavailable (try again), Unknown (ask before you repeat), Refused (do not).

wechatpy is imported in `platform` alone. Pushes (`envelope`, `push_xml`, `events`) and WeChat Pay (`pay`) are
ours: wechatpy retries without limit, has no timeouts, does not escape its replies and knows only Pay v2.
Nothing is imported here, so that `wechat.box` starts without the client.
"""
