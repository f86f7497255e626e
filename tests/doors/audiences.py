"""Who may use which route: one line for each, in the order of their paths. A route without a line fails the matrix.

A new guarded route with a path parameter also needs a case in ``foreign.py``.
"""

from dataclasses import dataclass

from models.operators import OperatorRole
from tests.doors.cast import ROLES


@dataclass(frozen=True)
class Door:
    """``who``: those of the cast whom the guard lets in. ``is_signed``: WeChat or a till proves itself otherwise."""

    who: frozenset[str] | None = None
    is_signed: bool = False


def _only(*who: str) -> Door:
    return Door(frozenset(who))


def roles(*allowed: OperatorRole) -> Door:
    """Operators of these roles, and every OWNER."""
    return _only("OWNER", *(role.value for role in allowed))


OPEN = Door()
SIGNED = Door(is_signed=True)
SHOPPER = _only("shopper")
CLERK = _only("clerk", "manager")
MANAGER = _only("manager")
# Every operator; and the doors where an operator with an initial password gets in too.
OFFICE = _only(*ROLES)
OWN_ACCOUNT = _only("new operator", *ROLES)
STATEMENTS = roles(OperatorRole.FINANCE, OperatorRole.STORE_MANAGER, OperatorRole.FRANCHISEE)

STAFFING = roles(OperatorRole.SERVICE, OperatorRole.STORE_MANAGER, OperatorRole.FRANCHISEE)
POLICY_MAKERS = roles(OperatorRole.FINANCE, OperatorRole.MARKETING)

# Whoever makes codes for the own stores.
CODES = roles(OperatorRole.MARKETING, OperatorRole.STORE_MANAGER, OperatorRole.FRANCHISEE)

