"""WeChat in a box: a local server that plays WeChat for laptops, tests and demos.

It plays api.weixin.qq.com, mp.weixin.qq.com and api.mch.weixin.qq.com on one loopback origin, keeps its
people, chats, orders and deliveries in SQLite, and pushes to our callbacks as WeChat does. It is a second,
independent reading of the published rules: it imports nothing of the client in ``wechat`` and nothing of the
shop, so that each checks the other.

    python -m wechat.box serve --port 0 --state DIR [--callback URL] [--tls]

Where the files divide: ``oa_api``, ``mp_api`` and ``pay_api`` are what a program calls; ``control`` and
``page`` are what a person (or a test) does; ``pushing`` and ``notices`` are what WeChat says to us, and
``courier`` carries it.
"""
