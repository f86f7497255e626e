"""Goods: what is sold, at which price, how it is found, and what a shopper sees of it.

Reads its own tables (category, product, sku, price_change). Availability is the room ``stock``'s;
both are put together by the door, so that a price is never a reason to look at stock.
"""
