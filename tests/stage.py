"""One shopper with WeChat on the phone (the box) and the house's parts: for flows that phone WeChat."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from app.orders.placing import Placed
from app.payments import checking, refunding, stopping
from app.payments.prepaying import Payer, Shop, prepay
from app.wiring import Parts
from models.payments import RefundState
from tests import make
from tests.boxed import Boxed


@dataclass
class Stage:
    """One shopper with WeChat on the phone, and the house's parts."""

    parts: Parts
    box: Boxed
    person: dict[str, Any]
    payer: Payer
    shop: Shop

    def order(self, *items: tuple[str, int], **more: Any) -> Placed:
        """A new order of this shopper."""
        with self.parts.tx() as session:
            row = session.execute(
                text(
                    "select m.id, m.number, i.id as identity_id from member m join identity i on i.member_id = m.id"
                    " where m.id = :id"
                ),
                {"id": self.payer.member_id},
            ).one()
            buyer = make.Buyer(row.id, row.number, row.identity_id)
            return make.an_order(session, buyer, *items, **more)

    def prepay(self, placed: Placed, now: datetime | None = None) -> dict[str, str]:
        """Ask for the parameters of wx.requestPayment."""
        return prepay(
            self.parts.tx,
            self.parts.wechat.pay,
            order_number=placed.number,
            payer=self.payer,
            shop=self.shop,
            vault=self.parts.vault,
            now=now or datetime.now(UTC),
        )

    def pay(self, asked: dict[str, str]) -> dict[str, Any]:
        """The shopper confirms on the phone."""
        answer: dict[str, Any] = self.box.post(f"persons/{self.person['id']}/pay", **asked)
        return answer

    def check(self, now: datetime | None = None) -> int:
        """Let the janitor ask about every payment, due or not."""
        with self.parts.tx() as session:
            session.execute(text("update payment set next_check_at = now() where state = 'PREPARED'"))
        p = self.parts
        return checking.check_payments(p.tx, p.wechat.pay, vault=p.vault, now=now or datetime.now(UTC))

    def cancel(self, placed: Placed) -> stopping.Stopped:
        """The shopper cancels."""
        p = self.parts
        return stopping.cancel(
            p.tx,
            p.wechat.pay,
            order_number=placed.number,
            member_id=self.payer.member_id,
            actor="member:test",
            vault=p.vault,
            now=datetime.now(UTC),
        )

    def expire(self) -> int:
        """The clock's sweep."""
        p = self.parts
        return stopping.expire_due(p.tx, p.wechat.pay, vault=p.vault, now=datetime.now(UTC))

    def let_time_pass(self) -> None:
        """The fifteen minutes are over."""
        with self.parts.tx() as session:
            session.execute(text("update orders set expires_at = now() - interval '1 second'"))
            session.execute(
                text(
                    "update reservation set expires_at = now() - interval '1 second' where expires_at is not null"
                )
            )

    def send_refunds(self) -> list[RefundState]:
        """What the worker does with the deferred jobs."""
        p = self.parts
        with p.tx() as session:
            ids = list(session.execute(text("select id from refund order by id")).scalars())
        url, now = p.settings.refunded_url, datetime.now(UTC)
        return [refunding.send(p.tx, p.wechat.pay, refund_id=one, notify_url=url, now=now) for one in ids]

    def one(self, query: str) -> Any:
        """The first column of the first row."""
        with self.parts.tx() as session:
            return session.execute(text(query)).scalar()
