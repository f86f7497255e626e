"""The reason of every share in words (SET-5), Chinese and English, for each role and way to it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.commission import words
from app.commission.statement import StatementRow
from models.commission import EntryKind, PartyKind, Role, ShareState
from models.policies import PolicyMode

SCANNED = {"at": "2026-03-01T10:00:00+08:00", "touch_kind": "SCAN", "store_name": "福田购物公园店"}


def row(role: Role = Role.ACQ_CLERK, accrued: int = 449, weight: int = 3000, **facts: Any) -> StatementRow:
    return StatementRow(
        id=1,
        order_number="A260302TEST0001",
        sku_code="AP-1002-M",
        goods="真丝衬衫",
        qty=1,
        role=role,
        party_kind=PartyKind.STORE if role.value.endswith("STORE") else PartyKind.CLERK,
        state=ShareState.FROZEN,
        base_fen=29900,
        pool_bp=500,
        accrued_fen=accrued,
        reversed_fen=0,
        earned_at=datetime(2026, 3, 2, tzinfo=UTC),
        certain_at=None,
        wait_days=10,
        reason={"weight_bp": weight, "missing": "HQ", "self_purchase": False} | facts,
    )


BOUND = {"at": "2026-03-01T10:00:00+08:00", "store_name": "福田购物公园店"}
ASSISTED = {"at": "2026-03-02T11:00:00+08:00", "touch_kind": "ASSISTED_ORDER"}
MISSING = {"roles": [{"role": "ACQ_CLERK", "weight_bp": 3000}, {"role": "ACQ_STORE", "weight_bp": 1500}]}
CASES = [
    (
        row(**SCANNED),
        "您于2026-03-01扫码带来的顾客（福田购物公园店）在本单消费，拉新分成30%：基数¥299.00×5%×30% = ¥4.49",
        "A customer you brought on 2026-03-01 (福田购物公园店), who scanned the code, bought here, "
        "acquisition share 30%: base ¥299.00×5%×30% = ¥4.49",
    ),
    (
        row(Role.ACQ_STORE, 224, 1500, **SCANNED),
        "本店于2026-03-01扫码带来的顾客（福田购物公园店）在本单消费，拉新门店分成15%："
        "基数¥299.00×5%×15% = ¥2.24",
        "A customer your store brought on 2026-03-01 (福田购物公园店), who scanned the code, bought here, "
        "acquisition store share 15%: base ¥299.00×5%×15% = ¥2.24",
    ),
    (
        row(Role.SVC_CLERK, 299, 2000, **BOUND),
        "您自2026-03-01起是这位顾客的专属导购（福田购物公园店），服务分成20%：基数¥299.00×5%×20% = ¥2.99",
        "You serve this customer since 2026-03-01 (福田购物公园店), service share 20%: "
        "base ¥299.00×5%×20% = ¥2.99",
    ),
    (
        row(Role.SELL_CLERK, 299, 2000, **ASSISTED),
        "顾客于2026-03-02由导购协助下单后下单，由您促成，成交分成20%：基数¥299.00×5%×20% = ¥2.99",
        "The customer ordered with the clerk on 2026-03-02 and bought, sales share 20%: "
        "base ¥299.00×5%×20% = ¥2.99",
    ),
    (
        row(Role.SELL_CLERK, 299, 2000, **BOUND),
        "本单没有其他导购促成，按您是这位顾客的专属导购（福田购物公园店）计，成交分成20%："
        "基数¥299.00×5%×20% = ¥2.99",
        "No other clerk led to this order, so it counts for you as the customer's clerk (福田购物公园店), "
        "sales share 20%: base ¥299.00×5%×20% = ¥2.99",
    ),
    (
        row(Role.FULFIL_STORE, 224, 1500, store="SZ-NS"),
        "本单由本店（SZ-NS）交付商品，履约分成15%：基数¥299.00×5%×15% = ¥2.24",
        "The goods are handed over by your store (SZ-NS), fulfilment share 15%: base ¥299.00×5%×15% = ¥2.24",
    ),
    (
        row(Role.HQ, 673, 4500, **MISSING),
        "无人应得的部分归总部（拉新导购30%、拉新门店15%），合计45%：基数¥299.00×5%×45% = ¥6.73",
        "What nobody earned goes to head office (acquisition clerk 30%, acquisition store 15%), "
        "together 45%: base ¥299.00×5%×45% = ¥6.73",
    ),
    (
        row(Role.HQ, 449, 3000, self_purchase=True, roles=MISSING["roles"][:1]),
        "顾客本人是在职导购，个人分成归总部（拉新导购30%），合计30%：基数¥299.00×5%×30% = ¥4.49",
        "The customer is a clerk, so personal shares go to head office (acquisition clerk 30%), "
        "together 30%: base ¥299.00×5%×30% = ¥4.49",
    ),
]


@pytest.mark.parametrize(("share", "zh", "en"), CASES)
def test_set5_why(share: StatementRow, zh: str, en: str) -> None:
    assert words.why(share, "zh") == zh
    assert words.why(share, "en") == en


def test_set5_a_refund_is_named_in_the_reason() -> None:
    share = replace(row(**SCANNED), reversed_fen=50)
    assert words.why(share, "zh").endswith("= ¥4.49；退款收回¥0.50，余¥3.99")
    assert words.why(share, "en").endswith("= ¥4.49; ¥0.50 taken back by refunds")


def test_clw4_the_share_of_a_clerk_who_left_is_explained_to_the_store() -> None:
    share = replace(row(**SCANNED, because="ACQUIRING_CLERK_LEFT"), party_kind=PartyKind.STORE)
    assert words.why(share, "zh").startswith(
        "本店的导购于2026-03-01扫码带来这位顾客，现已离职，其拉新分成30%归门店（福田购物公园店）："
    )
    assert "A clerk who has left" in words.why(share, "en")


def test_bnd9_a_company_is_not_addressed_as_a_store() -> None:
    share = replace(row(Role.ACQ_STORE, 224, 1500), party_kind=PartyKind.ENTITY)
    assert words.why(share, "zh").startswith("贵公司带来的顾客在本单消费")
    assert words.why(share, "en").startswith("A customer your company brought bought here")


def test_spl8_a_line_without_a_pool_says_so() -> None:
    share = replace(row(accrued=0, **SCANNED), pool_bp=0)
    assert words.why(share, "zh").endswith("：成交价低于提成折扣线，本单不计提成")
    assert words.why(share, "en").endswith(": sold below the discount floor, no commission")


def test_spl5_redistributed_and_shared_parts_do_not_claim_a_false_product() -> None:
    assert words.why(row(accrued=544, missing="REDISTRIBUTE"), "zh").endswith(
        "基数¥299.00×5%，按权重分得¥5.44"
    )
    assert words.why(row(accrued=179, part_bp=6000), "en").endswith(
        "base ¥299.00×5%, of which by weight ¥1.79"
    )
    nobody = row(Role.HQ, 1495, 0, roles=[])
    assert words.why(nobody, "zh") == "无人应得，全部归总部：基数¥299.00×5%，按权重分得¥14.95"


def test_frz2_when_it_becomes_certain() -> None:
    waiting = row()
    assert words.when_certain(waiting, "zh") == "顾客收货后第11天零点起确定，其间如有售后则顺延"
    assert words.when_certain(waiting, "en") == (
        "certain on day 11 after the customer has the goods, unless a refund is open"
    )
    dated = replace(waiting, certain_at=datetime(2026, 3, 12, 16, 0, tzinfo=UTC))
    assert words.when_certain(dated, "zh") == "2026-03-13零点起确定，其间如有售后则顺延"
    assert words.when_certain(replace(dated, state=ShareState.REVERSED), "zh") == "已随退款收回"
    assert words.when_certain(replace(dated, state=ShareState.RELEASABLE), "en") == (
        "certain (waits for settlement)"
    )


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_role_state_and_kind_of_change_has_a_word(language: str) -> None:
    assert all(words.role(role, language) for role in Role)
    assert all(words.state(state, language) for state in ShareState)
    assert all(words.entry(kind, language) for kind in EntryKind)


@pytest.mark.parametrize(
    ("rate_bp", "expected"),
    [(0, "0%"), (3000, "30%"), (10000, "100%"), (150, "1.5%"), (25, "0.25%"), (105, "1.05%")],
)
def test_percent(rate_bp: int, expected: str) -> None:
    assert words.percent(rate_bp) == expected


TOUCHED = {"at": "2026-03-20T12:00:00+08:00", "touch_kind": "SHARE_CLICK", "store_name": "福田店"}
PART = {"part": 1, "part_bp": 3333, "touches": 1, "of_touches": 3}
BY_MODE = [
    (
        "FIRST_TOUCH_LIFETIME",
        {},
        "您于2026-03-20点开分享带来这位顾客（福田店），按首次接触终身归您，分成100%",
    ),
    ("FIRST_TOUCH_LEFT", {}, "带来这位顾客的导购已离职，按首次接触终身归其门店（福田店），分成100%"),
    (
        "FIRST_TOUCH_STORE",
        {},
        "这位顾客于2026-03-20点开分享由门店带来（福田店），按首次接触终身归门店，分成100%",
    ),
    ("LAST_TOUCH", {}, "下单前最后一次接触是您：顾客于2026-03-20点开分享（福田店），分成100%"),
    (
        "PROTECT_THEN_OPEN",
        {},
        "这位顾客自2026-03-20起归您（福田店），保护期内或仍有往来，他人接触不改变归属，分成100%",
    ),
    ("LINEAR", PART, "下单前的3次有效接触中您有1次（福田店），按次数平均，分成33.33%"),
    ("POSITION", PART, "下单前的3次有效接触中您有1次（福田店），按首次、中间、末次的权重，分成33.33%"),
]


@pytest.mark.parametrize(("because", "facts", "zh"), BY_MODE)
def test_pol_3_set5_each_mode_says_why(because: str, facts: dict[str, Any], zh: str) -> None:
    share = row(Role.SELL_CLERK, 1495, 10000, because=because, **TOUCHED, **facts)
    assert words.why(share, "zh").startswith(f"{zh}：基数¥299.00×5%")
    english = words.why(share, "en")
    assert english.isascii() or "福田店" in english
    assert "{" not in english
    assert words.why(share, "en") != words.why(share, "zh")


def test_pol_3_every_mode_has_its_words() -> None:
    told = {name.removesuffix("_LEFT").removesuffix("_STORE") for name in words.MODE_WORDS}
    modes = {mode.value for mode in PolicyMode} - {"ROLE_SPLIT"}
    assert {"FIRST_TOUCH_LIFETIME" if name == "FIRST_TOUCH" else name for name in told} == modes
