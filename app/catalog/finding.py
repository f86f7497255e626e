"""The statements behind lists of goods: which index is walked, and how far.

Without words a list walks the index of its order and stops at the page's end. With words the planner
cannot know how often two of them meet: walking the order may pass a million products that have one
but not the other (0.6 s at 300,000), and collecting all hits of a frequent word only to show twenty
is as wasteful. So one statement does both, in turn: it looks through the next ``LOOK_AHEAD`` products
of the order, which fills a page of anything frequent, and only when that was not enough collects all
hits from the search index, which are then few.
"""

from enum import StrEnum
from functools import lru_cache

from sqlalchemy import TextClause, text

LOOK_AHEAD = 1000


class Sort(StrEnum):
    NEWEST = "newest"  # listed last first
    PRICE_ASC = "price_asc"  # cheapest first
    PRICE_DESC = "price_desc"  # dearest first


_ORDER = {
    Sort.NEWEST: ("p.listed_at desc, p.id desc", "(p.listed_at, p.id) < (:value,"),
    Sort.PRICE_ASC: ("p.from_fen, p.id", "(p.from_fen, p.id) > (:value,"),
    Sort.PRICE_DESC: ("p.from_fen desc, p.id desc", "(p.from_fen, p.id) < (:value,"),
}
_HIT = "p.search_terms @> cast(:terms as text[])"
_PLAIN = "select p.id from product p where {wanted} order by {order} limit :limit"
_BY_WORDS = f"""
    with walk as materialized (
        select p.id, p.listed_at, p.from_fen, {_HIT} as hit from product p
         where {{wanted}} order by {{order}} limit :look_ahead),
    near as materialized (select p.id from walk p where p.hit order by {{order}} limit :limit),
    gate as materialized (
        select (select count(*) from near) < :limit and (select count(*) from walk) >= :look_ahead as goes_far),
    far as materialized (
        select p.id, p.listed_at, p.from_fen from product p
         where (select goes_far from gate) and {{wanted}} and {_HIT})
    select near.id from near, gate where not gate.goes_far
    union all (select p.id from far p order by {{order}} limit :limit)
"""
_CARDS = """
    select p.code, p.name, p.name_en, p.from_fen, p.handling, p.exemption, p.min_age, p.listed_at,
           c.code as category, s.list_fen
      from ({ids}) page join product p on p.id = page.id join category c on c.id = p.category_id
      left join lateral (select k.list_fen from sku k where k.product_id = p.id and k.status = 'ON'
                          order by k.price_fen, k.id limit 1) s on true
     order by {order}
"""


@lru_cache(maxsize=64)
def statement(sort: Sort, *, categories: int, by_words: bool, goes_on: bool) -> TextClause:
    """The statement of one page of cards.

    Takes ``limit``; with ``categories`` also ``family``, one id or a list of them; with ``by_words``
    also ``terms`` and ``look_ahead``; when it ``goes_on`` also ``value`` and ``after``, see ``Mark``.
    """
    order, beyond = _ORDER[sort]
    wanted = ["p.status = 'ON'"]
    if categories:
        # One category is compared with =, so that its index also gives the order; several cannot be.
        wanted.append("p.category_id = :family" if categories == 1 else "p.category_id = any(:family)")
    if goes_on:
        wanted.append(f"{beyond} (select id from product where code = :after))")
    ids = (_BY_WORDS if by_words else _PLAIN).format(wanted=" and ".join(wanted), order=order)
    return text(_CARDS.format(ids=ids, order=order))
