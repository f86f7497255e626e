"""What can be set about the merchant and the money in the box, and what those settings may be."""

from typing import Any

KEY_ONLY, MIGRATING, CERT_ONLY = "key-only", "migrating", "cert-only"
DEFAULTS: dict[str, Any] = {
    # Which of the platform's keys signs (WECHAT_PAY.md 3.1).
    "merchant_mode": KEY_ONLY,
    # While migrating: how many of a hundred callbacks are signed with the public key's pair.
    "callback_key_percent": 50,
    "platform_certificate": "ordinary",
    # How GET /v3/certificates says that a key-only merchant has none: reports differ.
    "no_certificates_code": "RESOURCE_NOT_EXISTS",
    "refund_delay_s": 1,
    "refund_interval_s": 0,
    "opening_balance_fen": 10_000_000,
    "fee_bp": 60,
    "bill_base": "https://api.mch.weixin.qq.com",
    "bill_trouble": None,
    "sharing_ratio_bp": 3000,
    "sharing_wait_s": 60,
    "sharing_delay_s": 1,
    "sharing_unfreeze_after_s": 30 * 86400,
    # A mini-program under trade management settles after the receipt, and shares only then (WECHAT_PAY.md 8).
    "sharing_waits_for_receipt": False,
    "transfer_delay_s": 0,
    "transfer_pay_delay_s": 1,
    "transfer_cancel_delay_s": 1,
    "transfer_least_fen": 10,
    "transfer_most_fen": 2_000_000,
    "transfer_user_day_fen": 2_000_000,
    "transfer_merchant_day_fen": 10_000_000,
    "transfer_scenes": ["1000", "1005", "1011"],
    # From where transfers may be asked for; null takes every caller (WECHAT_PAY.md 9.1: NO_AUTH).
    "transfer_ip_allow_list": None,
    # Where a merchant who receives shares is told of them, as its console would have it; null: nowhere.
    "sharing_callback_url": None,
    # The notice names the merchant mch_id or mchid: published sources differ (WECHAT_PAY.md 10.2).
    "transfer_notice_member": "mch_id",
}
_CHOICES: dict[str, tuple[Any, ...]] = {
    "merchant_mode": (KEY_ONLY, MIGRATING, CERT_ONLY),
    "platform_certificate": ("ordinary", "zero", "rotating"),
    "no_certificates_code": ("RESOURCE_NOT_EXISTS", "NOT_FOUND", "SYSTEM_ERROR"),
    "bill_trouble": (None, "NO_STATEMENT_EXIST", "STATEMENT_CREATING", "WRONG_HASH"),
    "transfer_notice_member": ("mch_id", "mchid"),
}


def problem(name: str, value: Any) -> str | None:
    """What is wrong with this value of a setting of ours, in one sentence; None when it is good or not
    ours."""
    if name in _CHOICES and value not in _CHOICES[name]:
        return f"{name} is one of {', '.join(str(choice) for choice in _CHOICES[name])}"
    if name.endswith(("_fen", "_bp", "_percent")) and name in DEFAULTS:
        most = 10_000 if name.endswith("_bp") else 100 if name.endswith("_percent") else 2**53
        if type(value) is not int or not 0 <= value <= most:
            return f"{name} is a whole number, 0 to {most}"
    if name == "bill_base" and not (isinstance(value, str) and value.startswith(("http://", "https://"))):
        return "bill_base is an http(s) address"
    if name == "sharing_waits_for_receipt" and type(value) is not bool:
        return f"{name} is true or false"
    if name == "transfer_scenes" and not (
        isinstance(value, list) and all(isinstance(one, str) for one in value)
    ):
        return "transfer_scenes is a list of texts"
    return None
