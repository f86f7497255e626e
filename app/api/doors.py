"""All doors of the house: which blueprints exist. A door that is not listed here is not open."""

from flask import Blueprint
from flask_openapi3 import APIBlueprint

from app.api.callbacks import pay
from app.api.clerk import counter
from app.api.shopper import goods, orders, stores

DESCRIPTION = (
    "One shop out of a brand's stores and its WeChat presence. Amounts are integer fen, times RFC 3339, "
    "refusals problem+json with a stable `code`. POSTs that move money or stock take an `Idempotency-Key`."
)

API: tuple[APIBlueprint, ...] = (goods.bp, stores.bp, orders.bp, counter.bp)
PLAIN: tuple[Blueprint, ...] = (pay.bp,)
