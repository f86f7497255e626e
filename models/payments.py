"""Money in and out, through WeChat Pay or at a till: payments and refunds."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice


class PaymentChannel(StrEnum):
    WECHAT = "WECHAT"  # through WeChat Pay; its notices and bills are the proof
    POS = "POS"  # taken and given back at a till; the signed receipt is the proof


class PaymentState(StrEnum):
    PREPARED = "PREPARED"  # number committed; WeChat may or may not know it
    SUCCESS = "SUCCESS"  # the order's one payment
    EXCESS = "EXCESS"  # money came, but the order no longer wanted it: refunded by itself
    CLOSED = "CLOSED"  # WeChat confirmed that it can no longer be paid
    MISMATCH = "MISMATCH"  # a genuine notice that does not fit the order: kept for a human


class RefundState(StrEnum):
    REQUESTED = "REQUESTED"  # number committed; to be sent
    PROCESSING = "PROCESSING"  # WeChat accepted it
    SUCCESS = "SUCCESS"  # money is back with the payer
    ABNORMAL = "ABNORMAL"  # WeChat could not return the money: a human decides
    CLOSED = "CLOSED"  # WeChat closed it, nothing was returned
    REFUSED = "REFUSED"  # WeChat refused the request for good: a human decides


class RefundCause(StrEnum):
    AFTER_SALE = "AFTER_SALE"  # goods returned or price corrected; takes commission back (CLW-1)
    DEFECT = "DEFECT"  # the seller's fault, goods stay with the customer (CLW-6)
    CANCEL = "CANCEL"  # a paid order was cancelled before hand-over
    EXCESS = "EXCESS"  # late or double payment (STK-4); never was revenue


class Payment(Base):
    """The money of one order: one number at WeChat Pay, committed before WeChat hears of it, or a till's receipt."""

    __tablename__ = "payment"
    __table_args__ = (
        UniqueConstraint("out_trade_no"),
        UniqueConstraint("transaction_id"),
        Index("uq_payment_success", "order_id", unique=True, postgresql_where="state = 'SUCCESS'"),
        Index("ix_payment_order", "order_id"),
        Index("ix_payment_open", "next_check_at", postgresql_where="state = 'PREPARED'"),
        Index("ix_payment_sharing", "id", postgresql_where="profit_sharing and state = 'SUCCESS'"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint(
            "(state in ('SUCCESS', 'EXCESS')) <= (transaction_id is not null)", name="transaction"
        ),
        CheckConstraint(
            "channel <> 'WECHAT' or (appid is not null and mchid is not null and payer_openid is not null)",
            name="wechat",
        ),
    )

    id: Mapped[RowId]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    out_trade_no: Mapped[str]
    transaction_id: Mapped[str | None]
    channel: Mapped[PaymentChannel] = mapped_column(choice(PaymentChannel), server_default="WECHAT")
    appid: Mapped[str | None]
    mchid: Mapped[str | None]
    payer_openid: Mapped[str | None]
    amount_fen: Mapped[int]
    # Asked of WeChat when the payment was opened: its money stays frozen until its sharing ends (FRZ-4).
    profit_sharing: Mapped[bool] = mapped_column(server_default="false")
    state: Mapped[PaymentState] = mapped_column(choice(PaymentState))
    prepay_id: Mapped[str | None]
    prepay_expires_at: Mapped[datetime | None]
    created_at: Mapped[RecordedAt]
    settled_at: Mapped[datetime | None]
    # The janitor asks WeChat at this time unless a notice came first.
    next_check_at: Mapped[datetime | None]
    checks: Mapped[int]
    problem: Mapped[str | None]


class Refund(Base):
    """One refund number at WeChat Pay; repeated with the same number until the outcome is known."""

    __tablename__ = "refund"
    __table_args__ = (
        UniqueConstraint("out_refund_no"),
        UniqueConstraint("refund_id"),
        Index("ix_refund_payment", "payment_id"),
        Index("ix_refund_order", "order_id"),
        Index("ix_refund_open", "next_check_at", postgresql_where="state in ('REQUESTED', 'PROCESSING')"),
        Index("uq_refund_excess", "payment_id", unique=True, postgresql_where="cause = 'EXCESS'"),
        CheckConstraint("amount_fen > 0", name="amount"),
    )

    id: Mapped[RowId]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    out_refund_no: Mapped[str]
    refund_id: Mapped[str | None]
    cause: Mapped[RefundCause] = mapped_column(choice(RefundCause))
    amount_fen: Mapped[int]
    reason: Mapped[str]
    state: Mapped[RefundState] = mapped_column(choice(RefundState))
    actor: Mapped[str]
    created_at: Mapped[RecordedAt]
    settled_at: Mapped[datetime | None]
    next_check_at: Mapped[datetime | None]
    checks: Mapped[int]
    problem: Mapped[str | None]


class RefundLine(Base):
    """Which part of which order line a refund gives back; freight is the rest of the refund."""

    __tablename__ = "refund_line"
    __table_args__ = (CheckConstraint("amount_fen > 0 and qty >= 0", name="amount"),)

    refund_id: Mapped[int] = mapped_column(ForeignKey("refund.id"), primary_key=True)
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), primary_key=True, index=True)
    qty: Mapped[int]
    amount_fen: Mapped[int]
