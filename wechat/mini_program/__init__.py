"""The mini-program: who opens it, the codes and links that lead into it, what it sends, ships and measures.

`MiniProgram` is the whole of it; each family of verbs is a file with a class that it inherits. Families that
an official account has too lie one level up (pushing, customer, media, console).
"""

from wechat.mini_program.analytics import Day
from wechat.mini_program.links import LinkFacts
from wechat.mini_program.logins import MpSession, Phone, raw_data_is_signed, session_signature
from wechat.mini_program.program import MiniProgram, MiniProgramConfig
from wechat.mini_program.safety import MediaType, Place, Verdict
from wechat.mini_program.shipping import (
    Logistics,
    PaidOrder,
    Parcel,
    Shipment,
    ShippingOrder,
    ShippingPage,
    ShippingState,
)

__all__ = [
    "Day",
    "LinkFacts",
    "Logistics",
    "MediaType",
    "MiniProgram",
    "MiniProgramConfig",
    "MpSession",
    "PaidOrder",
    "Parcel",
    "Phone",
    "Place",
    "Shipment",
    "ShippingOrder",
    "ShippingPage",
    "ShippingState",
    "Verdict",
    "raw_data_is_signed",
    "session_signature",
]
