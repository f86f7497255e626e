"""Objects of somebody else: how each is made, who asks for it, what is answered, and what stays as it was.

Each guarded route with a path parameter has a case here, or a reason in ``NOT_OWNED`` why nobody owns what
it names.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.scope import Scope
from app.codes import batch
from app.tills import keys
from tests import make
from tests.doors import foreign_relations
from tests.doors.cast import Cast
from tests.doors.foreign_case import Foreign, Params, Unseen
from tests.rooms.settled import a_published_month


def an_order_of_another_member(session: Session, cast: Cast) -> Params:
    """An unpaid order of a member who is not in the cast."""
    make.stock(session, "AP-1002-M", 5)
    return {"number": make.an_order(session, make.a_buyer(session, "other"), now=cast.now).number}


def a_list_of_head_office(session: Session, cast: Cast) -> Params:
    """The wages of head office's own people; the cast's franchisee is E-WF1."""
    session.execute(
        text(
            "insert into payout_papers (number, batch, kind, entity, rows, total_fen, state, made_by, made_at)"
            " values ('W1', 'S2026-04-1', 'WAGES', 'E-HQ', 0, 0, 'OPEN', 'operator:O-1', now())"
        )
    )
    return {"number": "W1"}


def a_paid_order_of_another_store(session: Session, cast: Cast) -> Params:
    """A paid order that waits at SZ-NS; the cast's clerks are of SZ-FT."""
    make.stock(session, "AP-1002-M", 5, location="SZ-NS")
    order = make.an_order(session, make.a_buyer(session, "other"), store="SZ-NS", now=cast.now)
    make.pay_for(session, order.order_id)
    session.execute(
        text(
            "insert into payment (order_id, out_trade_no, transaction_id, appid, mchid, payer_openid,"
            " amount_fen, state, checks) values (:id, 'P1', 'T1', 'wx', '1', 'o', :fen, 'SUCCESS', 0)"
        ),
        {"id": order.order_id, "fen": order.quote.amount_fen},
    )
    return {"number": order.number}


def a_clerk_of_another_company(session: Session, cast: Cast) -> Params:
    """A clerk of SZ-FT; the cast's franchisee runs WF-TH."""
    return {"code": "C-SZFT-01"}


def a_key_of_another_store(session: Session, cast: Cast) -> Params:
    """A till's key of SZ-NS; the cast's store manager runs SZ-FT, its franchisee WF-TH."""
    made = keys.make(session, make.VAULT, store="SZ-NS", label="一号", scope=Scope(), by="test", now=cast.now)
    return {"code": made.code}


def a_policy_of_others(session: Session, cast: Cast) -> Params:
    """In effect for JOINT stores; nobody of the cast has one."""
    session.execute(
        text(
            "insert into attribution_policy (code, version, scope, scope_ref, mode, params, effective_from,"
            " created_by, approved_by, approved_at) select 'JOINT-ONLY', 1, 'STORE_TYPE', 'JOINT', mode, params,"
            " '2021-01-01', 'a', 'b', '2021-01-01' from attribution_policy"
        )
    )
    return {"code": "JOINT-ONLY", "version": "1"}


def a_code_of_another_store(session: Session, cast: Cast) -> Params:
    """A printed thing's code of SZ-NS."""
    made = text(
        "insert into qr_code (scene, kind, store_id, label, url)"
        " select 'm-foreign', 'MATERIAL_OA', id, '橱窗', 'u' from store where code = 'SZ-NS' returning scene"
    )
    return {"scene": session.execute(made).scalar_one()}


def a_batch_of_another_store(session: Session, cast: Cast) -> Params:
    """Codes for all of SZ-NS."""
    return {"number": batch.start(session, scope=Scope(store="SZ-NS"), by="test", now=cast.now)}


def another_store(session: Session, cast: Cast) -> Params:
    """SZ-NS, as it is."""
    return {"store": "SZ-NS"}


