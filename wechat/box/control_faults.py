"""The control API of faults: GET, POST and DELETE /box/faults."""

from flask import Request

from wechat.box import fault_rules
from wechat.box.control import Answer, BadCall, asked
from wechat.box.inside import Box


def show(box: Box, request: Request) -> Answer:
    """GET /box/faults: the rules in force; ``seen`` and ``struck`` count calls"""
    return 200, {"rules": fault_rules.everything(box)}


def add(box: Box, request: Request) -> Answer:
    """POST /box/faults {kind, path?, what?, share?, count?, seed?, value?, after?}"""
    return 201, {"rule": fault_rules.add(box, asked(request))}


def lift_all(box: Box, request: Request) -> Answer:
    """DELETE /box/faults: no rule is in force any more"""
    return 200, {"lifted": fault_rules.lift(box, None)}


def lift(box: Box, request: Request, rule: int) -> Answer:
    """DELETE /box/faults/<id>"""
    if not fault_rules.lift(box, rule):
        raise BadCall(f"no rule has the number {rule}")
    return 200, {"lifted": 1}
