"""All doors of the house: which blueprints exist. A door that is not listed here is not open."""

from flask import Blueprint
from flask_openapi3 import APIBlueprint

from app.api import shown_codes
from app.api.backoffice import (
    account,
    audit,
    campaigns,
    code_batches,
    dry_runs,
    kpi,
    operators,
    payouts,
    policies,
    pos_keys,
    profit_sharing,
    reviews,
    settlement,
)
from app.api.backoffice import codes as backoffice_codes
from app.api.backoffice import credit as backoffice_credit
from app.api.backoffice import login as backoffice_login
from app.api.backoffice import me as backoffice_me
from app.api.backoffice import relations as backoffice_relations
from app.api.backoffice import statements as backoffice_statements
from app.api.backoffice import targets as backoffice_targets
from app.api.callbacks import mini_program, official_account, pay
from app.api.clerk import boards, codes, counter, disputes, earnings, fans, sharing, team
from app.api.clerk import credit as clerk_credit
from app.api.clerk import login as clerk_login
from app.api.clerk import me as clerk_me
from app.api.clerk import payouts as clerk_payouts
from app.api.clerk import statements as clerk_statements
from app.api.clerk import targets as clerk_targets
from app.api.pos import members as pos_members
from app.api.pos import sales as pos_sales
from app.api.pos import touches as pos_touches
from app.api.shopper import goods, login, me, orders, relations, stores, touches

DESCRIPTION = (
    "One shop out of a brand's stores and its WeChat presence. Amounts are integer fen, times RFC 3339, "
    "refusals problem+json with a stable `code`. POSTs that make an order or a refund, divide a sale or decide a "
    "settlement take an `Idempotency-Key`; every other POST may be repeated as it is."
)

API: tuple[APIBlueprint, ...] = (
    login.bp,
    me.bp,
    touches.bp,
    goods.bp,
    stores.bp,
    orders.bp,
    clerk_login.bp,
    clerk_me.bp,
    codes.bp,
    codes.team,
    counter.bp,
    earnings.bp,
    sharing.bp,
    clerk_credit.bp,
    backoffice_credit.bp,
    backoffice_login.bp,
    backoffice_me.bp,
    boards.bp,
    boards.team,
    kpi.bp,
    kpi.brand,
    kpi.owners,
    account.bp,
    operators.bp,
    audit.bp,
    payouts.bp,
    payouts.lists,
    profit_sharing.bp,
    clerk_payouts.bp,
    backoffice_codes.bp,
    code_batches.bp,
    campaigns.bp,
    pos_keys.bp,
    policies.bp,
    policies.decisions,
    policies.both,
    dry_runs.bp,
    clerk_statements.bp,
    clerk_statements.store,
    clerk_targets.bp,
    settlement.bp,
    backoffice_statements.bp,
    backoffice_targets.bp,
    backoffice_targets.finance,
    pos_touches.bp,
    pos_sales.bp,
    pos_members.bp,
    relations.bp,
    fans.bp,
    team.bp,
    disputes.bp,
    reviews.bp,
    reviews.judges,
    reviews.bookers,
    *backoffice_relations.DOORS,
)
PLAIN: tuple[Blueprint, ...] = (shown_codes.bp, official_account.bp, mini_program.bp, pay.bp)
