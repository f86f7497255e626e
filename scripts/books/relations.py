"""Invariants of who serves whom: leavers, closings, limits, hand-overs, bounties."""

from scripts.books.check import Check
from scripts.books.money import BALANCES


def _term(name: str, moment: str, default: int) -> str:
    """A term of service bindings in effect at a moment, as SQL."""
    return (
        f"coalesce((select (bt.params ->> '{name}')::int from binding_terms bt where bt.approved_at is not null"
        f" and bt.effective_from <= {moment} and coalesce(bt.effective_to > {moment}, true) limit 1), {default})"
    )


def _days_before(moment: str, days: str) -> str:
    """00:00 in Shanghai of the day that many days before a moment, as SQL."""
    day = f"date_trunc('day', {moment} at time zone 'Asia/Shanghai')"
    return f"(({day} - make_interval(days => {days})) at time zone 'Asia/Shanghai')"


CHECKS = (
    Check(
        "R01",
        "nobody is bound to a clerk who has left, or to a store that is closed",
        """
        select b.member_id, c.code as clerk, c.status as clerk_status, s.code as store, s.status as store_status
          from service_binding b join store s on s.id = b.store_id left join clerk c on c.id = b.clerk_id
         where b.valid_to is null and (c.status = 'LEFT' or s.status = 'CLOSED')
        """,
    ),
    Check(
        "R02",
        "a member is bound at the store where the clerk works, or the clerk's move is under way",
        """
        select b.member_id, c.code as clerk, s.code as store
          from service_binding b join clerk c on c.id = b.clerk_id join store s on s.id = b.store_id
         where b.valid_to is null and c.store_id <> b.store_id
           and not exists (select from handover h where h.from_clerk_id = c.id and h.state = 'RUNNING')
        """,
    ),
    Check(
        "R03",
        "staff moved no member more often than the terms allow",
        f"""
        select b.member_id, b.valid_from, count(*) as transfers
          from service_binding b
          join service_binding o on o.member_id = b.member_id and o.reason = 'TRANSFER' and o.id <= b.id
           and o.valid_from >= {_days_before("b.valid_from", _term("transfer_days", "b.valid_from", 90))}
         where b.reason = 'TRANSFER'
         group by b.id having count(*) > {_term("transfers", "b.valid_from", 2)}
        """,
    ),
    Check(
        "R04",
        "no member chose a clerk more often than the terms allow",
        f"""
        select b.member_id, o.valid_from as chose_at, b.valid_from as chose_again_at
          from service_binding b
          join service_binding o on o.member_id = b.member_id and o.reason = 'CUSTOMER' and o.id < b.id
           and o.valid_from >= {_days_before("b.valid_from", _term("choice_days", "b.valid_from", 30))}
         where b.reason = 'CUSTOMER'
        """,
    ),
    Check(
        "R05",
        "a moved member's new binding begins where the old one ended; a hand-over that is done left nobody",
        """
        select h.number, v.member_id, v.state, o.valid_to as ended_at, n.valid_from as begun_at
          from handover_move v join handover h on h.id = v.handover_id
          left join service_binding o on o.id = v.from_binding_id
          left join service_binding n on n.id = v.to_binding_id
         where (v.state = 'PLANNED' and h.state = 'DONE')
            or (v.state in ('MOVED', 'REFUSED')
                and (n.member_id is distinct from v.member_id or n.valid_from is distinct from o.valid_to))
        """,
    ),
    Check(
        "R06",
        "a clerk's bounty accounts are the sums of the bounties, and no day has more than the terms allow",
        f"""
        select coalesce(b.name, r.name) as account, b.fen as ledger_fen, r.fen
          from (select * from ({BALANCES}) a where name like 'bounty:%') b
          full join (select 'bounty:' || case y.state when 'FROZEN' then 'frozen' else 'payable' end
                            || ':clerk:' || c.code as name, sum(y.amount_fen) as fen
                       from bounty y join clerk c on c.id = y.clerk_id
                      where y.state in ('FROZEN', 'PAYABLE') group by 1) r on r.name = b.name
         where coalesce(b.fen, 0) <> coalesce(r.fen, 0)
        union all
        select 'clerk ' || y.clerk_id || ' on ' || y.acquired_on, max(y.place), count(*)
          from bounty y where y.place is not null group by y.clerk_id, y.acquired_on
        having max(y.place) <> count(*)
            or max(y.place) > {_term("bounty_per_day", "max(y.judged_at)", 20)}
        """,
    ),
)