def a_dispute_of_others(session: Session, cast: Cast) -> Params:
    """A dispute between SZ-NS's clerks, about a row of SZ-NS."""
    number = session.execute(
        text(
            "with o as (insert into orders (number, member_id, identity_id, state, version, origin, selling_entity_id,"
            " selling_store_id, fulfilment, fulfilment_state, pickup_store_id, location_id, goods_fen, discount_fen,"
            " freight_fen, amount_fen, paid_fen, refunded_fen, created_at, expires_at)"
            " select 'AFOREIGN', i.member_id, i.id, 'CREATED', 1, 'ONLINE', s.entity_id, s.id, 'PICKUP', 'WAITING',"
            " s.id, l.id, 1, 0, 0, 1, 0, 0, :at, :at from identity i, store s, stock_location l"
            " where i.member_id = :member and s.code = 'SZ-NS' and l.code = 'SZ-NS' limit 1 returning id)"
            " insert into dispute (number, kind, role, order_id, order_number, claimant, raised_by, state, opened_at,"
            " evidence_until, heirs) select 'D260101FOREIGN', 'CREDIT', 'SELL_CLERK', id, 'AFOREIGN',"
            " 'clerk:C-SZNS-03', 'clerk:C-SZNS-03', 'EVIDENCE', :at, cast(:at as timestamptz) + interval '5 days',"
            " '[]' from o returning number"
        ),
        {"member": cast.buyer.member_id, "at": cast.now},
    ).scalar_one()
    return {"number": str(number)}


def a_statement_of_another_store(session: Session, cast: Cast) -> Params:
    """The published settlement of SZ-NS; the cast's store manager runs SZ-FT, its franchisee is E-WF1."""
    a_published_month(session, "store:SZ-NS", at=cast.now)
    return {"month": "2026-10", "party": "store:SZ-NS"}


def a_clerk_of_another_store(session: Session, cast: Cast) -> Params:
    """A clerk of SZ-NS, and a month that goes on."""
    return {"month": "2026-11", "clerk": "C-SZNS-01"}


_NO_STATEMENT = {"month": "2026-10", "party": "store:SZ-XX"}
_TARGET = {"targets": [{"clerk": "<clerk>", "target_fen": 100}], "why": "春装"}
_NO_ORDER = {"number": "A261121ZZZZZZZZ"}
_NO_KEY = {"code": "PK261121ZZZZZZZZ"}
_KEYS = ("pos_key", "audit_entry")
_NO_CODE = {"scene": "m-nobody"}
_NO_BATCH = {"number": "Q261121ZZZZZZZZ"}
_CODES = ("qr_code", "code_batch", "code_batch_item", "audit_entry")
_REFUND = {"lines": [{"line_no": 1, "amount_fen": 100}], "reason": "颜色不合适"}
_MONEY = ("orders", "order_event", "payment", "refund", "refund_line", "ledger_transfer", "idempotent_answer")

