"""Invariants of payments, refunds and the ledger."""

from scripts.books.check import Check

# Credits minus debits of every account.
BALANCES = """
    select a.name, sum(t.fen) as fen
      from ledger_account a
      join (select credit_account_id as account_id, amount_fen as fen from ledger_transfer
            union all
            select debit_account_id, -amount_fen from ledger_transfer) t on t.account_id = a.id
     group by a.name
"""

CHECKS = (
    Check(
        "I10",
        "a paid order was paid in full, an unpaid one not at all",
        """
        select number, state, amount_fen, paid_fen, paid_at from orders
         where paid_fen <> case when paid_at is null then 0 else amount_fen end
            or (state in ('PAID', 'ALLOCATED', 'FULFILLING', 'COMPLETED', 'CLOSED') and paid_at is null)
            or (state = 'CREATED' and paid_at is not null)
        """,
    ),
    Check(
        "I11",
        "a paid order has exactly one successful payment, of its amount; an unpaid one has none",
        """
        select o.number, o.paid_fen, count(p.id) as payments, sum(p.amount_fen) as fen
          from orders o left join payment p on p.order_id = o.id and p.state = 'SUCCESS'
         group by o.id
        having count(p.id) <> case when o.paid_at is null then 0 else 1 end
            or coalesce(sum(p.amount_fen), 0) <> o.paid_fen
        """,
    ),
    Check(
        "I12",
        "no more is refunded, or on its way back, than a payment brought",
        """
        select p.out_trade_no, p.state, p.amount_fen, sum(r.amount_fen) as refunds_fen
          from payment p join refund r on r.payment_id = p.id and r.state not in ('CLOSED', 'REFUSED')
         group by p.id
        having sum(r.amount_fen) > p.amount_fen or p.state not in ('SUCCESS', 'EXCESS')
            or bool_or((r.cause = 'EXCESS') <> (p.state = 'EXCESS')) or bool_or(r.order_id <> p.order_id)
        """,
    ),
    Check(
        "I13",
        "what an order counts as refunded is the sum of its refunds that succeeded",
        """
        select o.number, o.refunded_fen, r.fen
          from orders o
          left join (select order_id, sum(amount_fen) as fen from refund
                      where state = 'SUCCESS' and cause <> 'EXCESS' group by 1) r on r.order_id = o.id
         where o.refunded_fen <> coalesce(r.fen, 0)
        """,
    ),
    Check(
        "I14",
        "no payment is open for 2 hours, no refund for 3 days, none is left to a human",
        """
        select 'payment' as kind, out_trade_no as number, state, created_at, problem from payment
         where (state = 'PREPARED' and created_at < cast(:at as timestamptz) - interval '2 hours')
            or state = 'MISMATCH' or problem is not null
        union all
        select 'refund', out_refund_no, state, created_at, problem from refund
         where (state in ('REQUESTED', 'PROCESSING')
                and created_at < cast(:at as timestamptz) - interval '3 days')
            or state in ('ABNORMAL', 'REFUSED')
        """,
        watch=True,
    ),
    Check(
        "I16",
        "no money stays with an order that did not want it",
        """
        select o.number, o.state, p.out_trade_no, p.state as payment_state
          from payment p join orders o on o.id = p.order_id
         where (p.state = 'EXCESS'
                or (p.state = 'SUCCESS' and o.state in ('CREATED', 'CANCELLED')
                    and o.refunded_fen < o.paid_fen))
           and not exists (select from refund r where r.payment_id = p.id)
        """,
    ),
    Check(
        "I17",
        "every transfer moves a positive amount between two accounts",
        """
        select id, key, amount_fen from ledger_transfer
         where amount_fen <= 0 or debit_account_id = credit_account_id
        """,
    ),
    Check(
        "I18",
        "all accounts together sum to zero",
        f"select sum(fen) as fen from ({BALANCES}) b having sum(fen) <> 0",
    ),
    Check(
        "I20",
        "the append-only tables refuse every change",
        """
        select t.name from unnest(array['stock_movement', 'price_change', 'touch', 'order_event',
                                        'ledger_transfer', 'commission_entry', 'audit_entry']) as t (name)
         where not exists (
               select from pg_trigger g
                 join pg_class c on c.oid = g.tgrelid
                 join pg_proc p on p.oid = g.tgfoid
                where c.relname = t.name and c.relnamespace = 'public'::regnamespace
                  and p.proname = 'refuse_change' and g.tgenabled in ('O', 'A') and g.tgtype & 27 = 27)
        """,
    ),
    Check(
        "I21",
        "one posting per cause: no key twice",
        "select key, count(*) as times from ledger_transfer group by key having count(*) > 1",
    ),
    Check(
        "B04",
        "a line counts as refunded what its succeeded refunds name",
        """
        select o.number, l.line_no, l.refunded_fen, r.fen, l.refunded_qty, r.qty
          from order_line l
          join orders o on o.id = l.order_id
          left join (select rl.order_line_id, sum(rl.amount_fen) as fen, sum(rl.qty) as qty
                       from refund_line rl join refund r on r.id = rl.refund_id
                      where r.state = 'SUCCESS' group by 1) r on r.order_line_id = l.id
         where (l.refunded_fen, l.refunded_qty) <> (coalesce(r.fen, 0), coalesce(r.qty, 0))
        """,
    ),
    Check(
        "B05",
        "cash = payments received less refunds, transfers and shares sent, per merchant",
        f"""
        select m.mchid, m.fen, b.fen as ledger_fen
          from (select mchid, sum(fen) as fen
                  from (select mchid, amount_fen as fen from payment
                         where state in ('SUCCESS', 'EXCESS') and channel = 'WECHAT'
                        union all
                        select p.mchid, -r.amount_fen from refund r join payment p on p.id = r.payment_id
                         where r.state = 'SUCCESS' and p.channel = 'WECHAT'
                        union all
                        select mchid, -amount_fen from payout_transfer where state = 'PAID'
                        union all
                        select x.mchid, -p.amount_fen from sharing_part p join sharing_order x on x.id = p.sharing_id
                         where p.result = 'SUCCESS') x
                 group by 1) m
          full join (select * from ({BALANCES}) a where name like 'cash:wechat:%') b
            on b.name = 'cash:wechat:' || m.mchid
         where coalesce(m.fen, 0) <> -coalesce(b.fen, 0)
        """,
    ),
    Check(
        "B06",
        "sales = what orders were paid less what they got back, per legal entity",
        f"""
        select s.entity, s.fen, b.name, b.fen as ledger_fen
          from (select e.code as entity, sum(o.paid_fen - o.refunded_fen) as fen
                  from orders o join legal_entity e on e.id = o.selling_entity_id group by 1) s
          full join (select * from ({BALANCES}) a where name like 'sales:%') b
            on b.name = 'sales:' || s.entity
         where coalesce(s.fen, 0) <> coalesce(b.fen, 0)
        """,
    ),
    Check(
        "B07",
        "unclaimed money = excess payments less what went back of them",
        f"""
        select x.fen, b.fen as ledger_fen
          from (select coalesce((select sum(amount_fen) from payment where state = 'EXCESS'), 0)
                     - coalesce((select sum(amount_fen) from refund
                                  where cause = 'EXCESS' and state = 'SUCCESS'), 0) as fen) x
          left join (select fen from ({BALANCES}) a where name = 'unclaimed:excess') b on true
         where x.fen <> coalesce(b.fen, 0)
        """,
    ),
)
