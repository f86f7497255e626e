"""Paying money out to a person: merchant transfers as they are since 2025, which the person confirms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wechat.pay import limits
from wechat.pay.gateway import Gateway, understood
from wechat.pay.results import Growing, maybe_moment, maybe_word, whole, word
from wechat.pay.signing import MerchantKey

_BILLS = "/v3/fund-app/mch-transfer/transfer-bills"
LEAST_FEN = 10
NAME_FROM_FEN, NAME_REQUIRED_FROM_FEN = 30, 200_000
"""Below the first the name must not be given, from the second on it must (WECHAT_PAY 9.1)."""

MARKETING, COMMISSION, COMPENSATION = "1000", "1005", "1011"
REPORTS: Mapping[str, tuple[str, ...]] = {
    MARKETING: ("活动名称", "奖励说明"),
    COMMISSION: ("岗位类型", "报酬说明"),
    COMPENSATION: ("赔付原因",),
}
"""What has to be reported with a transfer of each scene, as far as it is known; WeChat fixes the words."""


class TransferState(Growing):
    """State of a transfer. A new number only after FAIL or CANCELLED."""

    ACCEPTED = "ACCEPTED"  # taken in
    PROCESSING = "PROCESSING"  # when it stays, the account is short of money
    WAIT_USER_CONFIRM = "WAIT_USER_CONFIRM"  # for 24 h; then FAIL, and the money is back
    TRANSFERING = "TRANSFERING"  # confirmed, on its way (WeChat's spelling)
    SUCCESS = "SUCCESS"  # paid
    FAIL = "FAIL"  # not paid: see why; the money is back
    CANCELING = "CANCELING"  # being taken back
    CANCELLED = "CANCELLED"  # taken back
    OTHER = "OTHER"  # not known to this version

    @property
    def is_final(self) -> bool:
        """Whether nothing changes any more."""
        return self in (TransferState.SUCCESS, TransferState.FAIL, TransferState.CANCELLED)


@dataclass(frozen=True)
class Transfer:
    """A transfer as WeChat sees it. What it was asked for with (amount, openid, ...) comes with queries and
    notices only; `package_info`, with which the person's phone confirms, only with WAIT_USER_CONFIRM.
    `fail_reason` is a word of WeChat's list, which grows."""

    out_bill_no: str
    transfer_bill_no: str
    state: TransferState
    package_info: str | None = field(default=None, repr=False)
    fail_reason: str | None = None
    mchid: str | None = None
    appid: str | None = None
    amount_fen: int | None = None
    openid: str | None = field(default=None, repr=False)
    sealed_name: str | None = field(default=None, repr=False)
    created_at: datetime | None = None
    updated_at: datetime | None = None


def transfer_of(fields: Mapping[str, Any]) -> Transfer:
    """Reads a transfer, of an answer or of a notice. Raises Malformed."""
    return Transfer(
        out_bill_no=word(fields, "out_bill_no"),
        transfer_bill_no=word(fields, "transfer_bill_no"),
        state=TransferState(word(fields, "state")),
        package_info=maybe_word(fields, "package_info"),
        fail_reason=maybe_word(fields, "fail_reason"),
        # Queries say mch_id, notices either (WECHAT_PAY 9.1, 10.2).
        mchid=maybe_word(fields, "mch_id") or maybe_word(fields, "mchid"),
        appid=maybe_word(fields, "appid"),
        amount_fen=whole(fields, "transfer_amount") if "transfer_amount" in fields else None,
        openid=maybe_word(fields, "openid"),
        sealed_name=maybe_word(fields, "user_name"),
        created_at=maybe_moment(fields, "create_time"),
        updated_at=maybe_moment(fields, "update_time"),
    )


