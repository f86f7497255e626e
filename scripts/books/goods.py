"""Invariants of stock, reservations and orders."""

from app.orders.rules import TRANSITIONS
from scripts.books.check import Check

_ALLOWED = ", ".join(
    f"('{before.value}', '{after.value}')"
    for before, allowed in TRANSITIONS.items()
    for after in sorted(allowed)
)

CHECKS = (
    Check(
        "I01",
        "stock is never negative, and no more is reserved than is there",
        """
        select sku_id, location_id, on_hand, reserved from stock
         where on_hand < 0 or reserved < 0 or reserved > on_hand
        """,
    ),
    Check(
        "I02",
        "reserved = sum of active reservations, per SKU and location",
        """
        select sku_id, location_id, s.reserved, r.promised
          from stock s
          full join (select sku_id, location_id, sum(qty) as promised from reservation
                      where state = 'ACTIVE' group by 1, 2) r using (sku_id, location_id)
         where coalesce(s.reserved, 0) <> coalesce(r.promised, 0)
        """,
    ),
    Check(
        "I03",
        "every line of an open order holds its goods (less what goes back), and no other line does",
        """
        select o.number, l.line_no, o.state, l.qty, b.back, r.promised
          from order_line l
          join orders o on o.id = l.order_id
          left join (select order_line_id, sum(qty) as promised from reservation
                      where state = 'ACTIVE' group by 1) r on r.order_line_id = l.id
          left join (select order_line_id, sum(qty) as back from refund_line group by 1) b
            on b.order_line_id = l.id
         where coalesce(r.promised, 0) <> case
               when o.state in ('CREATED', 'PAID', 'ALLOCATED') then l.qty - coalesce(b.back, 0) else 0 end
        """,
    ),
    Check(
        "I04",
        "conservation: on hand = sum of its movements",
        """
        select sku_id, location_id, s.on_hand, m.moved
          from stock s
          full join (select sku_id, location_id, sum(on_hand_delta) as moved from stock_movement
                      group by 1, 2) m using (sku_id, location_id)
         where coalesce(s.on_hand, 0) <> coalesce(m.moved, 0)
        """,
    ),
    Check(
        "I05",
        "no more ever left a place than came in",
        """
        select sku_id, location_id, sum(on_hand_delta) as moved from stock_movement
         group by 1, 2 having sum(on_hand_delta) < 0
        """,
    ),
    Check(
        "I06",
        "no unpaid reservation lives longer than a minute past its time",
        """
        select id, order_id, expires_at from reservation
         where state = 'ACTIVE' and expires_at < cast(:at as timestamptz) - interval '60 seconds'
        """,
        watch=True,
    ),
    Check(
        "I07",
        "an order's amounts are the sums of its lines",
        """
        select o.number, o.goods_fen, o.discount_fen, o.freight_fen, o.amount_fen, l.goods, l.discount
          from orders o
          left join (select order_id, sum(qty * unit_price_fen) as goods, sum(discount_fen) as discount,
                            sum(amount_fen) as amount, min(qty) as least
                       from order_line group by 1) l on l.order_id = o.id
         where l.order_id is null or o.goods_fen <> l.goods or o.discount_fen <> l.discount
            or o.amount_fen <> l.amount + o.freight_fen or o.amount_fen <= 0 or l.least < 1
        """,
    ),
    Check(
        "I08",
        "orders took only the transitions that the table allows",
        f"""
        select o.number, e.version, e.from_state, e.to_state
          from order_event e join orders o on o.id = e.order_id
         where case when e.from_state is null then (e.to_state, e.version) <> ('CREATED', 1)
                    when e.from_state = e.to_state then false
                    else (e.from_state, e.to_state) not in ({_ALLOWED}) end
        """,
    ),
    Check(
        "I09",
        "an order is what its last event says, and its events follow one another without a gap",
        """
        select o.number, o.state, o.version, e.to_state, e.version as event_version
          from orders o
          left join lateral (select to_state, fulfilment_state, version from order_event
                              where order_id = o.id order by version desc limit 1) e on true
         where e.version is null
            or (o.state, o.fulfilment_state, o.version) <> (e.to_state, e.fulfilment_state, e.version)
        union all
        select o.number, e.from_state, e.version, p.to_state, p.version
          from order_event e
          join orders o on o.id = e.order_id
          left join order_event p on p.order_id = e.order_id and p.version = e.version - 1
         where e.version > 1 and (p.to_state is null or e.from_state is distinct from p.to_state)
        """,
    ),
    Check(
        "B01",
        "reserved = sum of its movements",
        """
        select sku_id, location_id, s.reserved, m.moved
          from stock s
          full join (select sku_id, location_id, sum(reserved_delta) as moved from stock_movement
                      group by 1, 2) m using (sku_id, location_id)
         where coalesce(s.reserved, 0) <> coalesce(m.moved, 0)
        """,
    ),
    Check(
        "B02",
        "the goods of a paid order are held without a time limit",
        """
        select o.number, r.id as reservation_id, r.expires_at
          from reservation r join orders o on o.id = r.order_id
         where r.state = 'ACTIVE' and (r.expires_at is null) <> (o.state in ('PAID', 'ALLOCATED'))
        """,
    ),
    Check(
        "B03",
        "an order waiting for pick-up has a live code, any other has none",
        """
        select o.number, o.state, o.fulfilment_state, c.used_at, c.void_at
          from orders o left join pickup_code c on c.order_id = o.id
         where (o.fulfilment_state = 'READY')
            <> (c.order_id is not null and c.used_at is null and c.void_at is null)
        """,
    ),
)