FOREIGN: tuple[Foreign, ...] = (
    *foreign_relations.FOREIGN,
    Foreign("GET /api/shopper/orders/<number>", "shopper", an_order_of_another_member, _NO_ORDER),
    Foreign("GET /api/shopper/orders/<number>/pickup-code", "shopper", an_order_of_another_member, _NO_ORDER),
    Foreign(
        "POST /api/shopper/orders/<number>/cancel",
        "shopper",
        an_order_of_another_member,
        _NO_ORDER,
        unchanged=(*_MONEY, "reservation", "stock"),
    ),
    Foreign(
        "POST /api/shopper/orders/<number>/prepay",
        "shopper",
        an_order_of_another_member,
        _NO_ORDER,
        unchanged=_MONEY,
    ),
    Foreign(
        "POST /api/clerk/orders/<number>/refunds",
        "manager",
        a_paid_order_of_another_store,
        _NO_ORDER,
        body=_REFUND,
        unchanged=_MONEY,
    ),
    *(
        Foreign(
            f"{method} /api/{audience}/disputes/<number>{rest}",
            who,
            a_dispute_of_others,
            {"number": "D260101NOTHERE"},
            body={"said": "x"} if rest else None,
            unchanged=("dispute", "dispute_step", "audit_entry"),
        )
        for audience, who in (("clerk", "clerk"), ("backoffice", "FRANCHISEE"))
        for method, rest in (("GET", ""), ("POST", "/evidence"))
    ),
    Foreign(
        "GET /api/backoffice/payout-lists/<number>.csv", "FRANCHISEE", a_list_of_head_office, {"number": "W0"}
    ),
    *(
        Foreign(f"GET {place}/orders/<number>/credit", who, a_paid_order_of_another_store, _NO_ORDER)
        for who, place in (
            ("clerk", "/api/clerk"),
            ("STORE_MANAGER", "/api/backoffice"),
            ("FRANCHISEE", "/api/backoffice"),
        )
    ),
    Foreign(
        "GET /api/backoffice/kpi/clerks/<code>",
        "FRANCHISEE",
        a_clerk_of_another_company,
        {"code": "C-NOBODY"},
    ),
    *(
        Foreign(
            f"GET /api/backoffice/statements/<month>/<party>{form}",
            who,
            a_statement_of_another_store,
            _NO_STATEMENT,
        )
        for who in ("STORE_MANAGER", "FRANCHISEE")
        for form in ("", "/rows", "/pdf", "/xlsx")
    ),
    *(
        Foreign(
            f"POST {place}/targets/<month>",
            who,
            a_clerk_of_another_store,
            {"month": "2026-11", "clerk": "C-NOBODY"},
            body=_TARGET,
            unchanged=("clerk_target", "audit_entry"),
        )
        for who, place in (
            ("manager", "/api/clerk"),
            ("STORE_MANAGER", "/api/backoffice"),
            ("FRANCHISEE", "/api/backoffice"),
        )
    ),
    *(
        case
        for who in ("STORE_MANAGER", "FRANCHISEE")
        for case in (
            Foreign(
                "GET /api/backoffice/policies/<code>/versions/<version>",
                who,
                a_policy_of_others,
                {"code": "NONE", "version": "1"},
            ),
            Foreign(
                "POST /api/backoffice/codes",
                who,
                another_store,
                {"store": "SZ-XX"},
                body={"store": "<store>", "label": "橱窗"},
                unchanged=_CODES,
            ),
            Foreign(
                "POST /api/backoffice/codes/<scene>/revoke",
                who,
                a_code_of_another_store,
                _NO_CODE,
                body={"why": "遗失"},
                unchanged=_CODES,
            ),
            Foreign(
                "GET /api/backoffice/code-batches/<number>",
                who,
                a_batch_of_another_store,
                _NO_BATCH,
                unchanged=_CODES,
            ),
            Foreign(
                "GET /api/backoffice/code-batches/<number>/materials.zip",
                who,
                a_batch_of_another_store,
                _NO_BATCH,
                unchanged=_CODES,
            ),
            Foreign(
                "POST /api/backoffice/code-batches/<number>/stop",
                who,
                a_batch_of_another_store,
                _NO_BATCH,
                unchanged=_CODES,
            ),
            Foreign(
                "POST /api/backoffice/pos-keys",
                who,
                another_store,
                {"store": "SZ-XX"},
                body={"store": "<store>", "label": "一号"},
                unchanged=_KEYS,
            ),
            Foreign(
                "POST /api/backoffice/pos-keys/<code>/revoke",
                who,
                a_key_of_another_store,
                _NO_KEY,
                body={"why": "失窃"},
                unchanged=_KEYS,
            ),
            Foreign(
                "POST /api/backoffice/pos-keys/<code>/rotate",
                who,
                a_key_of_another_store,
                _NO_KEY,
                body={"overlap_s": 0},
                unchanged=_KEYS,
            ),
        )
    ),
)


UNSEEN: tuple[Unseen, ...] = (
    Unseen("/api/backoffice/statements/2026-10", "STORE_MANAGER", a_statement_of_another_store, seer="OWNER"),
    Unseen("/api/backoffice/statements/2026-10", "FRANCHISEE", a_statement_of_another_store, seer="OWNER"),
    *foreign_relations.UNSEEN,
    Unseen("/api/shopper/orders", "shopper", an_order_of_another_member),
    Unseen("/api/backoffice/policies?code=JOINT-ONLY", "STORE_MANAGER", a_policy_of_others, seer="OWNER"),
    Unseen("/api/backoffice/policies?code=JOINT-ONLY", "FRANCHISEE", a_policy_of_others, seer="OWNER"),
    Unseen("/api/backoffice/payout-lists", "FRANCHISEE", a_list_of_head_office, seer="OWNER"),
    *(
        Unseen(f"/api/backoffice/{path}", who, made, seer="OWNER")
        for who in ("STORE_MANAGER", "FRANCHISEE")
        for path, made in (("codes", a_code_of_another_store), ("code-batches", a_batch_of_another_store))
    ),
    Unseen("/api/backoffice/pos-keys", "STORE_MANAGER", a_key_of_another_store, seer="OWNER"),
    Unseen("/api/backoffice/pos-keys", "FRANCHISEE", a_key_of_another_store, seer="OWNER"),
)