class Transfers:
    """Verbs around one transfer. `out_bill_no`: 1..32 letters and digits; it alone keeps a repeat from paying
    twice, so it is committed before the call and never replaced after an unknown outcome."""

    def __init__(self, gateway: Gateway, merchant: MerchantKey) -> None:
        self._gateway = gateway
        self._merchant = merchant

    def transfer(
        self,
        *,
        appid: str,
        out_bill_no: str,
        scene_id: str,
        openid: str,
        amount_fen: int,
        remark: str,
        reports: Mapping[str, str],
        user_name: str | None = None,
        notify_url: str | None = None,
        perception: str | None = None,
    ) -> Transfer:
        """Asks for a transfer; the person confirms it with `package_info` within 24 hours. `reports` are the
        scene's own pairs (REPORTS), each content at most 32 characters; `remark` likewise. `user_name` is
        encrypted; required from 2000 yuan, forbidden below 0.30. `perception` only where the scene has it.
        Unavailable with NOT_ENOUGH: top up, repeat with the same number. Unknown: query, then repeat with the
        same number; a query's NOT_FOUND right afterwards proves nothing."""
        api = "pay.transfer"
        limits.demand(api, bool(openid) and bool(appid) and bool(scene_id), "appid, openid and scene_id")
        limits.fen(api, amount_fen, "amount_fen")
        limits.demand(api, amount_fen >= LEAST_FEN, f"amount_fen: at least {LEAST_FEN}")
        fields: dict[str, Any] = {
            "appid": appid,
            "out_bill_no": limits.number(api, out_bill_no, longest=32, plain=True),
            "transfer_scene_id": scene_id,
            "openid": openid,
            "transfer_amount": amount_fen,
            "transfer_remark": limits.line(api, remark, "remark", 32),
            "transfer_scene_report_infos": _reported(api, scene_id, reports),
        }
        if notify_url:
            fields["notify_url"] = limits.address(api, notify_url)
        if perception:
            fields["user_recv_perception"] = limits.line(api, perception, "perception", 32)
        _demand_name(api, amount_fen, user_name)
        sealer = None
        if user_name:
            name = limits.secret(api, user_name, "user_name")
            sealer = self._gateway.sealer(api)
            fields["user_name"] = sealer.seal(name)
        answer = self._gateway.write(api, _BILLS, fields, sealer=sealer)
        with understood(api, write=True):
            return transfer_of(answer)

    def query_transfer(self, out_bill_no: str) -> Transfer:
        """How a transfer of the last 30 days stands. Refused (NOT_FOUND) when WeChat does not know the number,
        which right after a call in doubt proves nothing: wait, and repeat it with the same number."""
        limits.number("pay.query_transfer", out_bill_no, longest=32, plain=True)
        return self._transfer(f"{_BILLS}/out-bill-no/{out_bill_no}")

    def query_transfer_bill(self, transfer_bill_no: str) -> Transfer:
        """The same by WeChat's own number."""
        limits.number("pay.query_transfer", transfer_bill_no, longest=64)
        return self._transfer(f"{_BILLS}/transfer-bill-no/{transfer_bill_no}")

    def cancel_transfer(self, out_bill_no: str) -> Transfer:
        """Takes a transfer back that the person has not confirmed. CANCELING: query until it is CANCELLED, or
        SUCCESS after all. Refused when it is too late. Unknown: query."""
        api = "pay.cancel_transfer"
        limits.number(api, out_bill_no, longest=32, plain=True)
        answer = self._gateway.write(api, f"{_BILLS}/out-bill-no/{out_bill_no}/cancel", None)
        with understood(api, write=True):
            return transfer_of(answer)

    def open_sealed(self, ciphertext: str) -> str:
        """Opens what WeChat encrypted for the merchant, such as `Transfer.sealed_name`. Raises Malformed."""
        return self._merchant.open(ciphertext)

    def _transfer(self, path: str) -> Transfer:
        answer = self._gateway.read("pay.query_transfer", path)
        with understood("pay.query_transfer", write=False):
            return transfer_of(answer)


def _reported(api: str, scene_id: str, reports: Mapping[str, str]) -> list[dict[str, str]]:
    wanted = REPORTS.get(scene_id, tuple(reports))
    limits.demand(api, bool(reports), "reports: WeChat demands them for every scene")
    limits.demand(api, set(reports) == set(wanted), f"reports: exactly {', '.join(wanted)}")
    return [{"info_type": kind, "info_content": limits.line(api, reports[kind], kind, 32)} for kind in wanted]


def _demand_name(api: str, amount_fen: int, user_name: str | None) -> None:
    if amount_fen >= NAME_REQUIRED_FROM_FEN:
        limits.demand(api, bool(user_name), "user_name: required from 2000 yuan")
    if amount_fen < NAME_FROM_FEN:
        limits.demand(api, not user_name, "user_name: not allowed below 0.30 yuan")
