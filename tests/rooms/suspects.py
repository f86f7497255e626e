"""Builders: what the fraud detectors look at, on both sides of each threshold."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.scope import Scope
from app.base.vault import Vault
from app.commission.accrual import accrue
from app.kpi.sweeping import sweep
from app.review.detecting import detect
from app.review.interest import Judge
from models.review import RiskRule
from tests.people import a_code, a_fan, a_scan, id_of
from tests.rooms.paid import EVERYBODY, PAID_AT, Sold, sell, snapshot, staff

AT = PAID_AT
NOW = AT + timedelta(hours=12)
VAULT = Vault("x" * 32)
REVIEWER = Judge("operator:O-SERVICE", Scope())
CODE = "C-SZFT-01"


def many_clerks(session: Session) -> None:
    """The clerks and stores of tests.rooms.paid, and ten clerks more."""
    staff(session)
    session.execute(
        text(
            "insert into clerk (code, name, store_id, role, status)"
            " select 'C-X-' || n, 'x', id, 'CLERK', 'ACTIVE' from store, generate_series(0, 9) n"
            " where code = 'SZ-FT'"
        )
    )
    session.execute(text("update clerk set member_id = null"))


def found(session: Session, rule: RiskRule, *, now: object = NOW) -> int:
    return detect(session, rule, vault=VAULT, now=now)  # type: ignore[arg-type]  # a datetime


def number_of(session: Session) -> str:
    return str(session.execute(text("select number from risk_finding")).scalar_one())


def paid(
    session: Session, number: str, *, touch: int | None = None, fen: int = 29900, **given: object
) -> Sold:
    """A paid and booked order; ``touch`` is what LIN's acquisition share rests on."""
    first = EVERYBODY[0] | {"touch": touch}
    sold = sell(session, [fen], number=number, credit=snapshot([first, *EVERYBODY[1:]]), **given)  # type: ignore[arg-type]  # the facts of sell
    accrue(session, sold.lines, paid_at=AT, now=AT)
    sweep(session)
    return sold


def of_member(session: Session, sold: Sold, name: str, *, payer: str = "") -> None:
    """Make an order another member's, and say who paid it."""
    session.execute(
        text(
            "with m as (insert into member (number) values (:n) on conflict (number) do update set number = :n"
            " returning id) update orders set member_id = (select id from m) where id = :id"
        ),
        {"n": f"M-{name}", "id": sold.order_id},
    )
    facts = {"openid": payer or name, "id": sold.order_id}
    session.execute(text("update payment set payer_openid = :openid where order_id = :id"), facts)


def scans(session: Session, clerks: int, *, spread: timedelta = timedelta(minutes=1)) -> None:
    fan = a_fan(session, "hunter", now=AT)
    for n in range(clerks):
        at = AT + n * spread
        a_scan(session, fan, a_code(session, f"C-X-{n}"), at=at, received_at=at)


def fans(session: Session, count: int, *, seconds: int = 1, code: str = CODE, first: int = 0) -> None:
    """Fans of one clerk as rows, one every ``seconds``."""
    clerk_id = id_of(session, "clerk", code)
    session.execute(
        text(
            """
            with m as (insert into member (number) select 'M-f-' || n from generate_series(:first, :last) n
                       returning id, number),
            i as (insert into identity (member_id, app, appid, openid, followed)
                  select id, 'OA', 'wx-oa', number, true from m returning id, member_id),
            t as (insert into touch (member_id, identity_id, kind, clerk_id, store_id, occurred_at, received_at,
                                     raw_key, valid, result)
                  select i.member_id, i.id, 'SUBSCRIBE_SCAN', :clerk, s.id,
                         cast(:at as timestamptz) + make_interval(secs => (row_number() over (order by i.id) - 1) * :s),
                         :at, 'f-' || m.number, true, 'ACQUIRED'
                    from i join m on m.id = i.member_id, store s where s.code = 'SZ-FT'
                  returning id, member_id, clerk_id, store_id, occurred_at),
            b as (insert into service_binding (member_id, clerk_id, store_id, valid_from, reason, touch_id, actor)
                  select member_id, clerk_id, store_id, occurred_at, 'ACQUIRED', id, 'touch' from t)
            insert into acquisition (member_id, kind, clerk_id, store_id, touch_id, acquired_at)
            select member_id, 'ACQUISITION', clerk_id, store_id, id, occurred_at from t
            """
        ),
        {"first": first, "last": first + count - 1, "clerk": clerk_id, "at": AT, "s": seconds},
    )


def leave(session: Session, count: int, *, after: timedelta = timedelta(hours=1)) -> None:
    session.execute(
        text(
            "update identity i set followed = false, follow_changed_at = a.acquired_at + :after from acquisition a"
            " where a.member_id = i.member_id and i.id in (select id from identity where app = 'OA' order by id"
            " limit :count)"
        ),
        {"count": count, "after": after},
    )


def to_hunter(session: Session, sold: Sold) -> None:
    session.execute(
        text(
            "update orders set member_id = (select member_id from identity where openid = 'hunter') where id = :id"
        ),
        {"id": sold.order_id},
    )


def booked(session: Session) -> object:
    return session.execute(text("select max(booked_at) from kpi_sale")).scalar_one()


def served(session: Session, openid: str) -> tuple[object, ...] | None:
    row = session.execute(
        text(
            "select c.code, a.acquired_at from acquisition a join identity i on i.member_id = a.member_id"
            " join service_binding b on b.member_id = a.member_id and b.valid_to is null"
            " join clerk c on c.id = a.clerk_id and c.id = b.clerk_id where i.openid = :openid"
        ),
        {"openid": openid},
    ).first()
    return tuple(row) if row else None
