"""Invariants of targets, tiers and settlement batches."""

from scripts.books.check import Check
from scripts.books.money import BALANCES

_DECIDED = "('APPROVED', 'PAYING', 'PAID', 'PARTIAL', 'CLOSED')"
# Tiers of parties that are handed over: what the ledger has posted.
_TIERS = f"""
    select t.party, p.entity, t.amount_fen
      from settlement_tier t
      join settlement_party p on p.id = t.party_id
      join settlement_batch b on b.id = p.batch_id
     where b.state in {_DECIDED} and p.state in ('DUE', 'PAID', 'RETURNED', 'CARRIED')
"""

CHECKS = (
    Check(
        "S01",
        "a share is settled in one batch only; what other batches count of it are debts",
        """
        select share_id, count(*) as batches from commission_batch_row
         where state <> 'RETURNED' and amount_fen > 0 group by 1 having count(*) > 1
        """,
    ),
    Check(
        "S02",
        "rows are in a batch exactly while their party is; settled rows belong to a batch that was approved",
        f"""
        select b.number, b.state, r.party, p.state as party_state, r.share_id, r.state as row_state
          from commission_batch_row r
          join settlement_batch b on b.id = r.batch_id
          left join settlement_party p on p.batch_id = b.id and p.party = r.party
         where r.state <> 'RETURNED'
           and (p.id is null or (p.rows_done and (p.state = 'REMOVED' or b.state = 'REJECTED'))
                or (r.state = 'SETTLED') <> (b.state in {_DECIDED} and (p.rows_done or r.state = 'SETTLED')))
        """,
    ),
    Check(
        "S03",
        "what a party was handed over is the sum of its rows and tiers",
        """
        select b.number, p.party, p.rows, p.gross_fen, p.adjusted_fen, p.tier_fen, r.rows as found,
               r.gross, r.adjusted, t.fen as tiers
          from settlement_party p
          join settlement_batch b on b.id = p.batch_id and b.phase = 'HANDED'
          left join lateral (select count(*) as rows,
                                    coalesce(sum(amount_fen) filter (where amount_fen > 0), 0) as gross,
                                    coalesce(sum(amount_fen) filter (where amount_fen < 0), 0) as adjusted
                               from commission_batch_row x
                              where x.batch_id = b.id and x.party = p.party and x.state = 'SETTLED') r on true
          left join lateral (select coalesce(sum(amount_fen), 0) as fen from settlement_tier x
                              where x.party_id = p.id) t on true
         where p.state <> 'REMOVED'
           and (p.rows, p.gross_fen, p.adjusted_fen, p.tier_fen) <> (r.rows, r.gross, r.adjusted, t.fen)
        """,
    ),
    Check(
        "S04",
        "a batch's sums are those of its parties",
        """
        select b.number, b.parties, b.payable_fen, b.carried_out_fen, t.parties as found, t.payable, t.carried_out
          from settlement_batch b
          cross join lateral (
               select count(*) as parties, coalesce(sum(gross_fen), 0) as gross,
                      coalesce(sum(adjusted_fen), 0) as adjusted, coalesce(sum(tier_fen), 0) as tier,
                      coalesce(sum(carried_in_fen), 0) as carried_in, coalesce(sum(payable_fen), 0) as payable,
                      coalesce(sum(carried_out_fen), 0) as carried_out
                 from settlement_party where batch_id = b.id and state <> 'REMOVED') t
         where b.phase in ('BUILT', 'HANDED')
           and not exists (select from settlement_party where batch_id = b.id and not rows_done)
           and (b.parties, b.gross_fen, b.adjusted_fen, b.tier_fen, b.carried_in_fen, b.payable_fen,
                b.carried_out_fen)
            <> (t.parties, t.gross, t.adjusted, t.tier, t.carried_in, t.payable, t.carried_out)
        """,
    ),
    Check(
        "S05",
        "what a batch carries in is what earlier ones carried out or got back, each taken up once",
        """
        select b.number, p.party, p.carried_in_fen, x.fen
          from settlement_party p
          join settlement_batch b on b.id = p.batch_id and b.state <> 'REJECTED'
          left join lateral (select coalesce(sum(carried_out_fen + returned_fen + written_off_fen), 0) as fen
                               from settlement_party where carried_to_id = p.id) x on true
         where p.rows_done and p.carried_in_fen <> x.fen
        """,
    ),
    Check(
        "S06",
        "a party's payout account = settled rows and tiers, less what was paid out, plus written off",
        f"""
        select coalesce(a.name, x.name) as account, a.fen as ledger_fen, x.fen
          from (select * from ({BALANCES}) a where name like 'payout:%') a
          full join (
               select 'payout:' || party as name, sum(fen) as fen
                 from (select party, amount_fen as fen from commission_entry where kind = 'SETTLE'
                       union all
                       select party, amount_fen from ({_TIERS}) t
                       union all
                       select p.party, -n.amount_fen
                         from settlement_portion n join settlement_party p on p.id = n.party_id
                        where n.paid_at is not null
                       union all
                       select party, -amount_fen from commission_batch_row where batch_id < 0 and state = 'SETTLED'
                       union all
                       select party, written_off_fen from settlement_party) y
                group by 1) x on x.name = a.name
         where coalesce(a.fen, 0) <> coalesce(x.fen, 0)
        """,
    ),
    Check(
        "S07",
        "a party's payout account = what is still to be paid to it and what is carried",
        f"""
        select a.name, a.fen as ledger_fen, x.fen
          from (select p.party,
                       sum(case when p.state = 'DUE' then p.payable_fen - p.paid_fen - p.returned_fen else 0 end
                           + case when t.id is null or t.state in ('PLANNED', 'REMOVED')
                                  then p.carried_out_fen + p.returned_fen + p.written_off_fen else 0 end) as fen
                  from settlement_party p
                  left join settlement_party t on t.id = p.carried_to_id
                 where p.state in ('DUE', 'PAID', 'RETURNED', 'CARRIED')
                 group by 1) x
          left join ({BALANCES}) a on a.name = 'payout:' || x.party
         where coalesce(a.fen, 0) <> x.fen
           and not exists (select from settlement_party p join settlement_batch b on b.id = p.batch_id
                            where p.party = x.party and b.state = 'APPROVED' and not p.rows_done)
        """,
    ),
    Check(
        "S08",
        "what tiers cost an entity is the sum of the tiers that were handed over",
        f"""
        select coalesce(a.name, t.name) as account, a.fen as ledger_fen, t.fen
          from (select * from ({BALANCES}) a where name like 'expense:tier:%') a
          full join (select 'expense:tier:' || entity as name, sum(amount_fen) as fen
                       from ({_TIERS}) t group by 1) t on t.name = a.name
         where -coalesce(a.fen, 0) <> coalesce(t.fen, 0)
        """,
    ),
    Check(
        "S09",
        "portions add up to what is payable, and to what a party counts as paid and returned",
        """
        select b.number, p.party, p.state, p.payable_fen, p.paid_fen, p.returned_fen, n.fen, n.paid, n.returned
          from settlement_party p
          join settlement_batch b on b.id = p.batch_id
          cross join lateral (
               select coalesce(sum(amount_fen), 0) as fen,
                      coalesce(sum(amount_fen) filter (where paid_at is not null), 0) as paid,
                      coalesce(sum(amount_fen) filter (where returned_at is not null), 0) as returned
                 from settlement_portion where party_id = p.id) n
         where (n.paid, n.returned) <> (p.paid_fen, p.returned_fen)
            or n.fen <> case when p.state in ('DUE', 'PAID', 'RETURNED') then p.payable_fen else 0 end
            or (p.state = 'DUE') <> (p.payable_fen > p.paid_fen + p.returned_fen
                                     and p.state not in ('PLANNED', 'REMOVED'))
        """,
    ),
)
