"""Invariants of what tills have told."""

from scripts.books.check import Check
from scripts.books.money import BALANCES

CHECKS = (
    Check(
        "B40",
        "what a store's tills took = their sales less their returns",
        f"""
        select t.store, t.fen, b.fen as ledger_fen
          from (select s.code as store, sum(p.amount_fen - coalesce(r.fen, 0)) as fen
                  from payment p join orders o on o.id = p.order_id join store s on s.id = o.selling_store_id
                  left join (select payment_id, sum(amount_fen) as fen from refund where state = 'SUCCESS'
                              group by 1) r on r.payment_id = p.id
                 where p.channel = 'POS' group by 1) t
          full join (select * from ({BALANCES}) a where name like 'cash:till:%') b
            on b.name = 'cash:till:' || t.store
         where coalesce(t.fen, 0) <> -coalesce(b.fen, 0)
        """,
    ),
    Check(
        "B41",
        "every order of a till has its receipt and its money at that till, and no other order has",
        """
        select o.number, o.origin, r.number as receipt, p.channel
          from orders o left join pos_receipt r on r.order_id = o.id and r.kind = 'SALE'
          left join payment p on p.order_id = o.id and p.state = 'SUCCESS'
         where (o.origin = 'POS') <> (r.number is not null)
            or (o.origin = 'POS') <> (p.channel is not distinct from 'POS') or r.store_id <> o.selling_store_id
        """,
    ),
    Check(
        "B42",
        "every refund of a till has its return receipt",
        """
        select f.out_refund_no, o.number
          from refund f join payment p on p.id = f.payment_id join orders o on o.id = f.order_id
         where (p.channel = 'POS') <> exists (
               select from pos_receipt r where r.refund_id = f.id and r.order_id = f.order_id)
        """,
    ),
    Check(
        "B43",
        "the goods of a till's sale left its store, each SKU once, as many as its lines say",
        """
        select o.number, l.sku_id, l.qty, m.on_hand_delta
          from (select order_id, sku_id, sum(qty) as qty from order_line group by 1, 2) l
          join orders o on o.id = l.order_id and o.origin = 'POS'
          left join stock_movement m on m.kind = 'SALE' and m.ref = 'till:' || o.number and m.sku_id = l.sku_id
           and m.location_id = o.location_id
         where coalesce(m.on_hand_delta, 0) <> -l.qty
        """,
    ),
)