# Guarded routes whose parameter names nothing that belongs to anybody.
_OWNERS = "operators are head office's, and only an OWNER gets past the guard"
_POLICIES = "policies and their dry runs are head office's, and only its people get past the guard"
_MONTH = "a month; whose it is, says the token"
NOT_OWNED: dict[str, str] = {
    "POST /api/backoffice/disputes/<number>/decision": "SERVICE and FINANCE judge for the brand",
    "POST /api/backoffice/disputes/<number>/application": "FINANCE books for the brand",
    "GET /api/backoffice/findings/<number>": "SERVICE and FINANCE review for the brand",
    "POST /api/backoffice/findings/<number>/verdict": "SERVICE and FINANCE review for the brand",
    **foreign_relations.NOT_OWNED,
    "GET /api/backoffice/dry-runs/<number>": _POLICIES,
    "GET /api/backoffice/dry-runs/<number>/parties": _POLICIES,
    "POST /api/backoffice/policies/<code>/versions/<version>/again": _POLICIES,
    "POST /api/backoffice/policies/<code>/versions/<version>/approve": _POLICIES,
    "GET /api/backoffice/policies/<code>/versions/<version>/changes": _POLICIES,
    "POST /api/backoffice/policies/<code>/versions/<version>/submit": _POLICIES,
    "POST /api/backoffice/policies/<code>/versions/<version>/withdraw": _POLICIES,
    "POST /api/backoffice/payout-lists/<number>/confirm": "finance of the brand sees every company's lists",
    "POST /api/backoffice/sharing/receivers/<entity>/end": "finance of the brand keeps every company's receiver",
    "POST /api/backoffice/payouts/<number>/give-up": "finance of the brand sees every transfer",
    "POST /api/backoffice/kpi/weights/<scenario>": "one of five scenarios of the brand",
    "GET /api/backoffice/operators/<code>": _OWNERS,
    "POST /api/backoffice/operators/<code>/disable": _OWNERS,
    "POST /api/backoffice/operators/<code>/enable": _OWNERS,
    "POST /api/backoffice/operators/<code>/reset-password": _OWNERS,
    "POST /api/backoffice/operators/<code>/reset-totp": _OWNERS,
    "PUT /api/backoffice/operators/<code>/role": _OWNERS,
    "GET /api/clerk/statements/<month>": _MONTH,
    "GET /api/clerk/statements/<month>.pdf": _MONTH,
    "GET /api/clerk/statements/<month>.xlsx": _MONTH,
    "GET /api/clerk/settlements/<month>": _MONTH,
    "GET /api/clerk/settlements/<month>/rows": _MONTH,
    "GET /api/clerk/store/settlements/<month>": _MONTH,
    "GET /api/clerk/store/settlements/<month>/rows": _MONTH,
    "GET /api/clerk/store/statements/<month>.pdf": _MONTH,
    "GET /api/clerk/store/statements/<month>.xlsx": _MONTH,
    "GET /api/clerk/targets/<month>": _MONTH,
    "GET /api/backoffice/targets/<month>": _MONTH,
    "GET /api/backoffice/statements/<month>": _MONTH,
    **dict.fromkeys(
        (
            "GET /api/backoffice/settlements/<number>",
            "POST /api/backoffice/settlements/<number>/approve",
            "POST /api/backoffice/settlements/<number>/close",
            "GET /api/backoffice/settlements/<number>/parties",
            "POST /api/backoffice/settlements/<number>/parties/<party>/add",
            "POST /api/backoffice/settlements/<number>/parties/<party>/remove",
            "POST /api/backoffice/settlements/<number>/refresh",
            "POST /api/backoffice/settlements/<number>/reject",
            "POST /api/backoffice/settlements/<number>/submit",
            "POST /api/backoffice/clerks/<code>/employment",
            "POST /api/backoffice/tiers/<version>/approve",
        ),
        "head office's, and nobody bounded to a part of the brand gets past the guard",
    ),
}
