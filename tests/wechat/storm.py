"""One of several processes that call WeChat at once on a shared token: `python -m tests.wechat.storm APPID
SECRET API_BASE DATABASE_URL`. Makes one call and says how it ended, then as many as each line that it reads."""

import json
import sys
from collections import Counter

from app.base.db import open_engine
from app.token_store import PostgresTokenStore
from wechat.errors import WeChatError
from wechat.http import Http
from wechat.official_account import OfficialAccount, OfficialAccountConfig
from wechat.platform import stable_token
from wechat.tokens import Tokens


def main() -> None:
    """Run to the end."""
    appid, secret, base, database_url = sys.argv[1:]
    http = Http()
    store = PostgresTokenStore(open_engine(database_url, pool_size=4))
    tokens = Tokens(appid, secret, store, stable_token(http, base))
    config = OfficialAccountConfig(appid, secret, "token", safe=False, api_base=base, mp_base=base)
    account = OfficialAccount(config, http, tokens)

    def once() -> str:
        try:
            account.fan("o")
        except WeChatError as error:
            return error.code
        return "ok"

    print(once(), flush=True)
    for calls in sys.stdin:
        print(json.dumps(Counter(once() for _ in range(int(calls)))), flush=True)


if __name__ == "__main__":
    main()
