"""The title of each refusal for people, Chinese and English, by code."""

TITLES: dict[str, tuple[str, str]] = {
    "INVALID": ("输入有误", "The input is not valid"),
    "BAD_REQUEST": ("请求有误", "Bad request"),
    "NOT_JSON": ("请求须为 JSON", "The body must be JSON"),
    "TOO_LARGE": ("内容过大", "Too large"),
    "NOT_FOUND": ("没有找到", "Not found"),
    "METHOD_NOT_ALLOWED": ("不支持该操作", "Method not allowed"),
    "FORBIDDEN": ("没有权限", "Not allowed"),
    "LOGIN_REQUIRED": ("请先登录", "Please log in"),
    "WRONG_AUDIENCE": ("当前身份不能进行此操作", "This login cannot do that"),
    "ROLE_NEEDED": ("您的角色不能进行此操作", "Your role cannot do that"),
    "LOGIN_REFUSED": ("账号、密码或动态码不正确", "Code, password or one-time code is wrong"),
    "LOGIN_LOCKED": ("尝试次数过多，请稍后再登录", "Too many tries; log in later"),
    "PASSWORD_CHANGE_NEEDED": ("请先修改初始密码", "Change the initial password first"),
    "WEAK_PASSWORD": ("密码过于简单", "The password is too easy to guess"),
    "WRONG_PASSWORD": ("密码不正确", "The password is wrong"),
    "WRONG_ONE_TIME_CODE": ("动态码不正确或已使用", "This one-time code is wrong, or was used"),
    "TOTP_SET_UP": ("已启用动态码", "An authenticator is set up already"),
    "TOTP_NOT_BEGUN": ("请先获取动态码密钥", "Ask for a secret first"),
    "TOTP_NOT_SET_UP": ("尚未启用动态码", "No authenticator is set up"),
    "OWN_ACCOUNT": (
        "不能变更自己的权限，请由其他负责人操作",
        "Nobody changes the own rights; ask another owner",
    ),
    "OPERATOR_TAKEN": ("该账号已存在", "There is such an operator already"),
    "CODE_USED": ("登录凭证已失效，请重试", "This code was already used; get a new one"),
    "ACCOUNT_BLOCKED": ("微信限制了该账号", "WeChat blocks this account"),
    "PHONE_TAKEN": ("该手机号已绑定其他会员", "Another member has verified this number"),
    "CLERK_PHONE_TAKEN": ("该手机号已属于其他导购", "Another clerk has this number"),
    "PHONE_CODE_NEEDED": ("首次登录请授权手机号", "The first login needs the phone number"),
    "NOT_A_CLERK": ("未找到可登录的导购身份", "No clerk can log in with this"),
    "CLERK_LEFT": ("该导购已离职", "This clerk has left"),
    "HANDOVER_FIRST": ("请先交接会员", "Hand the members over first"),
    "LOCATION_TAKEN": ("门店与仓库编码重复", "A store and a warehouse have the same code"),
    "POLICY_SCHEDULED": ("已有待生效的归因策略", "A later policy is waiting already"),
    "SAME_PERSON": ("起草人不能审批", "Whoever drafted it cannot approve it"),
    "POLICY_STATE": ("该版本当前状态不支持此操作", "The version is in another state"),
    "POLICY_TOO_LATE": ("生效时间太近或已过", "It would begin too soon, or in the past"),
    "POLICY_IN_EFFECT": ("该版本已生效，请另起新版本", "It is in effect; the way back is a new version"),
    "POLICY_CODE_TAKEN": ("该编码已用于其他范围", "This code is used for another scope"),
    "NO_POLICY": ("暂不能下单，请联系门店", "No attribution policy is in effect"),
    "CODE_REFUSED": ("登录凭证无效，请重试", "WeChat refused this code; get a new one"),
    "IDEMPOTENCY_KEY_REQUIRED": ("缺少幂等键", "An Idempotency-Key header is required"),
    "IDEMPOTENCY_KEY_REUSED": ("幂等键已用于其他请求", "This Idempotency-Key was used for another request"),
    "IN_FLIGHT": ("请求正在处理，请稍候", "The same request is still being worked on"),
    "OUT_OF_STOCK": ("库存不足", "Out of stock"),
    "NOT_ON_SALE": ("商品已下架", "Not on sale"),
    "STORE_CLOSED": ("门店暂不接单", "The store takes no orders now"),
    "NO_PICKUP": ("该门店不支持自提", "This store offers no pick-up"),
    "NOT_PAYABLE": ("订单当前不可支付", "The order cannot be paid now"),
    "PAYMENT_OPENED": ("订单正在支付，请稍后再试", "A payment has just been opened; try again"),
    "NOT_CANCELLABLE": ("订单当前不可取消", "The order cannot be cancelled now"),
    "WRONG_STATE": ("当前状态不支持该操作", "The state does not allow it"),
    "WRONG_STORE": ("请到下单所选门店提货", "The goods wait in another store"),
    "WRONG_CODE": ("提货码不正确", "Wrong pick-up code"),
    "LOCKED": ("尝试次数过多，请稍后再试", "Too many tries; come back later"),
    "REFUND_TOO_MANY": ("该订单退款次数已达上限", "The payment cannot be refunded in any more parts"),
    "REFUND_TOO_MUCH": ("退款金额超过可退金额", "More than can be refunded"),
    "AGE_CHECK_NEEDED": ("请核验顾客年满 18 周岁", "Check that the customer is of age"),
    "WECHAT_UNAVAILABLE": ("微信服务暂不可用，请稍后再试", "WeChat does not answer; try again later"),
    "DATABASE_UNAVAILABLE": ("服务繁忙，请稍后再试", "Busy; try again"),
    "BUSY": ("服务繁忙，请稍后再试", "Busy; try again"),
    "FAULT": ("服务出现故障，我们正在处理", "Something broke on our side"),
}

# For refusals that Flask makes before a room is asked.
BY_STATUS: dict[int, tuple[str, str]] = {
    401: TITLES["LOGIN_REQUIRED"],
    403: TITLES["FORBIDDEN"],
    404: TITLES["NOT_FOUND"],
    409: TITLES["WRONG_STATE"],
    422: TITLES["INVALID"],
    429: ("操作过于频繁", "Too many requests"),
    503: TITLES["BUSY"],
}


def title_of(code: str, status: int, language: str) -> str:
    """The title of a code; an unlisted code gets the title of its status, or of its kind of status."""
    kind = TITLES["BAD_REQUEST" if status < 500 else "FAULT"]
    zh, en = TITLES.get(code) or BY_STATUS.get(status) or kind
    return en if language == "en" else zh