DOORS: dict[str, Door] = {
    "GET /api/backoffice/audit": roles(OperatorRole.FINANCE),
    "GET /api/backoffice/binding-terms": OFFICE,
    "POST /api/backoffice/binding-terms": roles(OperatorRole.MARKETING),
    "POST /api/backoffice/binding-terms/<version>/approve": roles(),
    "GET /api/backoffice/campaigns": roles(OperatorRole.MARKETING),
    "POST /api/backoffice/campaigns": roles(OperatorRole.MARKETING),
    "POST /api/backoffice/clerks/<clerk>/handover": STAFFING,
    "POST /api/backoffice/clerks/<clerk>/handover/preview": STAFFING,
    "PUT /api/backoffice/clerks/<clerk>/leaving": STAFFING,
    "POST /api/backoffice/clerks/<clerk>/left": STAFFING,
    "PUT /api/backoffice/clerks/<clerk>/store": roles(OperatorRole.SERVICE, OperatorRole.FRANCHISEE),
    "POST /api/backoffice/clerks/<code>/employment": roles(OperatorRole.FINANCE),
    "GET /api/backoffice/code-batches": CODES,
    "POST /api/backoffice/code-batches": CODES,
    "GET /api/backoffice/code-batches/<number>": CODES,
    "GET /api/backoffice/code-batches/<number>/materials.zip": CODES,
    "POST /api/backoffice/code-batches/<number>/stop": CODES,
    "GET /api/backoffice/codes": CODES,
    "POST /api/backoffice/codes": CODES,
    "POST /api/backoffice/codes/<scene>/revoke": CODES,
    "GET /api/backoffice/codes/quota": CODES,
    "GET /api/backoffice/disputes": OFFICE,
    "POST /api/backoffice/disputes": OFFICE,
    "GET /api/backoffice/disputes/<number>": OFFICE,
    "POST /api/backoffice/disputes/<number>/application": roles(OperatorRole.FINANCE),
    "POST /api/backoffice/disputes/<number>/decision": roles(OperatorRole.SERVICE, OperatorRole.FINANCE),
    "POST /api/backoffice/disputes/<number>/evidence": OFFICE,
    "GET /api/backoffice/dry-runs": POLICY_MAKERS,
    "POST /api/backoffice/dry-runs": POLICY_MAKERS,
    "GET /api/backoffice/dry-runs/<number>": POLICY_MAKERS,
    "GET /api/backoffice/dry-runs/<number>/parties": POLICY_MAKERS,
    "PUT /api/backoffice/entities/<entity>/contract": roles(),
    "GET /api/backoffice/findings": roles(OperatorRole.SERVICE, OperatorRole.FINANCE),
    "GET /api/backoffice/findings/<number>": roles(OperatorRole.SERVICE, OperatorRole.FINANCE),
    "POST /api/backoffice/findings/<number>/verdict": roles(OperatorRole.SERVICE, OperatorRole.FINANCE),
    "GET /api/backoffice/handovers/<number>": STAFFING,
    "GET /api/backoffice/kpi/clerks/<code>": OFFICE,
    "GET /api/backoffice/kpi/totals": roles(
        OperatorRole.FINANCE, OperatorRole.MARKETING, OperatorRole.SERVICE
    ),
    "GET /api/backoffice/kpi/weights": roles(
        OperatorRole.FINANCE, OperatorRole.MARKETING, OperatorRole.SERVICE
    ),
    "POST /api/backoffice/kpi/weights/<scenario>": roles(),
    "GET /api/backoffice/leaderboards/clerks": OFFICE,
    "GET /api/backoffice/leaderboards/stores": OFFICE,
    "POST /api/backoffice/login": OPEN,
    "POST /api/backoffice/logout": OWN_ACCOUNT,
    "GET /api/backoffice/materials": CODES,
    "GET /api/backoffice/me": OWN_ACCOUNT,
    "PUT /api/backoffice/me/password": OWN_ACCOUNT,
    "POST /api/backoffice/me/totp": OWN_ACCOUNT,
    "POST /api/backoffice/me/totp/confirm": OWN_ACCOUNT,
    "POST /api/backoffice/me/totp/recovery-codes": OWN_ACCOUNT,
    "POST /api/backoffice/me/totp/remove": OWN_ACCOUNT,
    "PUT /api/backoffice/members/<number>/allowed-store": roles(OperatorRole.MARKETING, OperatorRole.SERVICE),
    "GET /api/backoffice/members/<number>/story": roles(
        OperatorRole.MARKETING, OperatorRole.SERVICE, OperatorRole.STORE_MANAGER, OperatorRole.FRANCHISEE
    ),
    "GET /api/backoffice/operators": roles(),
    "POST /api/backoffice/operators": roles(),
    "GET /api/backoffice/operators/<code>": roles(),
    "POST /api/backoffice/operators/<code>/disable": roles(),
    "POST /api/backoffice/operators/<code>/enable": roles(),
    "POST /api/backoffice/operators/<code>/reset-password": roles(),
    "POST /api/backoffice/operators/<code>/reset-totp": roles(),
    "PUT /api/backoffice/operators/<code>/role": roles(),
    "GET /api/backoffice/orders/<number>/credit": OFFICE,
    "GET /api/backoffice/payout-lists": roles(OperatorRole.FINANCE, OperatorRole.FRANCHISEE),
    "POST /api/backoffice/payout-lists": roles(OperatorRole.FINANCE),
    "POST /api/backoffice/payout-lists/<number>/confirm": roles(OperatorRole.FINANCE),
    "GET /api/backoffice/payout-lists/<number>.csv": roles(OperatorRole.FINANCE, OperatorRole.FRANCHISEE),
    "GET /api/backoffice/payouts": roles(OperatorRole.FINANCE),
    "POST /api/backoffice/payouts/<number>/give-up": roles(OperatorRole.FINANCE),
    "GET /api/backoffice/sharing": roles(OperatorRole.FINANCE),
    "GET /api/backoffice/sharing/receivers": roles(OperatorRole.FINANCE),
    "POST /api/backoffice/sharing/receivers": roles(OperatorRole.FINANCE),
    "POST /api/backoffice/sharing/receivers/<entity>/end": roles(OperatorRole.FINANCE),
    "GET /api/backoffice/policies": OFFICE,
    "POST /api/backoffice/policies": roles(OperatorRole.MARKETING),
    "GET /api/backoffice/policies/<code>/versions/<version>": OFFICE,
    "POST /api/backoffice/policies/<code>/versions/<version>/again": roles(OperatorRole.MARKETING),
    "POST /api/backoffice/policies/<code>/versions/<version>/approve": roles(OperatorRole.FINANCE),
    "GET /api/backoffice/policies/<code>/versions/<version>/changes": roles(
        OperatorRole.FINANCE, OperatorRole.MARKETING
    ),
    "POST /api/backoffice/policies/<code>/versions/<version>/submit": roles(OperatorRole.MARKETING),
    "POST /api/backoffice/policies/<code>/versions/<version>/withdraw": roles(
        OperatorRole.FINANCE, OperatorRole.MARKETING
    ),
    "GET /api/backoffice/pos-keys": roles(OperatorRole.STORE_MANAGER, OperatorRole.FRANCHISEE),
    "POST /api/backoffice/pos-keys": roles(OperatorRole.STORE_MANAGER, OperatorRole.FRANCHISEE),
    "POST /api/backoffice/pos-keys/<code>/revoke": roles(OperatorRole.STORE_MANAGER, OperatorRole.FRANCHISEE),
    "POST /api/backoffice/pos-keys/<code>/rotate": roles(OperatorRole.STORE_MANAGER, OperatorRole.FRANCHISEE),
    "GET /api/backoffice/settlements": roles(OperatorRole.FINANCE),
    "POST /api/backoffice/settlements": roles(OperatorRole.FINANCE),
    "GET /api/backoffice/settlements/<number>": roles(OperatorRole.FINANCE),
    "POST /api/backoffice/settlements/<number>/approve": roles(OperatorRole.FINANCE),
    "POST /api/backoffice/settlements/<number>/close": roles(OperatorRole.FINANCE),
    "GET /api/backoffice/settlements/<number>/parties": roles(OperatorRole.FINANCE),
    "POST /api/backoffice/settlements/<number>/parties/<party>/add": roles(OperatorRole.FINANCE),
    "POST /api/backoffice/settlements/<number>/parties/<party>/remove": roles(OperatorRole.FINANCE),
    "POST /api/backoffice/settlements/<number>/refresh": roles(OperatorRole.FINANCE),
    "POST /api/backoffice/settlements/<number>/reject": roles(OperatorRole.FINANCE),
    "POST /api/backoffice/settlements/<number>/submit": roles(OperatorRole.FINANCE),
    "GET /api/backoffice/statements/<month>": STATEMENTS,
    "GET /api/backoffice/statements/<month>/<party>": STATEMENTS,
    "GET /api/backoffice/statements/<month>/<party>/pdf": STATEMENTS,
    "GET /api/backoffice/statements/<month>/<party>/rows": STATEMENTS,
    "GET /api/backoffice/statements/<month>/<party>/xlsx": STATEMENTS,
    "POST /api/backoffice/stores/<store>/close": roles(OperatorRole.FRANCHISEE),
    "PUT /api/backoffice/stores/<store>/closing": roles(OperatorRole.FRANCHISEE),
    "GET /api/backoffice/targets/<month>": STATEMENTS,
    "POST /api/backoffice/targets/<month>": STATEMENTS,
    "GET /api/backoffice/tiers": roles(OperatorRole.FINANCE),
    "POST /api/backoffice/tiers": roles(OperatorRole.FINANCE),
    "POST /api/backoffice/tiers/<version>/approve": roles(OperatorRole.FINANCE),
    "POST /api/backoffice/transfers": STAFFING,
    "POST /api/clerk/codes": CLERK,
    "GET /api/clerk/disputes": CLERK,
    "POST /api/clerk/disputes": CLERK,
    "GET /api/clerk/disputes/<number>": CLERK,
    "POST /api/clerk/disputes/<number>/evidence": CLERK,
    "GET /api/clerk/earnings": CLERK,
    "GET /api/clerk/earnings/rows": CLERK,
    "GET /api/clerk/fans": CLERK,
    "POST /api/clerk/fans/<number>/phone": CLERK,
    "GET /api/clerk/leaderboard": CLERK,
    "POST /api/clerk/login": OPEN,
    "POST /api/clerk/logout": CLERK,
    "GET /api/clerk/material": CLERK,
    "GET /api/clerk/me": CLERK,
    "GET /api/clerk/orders/<number>/credit": CLERK,
    "POST /api/clerk/orders/<number>/refunds": CLERK,
    "POST /api/clerk/orders/<number>/shared-sale": CLERK,
    "GET /api/clerk/payouts": CLERK,
    "POST /api/clerk/pickups/verify": CLERK,
    "GET /api/clerk/poster": CLERK,
    "GET /api/clerk/reviews": CLERK,
    "GET /api/clerk/settlements/<month>": CLERK,
    "GET /api/clerk/settlements/<month>/rows": CLERK,
    "GET /api/clerk/statements/<month>": CLERK,
    "GET /api/clerk/statements/<month>.pdf": CLERK,
    "GET /api/clerk/statements/<month>.xlsx": CLERK,
    "GET /api/clerk/store/settlements/<month>": MANAGER,
    "GET /api/clerk/store/settlements/<month>/rows": MANAGER,
    "GET /api/clerk/store/statements/<month>.pdf": MANAGER,
    "GET /api/clerk/store/statements/<month>.xlsx": MANAGER,
    "POST /api/clerk/store-codes": MANAGER,
    "GET /api/clerk/store-material": MANAGER,
    "GET /api/clerk/targets/<month>": MANAGER,
    "POST /api/clerk/targets/<month>": MANAGER,
    "GET /api/clerk/tasks": CLERK,
    "POST /api/clerk/tasks/<number>/done": CLERK,
    "GET /api/clerk/team": MANAGER,
    "POST /api/clerk/team/<clerk>/handover": MANAGER,
    "POST /api/clerk/team/<clerk>/handover/preview": MANAGER,
    "PUT /api/clerk/team/<clerk>/leaving": MANAGER,
    "GET /api/clerk/team/handovers/<number>": MANAGER,
    "GET /api/clerk/team/kpi": MANAGER,
    "GET /api/clerk/team/members/<number>/story": MANAGER,
    "POST /api/clerk/team/transfers": MANAGER,
    "GET /api/clerk/today": CLERK,
    "GET /api/pos/members": SIGNED,
    "POST /api/pos/returns": SIGNED,
    "POST /api/pos/sales": SIGNED,
    "POST /api/pos/touches": SIGNED,
    "GET /api/shopper/categories": OPEN,
    "GET /api/shopper/landing": SHOPPER,
    "PUT /api/shopper/landing": SHOPPER,
    "POST /api/shopper/login": OPEN,
    "POST /api/shopper/logout": SHOPPER,
    "GET /api/shopper/me": SHOPPER,
    "GET /api/shopper/me/clerk": SHOPPER,
    "PUT /api/shopper/me/clerk": SHOPPER,
    "POST /api/shopper/me/clerk/refuse": SHOPPER,
    "GET /api/shopper/me/clerks": SHOPPER,
    "GET /api/shopper/me/consents": SHOPPER,
    "DELETE /api/shopper/me/consents/<purpose>": SHOPPER,
    "PUT /api/shopper/me/consents/<purpose>": SHOPPER,
    "GET /api/shopper/orders": SHOPPER,
    "POST /api/shopper/orders": SHOPPER,
    "GET /api/shopper/orders/<number>": SHOPPER,
    "POST /api/shopper/orders/<number>/cancel": SHOPPER,
    "GET /api/shopper/orders/<number>/pickup-code": SHOPPER,
    "POST /api/shopper/orders/<number>/prepay": SHOPPER,
    "POST /api/shopper/phone": SHOPPER,
    "GET /api/shopper/products": OPEN,
    "GET /api/shopper/products/<code>": OPEN,
    "POST /api/shopper/quote": SHOPPER,
    "GET /api/shopper/stores": OPEN,
    "GET /api/shopper/stores/<code>": OPEN,
    "GET /api/shopper/stores/nearby": OPEN,
    "POST /api/shopper/touches": SHOPPER,
    "GET /c/<scene>": OPEN,
    "GET /callbacks/wechat/mp": SIGNED,
    "POST /callbacks/wechat/mp": SIGNED,
    "GET /callbacks/wechat/oa": SIGNED,
    "POST /callbacks/wechat/oa": SIGNED,
    "POST /callbacks/wechat/pay/combined": SIGNED,
    "POST /callbacks/wechat/pay/paid": SIGNED,
    "POST /callbacks/wechat/pay/refunded": SIGNED,
    "POST /callbacks/wechat/pay/shared": SIGNED,
    "POST /callbacks/wechat/pay/transferred": SIGNED,
    "GET /healthz": OPEN,
    "GET /metrics": OPEN,
    "GET /openapi/": OPEN,
    "GET /openapi/oauth2-redirect.html": OPEN,
    "GET /openapi/openapi.json": OPEN,
    "GET /openapi/static/<path:filename>": OPEN,
    "GET /openapi/swagger": OPEN,
    "GET /openapi/swagger/<path:filename>": OPEN,
    "GET /readyz": OPEN,
}
