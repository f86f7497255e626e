"""The tour: one customer's story over real HTTP, one line a step, every amount checked.

Run by scripts/start.py. LIANKE_URL and BOX_URL say where the house and WeChat in a box listen,
VAR_DIR where pictures go. Ends with 0 when every step held, else with 1 and the step that did not.
"""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from app.base.money import half_up, largest_remainder, yuan
from scripts.tour_people import Broken, Line, Person, expect, log_in_as_operator, wait_for

STORE = "SZ-FT"
# Another city, and another company: a franchisee's store.
FAR_STORE, FAR_ENTITY = "WF-YQ", "E-WF1"
FEE_BP = 500
EXPLAINER = "O-FIN"
CLERK, CLERK_NAME, CLERK_PHONE = "C-SZFT-01", "林晓雨", "13800000001"
MANAGER_NAME, MANAGER_PHONE = "黄丽娜", "13800000003"
HERE = {"lat": 22.54, "lng": 114.06}
SKU, PRICE_FEN, POOL_BP = "AP-1002-M", 29_900, 500
# ROLE_SPLIT in its fixed order: bringing clerk and store, serving clerk, selling clerk, handing-over store.
WEIGHTS = (3000, 1500, 2000, 2000, 1500)
CLERKS_ROLES = (0, 2, 3)


class Tour:
    """The story's cast and what they remember from step to step."""

    def __init__(self, house_url: str, box_url: str, var: Path) -> None:
        self.box = Line(box_url)
        self.var = var
        self.public = Line(house_url)
        self.clerk = Person(self.box, house_url, CLERK_NAME, CLERK_PHONE)
        self.manager = Person(self.box, house_url, MANAGER_NAME, MANAGER_PHONE)
        self.fan = Person(self.box, house_url, f"张小满-{uuid.uuid4().hex[:6]}")
        self.codes: dict[str, Any] = {}
        self.order: dict[str, Any] = {}
        self.second: dict[str, Any] = {}
        self.far: dict[str, Any] = {}
        self.before: dict[str, Any] = {}
        self.expected_fen = 0

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        """The story in order: title and act; an act answers what happened."""
        return [
            ("a clerk gets her personal QR code", self.get_code),
            ("a fan scans it and follows", self.follow),
            ("the welcome arrives in the chat", self.be_welcomed),
            ("the fan opens the mini-program and logs in", self.log_in),
            ("finds the nearest store", self.find_store),
            ("browses goods", self.browse),
            ("orders for pick-up", self.place),
            ("pays", self.pay),
            ("the clerk sees her expected earnings", self.see_earnings),
            ("the store verifies the pick-up code", self.pick_up),
            ("a second order is paid", self.buy_again),
            ("half of it is refunded and takes back exactly its share", self.refund_half),
            ("the fan buys in a franchisee's store in another city", self.buy_far_away),
            ("head office explains that sale, every fen", self.explain),
            ("the clerk's statement adds up to the ledger", self.add_up),
        ]

    def get_code(self) -> str:
        """The clerk logs in with her phone, gets both codes and a poster."""
        self.clerk.log_in_as_clerk()
        self.codes = self.clerk.house.post("/api/clerk/codes")
        poster = self.clerk.house.picture("/api/clerk/poster")
        expect(poster.startswith(b"\x89PNG"), "the poster is not a PNG")
        path = self.var / f"poster-{CLERK}.png"
        path.write_bytes(poster)
        self.before = self.clerk.house.get("/api/clerk/earnings")
        return f"{CLERK_NAME} of {STORE}; poster: {path}"

    def follow(self) -> str:
        """The fan scans the official account's code and follows."""
        done = self.fan.act("follow", scene=self.codes["official_account"]["scene"])
        expect(done["delivery"]["status"] in ("delivered", "done", 200), f"the push was not taken: {done}")
        return f"{self.fan.name} follows through {self.codes['official_account']['scene']}"

    def be_welcomed(self) -> str:
        """The account greets in the clerk's and the store's name."""

        def look() -> str | None:
            told = [one["text"] for one in self.fan.chat() if one["from"] == "account"]
            return told[-1] if told else None

        welcome = wait_for(look, "the welcome")
        expect(CLERK_NAME in welcome, f"the welcome does not name the clerk: {welcome}")
        return "“" + welcome.replace("\n", " ") + "”"

    def log_in(self) -> str:
        """The same person in the mini-program is the same member, served by the clerk who brought her."""
        answer = self.fan.log_in_as_shopper()
        service = wait_for(lambda: self.fan.house.get("/api/shopper/me")["service"], "the service binding")
        expect(service["clerk_name"] == CLERK_NAME, f"served by {service}")
        return f"member {answer['member']}, served by {service['clerk_name']}"

    def find_store(self) -> str:
        """Nearest first, in metres."""
        items = self.public.get("/api/shopper/stores/nearby", **HERE)["items"]
        expect(items[0]["code"] == STORE, f"nearest is {items[0]['code']}")
        expect(items[0]["distance_m"] == 866, f"distance {items[0]['distance_m']} m")
        return f"{items[0]['name']}, {items[0]['distance_m']} m away"

    def browse(self) -> str:
        """Search in Chinese, look at the goods and at what the store has."""
        found = self.public.get("/api/shopper/products", q="衬衫")["items"]
        expect([card["code"] for card in found] == ["AP-1002"], f"the search found {found}")
        self._fill_shelf()
        sku = self._sku()
        expect(sku["price_fen"] == PRICE_FEN, f"price {sku['price_fen']}")
        return f"{found[0]['name']} {SKU}, {yuan(sku['price_fen'])}, {sku['availability'][STORE]} at {STORE}"

    def place(self) -> str:
        """One shirt, to be picked up; the goods are held for 15 minutes."""
        self.order = self._place(qty=1)
        return f"{self.order['number']}, {yuan(self.order['amount_fen'])}, held until {self.order['expires_at'][11:16]}"

    def pay(self) -> str:
        """WeChat Pay takes the money and tells the house."""
        self._pay(self.order["number"])
        return f"{yuan(PRICE_FEN)} moved from {self.fan.name} to the shop"

    def see_earnings(self) -> str:
        """5 % pool, split over five roles; three of them are hers."""
        self.expected_fen = self._clerks_part(PRICE_FEN)
        now = self.clerk.house.get("/api/clerk/earnings")
        gained = now["estimated_fen"] - self.before["estimated_fen"]
        expect(gained == self.expected_fen, f"estimated grew by {gained}, not {self.expected_fen} fen")
        rows = self.clerk.house.get("/api/clerk/earnings/rows", limit=10)["items"]
        mine = [row for row in rows if row["order"] == self.order["number"]]
        expect(len(mine) == len(CLERKS_ROLES), f"{len(mine)} rows instead of three")
        return f"+{yuan(gained)} frozen; e.g. “{mine[0]['reason']}”"

    def pick_up(self) -> str:
        """The eight digits at the counter, once."""
        code = self.fan.house.get(f"/api/shopper/orders/{self.order['number']}/pickup-code")["code"]
        done = self.clerk.house.post("/api/clerk/pickups/verify", {"code": code})
        expect((done["number"], done["again"]) == (self.order["number"], False), f"verified {done}")
        again = self.clerk.house.post("/api/clerk/pickups/verify", {"code": code})
        expect(again["again"] is True, "a second scan handed the goods over twice")
        return (
            f"code {code[:4]} {code[4:]}: {done['goods'][0]['name']} × {done['goods'][0]['qty']} handed over"
        )

    def buy_again(self) -> str:
        """Two shirts this time."""
        self.second = self._place(qty=2)
        self._pay(self.second["number"])
        part = self._clerks_part(2 * PRICE_FEN)
        self.expected_fen += part
        return f"{self.second['number']}, {yuan(2 * PRICE_FEN)} moved to the shop, +{yuan(part)} frozen for the clerk"

    def refund_half(self) -> str:
        """The manager takes one shirt back; WeChat returns the money; each role gives back its share (CLW-1)."""
        self.manager.log_in_as_clerk()
        wish = {"lines": [{"line_no": 1, "amount_fen": PRICE_FEN, "qty": 1}], "reason": "颜色不合适"}
        number = self.second["number"]
        self.manager.house.post(f"/api/clerk/orders/{number}/refunds", wish, once=True)

        def look() -> dict[str, Any] | None:
            order: dict[str, Any] = self.fan.house.get(f"/api/shopper/orders/{number}")
            return order if order["refunds"][0]["state"] == "SUCCESS" else None

        order = wait_for(look, "the refund")
        expect(order["refunded_fen"] == PRICE_FEN, f"refunded {order['refunded_fen']}")
        back = self._taken_back()
        self.expected_fen -= back
        now = self.clerk.house.get("/api/clerk/earnings")
        net = now["estimated_fen"] - self.before["estimated_fen"]
        expect(net == self.expected_fen, f"estimated is {net} above the start, not {self.expected_fen} fen")
        return f"{yuan(PRICE_FEN)} moved back to {self.fan.name}, -{yuan(back)} of the clerk's frozen share"

    def buy_far_away(self) -> str:
        """Whoever brought the customer earns, wherever she buys (BND-3): the clerk of Shenzhen on a sale in Weifang."""
        self._fill_shelf(FAR_STORE)
        self.far = self._place(qty=1, store=FAR_STORE)
        self._pay(self.far["number"])
        part = self._clerks_part(PRICE_FEN)
        self.expected_fen += part
        now = self.clerk.house.get("/api/clerk/earnings")
        net = now["estimated_fen"] - self.before["estimated_fen"]
        expect(net == self.expected_fen, f"estimated is {net} above the start, not {self.expected_fen} fen")
        sold = f"{self.far['number']}, {yuan(PRICE_FEN)} sold by {FAR_ENTITY}"
        return f"{sold}, +{yuan(part)} for {CLERK_NAME} of {STORE}"

    def explain(self) -> str:
        """Every fen of the pool: who, why, by which version of the rules (SPL-4, SPL-10)."""
        office = log_in_as_operator(self.public, EXPLAINER, self.var)
        told = office.get(f"/api/backoffice/orders/{self.far['number']}/credit")
        (line,) = told["lines"]
        pool = half_up(PRICE_FEN, POOL_BP)
        shares = [(one["role"], one["party"], one["amount_fen"]) for one in line["shares"]]
        expect(
            told["proved"] and line["pool_fen"] == pool,
            f"the pool is {line['pool_fen']}, proved {told['proved']}",
        )
        expect([fen for _, _, fen in shares] == largest_remainder(pool, WEIGHTS), f"the shares are {shares}")
        expect(told["selling_entity"] == FAR_ENTITY, f"sold by {told['selling_entity']}")
        expect(
            line["platform_fee_fen"] == half_up(PRICE_FEN, FEE_BP), f"the fee is {line['platform_fee_fen']}"
        )
        parts = "; ".join(f"{role} {party.partition(':')[2]} {yuan(fen)}" for role, party, fen in shares)
        return (
            f"pool {yuan(pool)} = {parts}; {line['policy']} v{line['policy_version']}; fee of"
            f" {FAR_ENTITY} to head office {yuan(line['platform_fee_fen'])}. “{line['shares'][0]['reason']}”"
        )

    def add_up(self) -> str:
        """What the statement says equals what the double-entry ledger holds."""
        month = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m")
        statement = self.clerk.house.get(f"/api/clerk/statements/{month}")
        expect(statement["agrees"] is True, f"the statement says it differs: {statement['closing']}")
        for kind in ("frozen_fen", "payable_fen"):
            shown, booked = statement["closing"][kind], statement["ledger"][kind]
            expect(shown == booked, f"{kind}: statement {shown}, ledger {booked}")
        now = self.clerk.house.get("/api/clerk/earnings")
        expect(
            statement["closing"]["frozen_fen"] == now["estimated_fen"],
            "the statement differs from the earnings",
        )
        frozen, booked = statement["closing"]["frozen_fen"], statement["ledger"]["frozen_fen"]
        return f"{month}: frozen {yuan(frozen)} = ledger {yuan(booked)}"

    def _sku(self, store: str = STORE) -> dict[str, Any]:
        detail = self.public.get("/api/shopper/products/AP-1002", store=store)
        sku: dict[str, Any] = next(one for one in detail["skus"] if one["code"] == SKU)
        return sku

    def _fill_shelf(self, store: str = STORE) -> None:
        # Every tour sells some: when the shelf runs low, a delivery is booked as an operator would book it.
        if self._sku(store)["availability"][store] == "IN_STOCK":
            return
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "scripts.receive_goods",
                store,
                SKU,
                "20",
                "--ref",
                f"tour-{uuid.uuid4().hex[:12]}",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        expect(done.returncode == 0, f"the delivery was not booked: {done.stderr.strip()}")

    def _place(self, *, qty: int, store: str = STORE) -> dict[str, Any]:
        basket = {"store": store, "lines": [{"sku": SKU, "qty": qty}]}
        quoted = self.fan.house.post("/api/shopper/quote", basket)
        order: dict[str, Any] = self.fan.house.post("/api/shopper/orders", basket, once=True)
        expect(
            order["amount_fen"] == quoted["amount_fen"] == qty * PRICE_FEN, f"amount {order['amount_fen']}"
        )
        return order

    def _pay(self, number: str) -> None:
        asked = self.fan.house.post(f"/api/shopper/orders/{number}/prepay")
        paid = self.fan.act("pay", **asked)
        expect(paid["state"] == "SUCCESS", f"WeChat says {paid['state']}")

        def look() -> str | None:
            state: str = self.fan.house.get(f"/api/shopper/orders/{number}")["fulfilment_state"]
            return state if state == "READY" else None

        wait_for(look, "the notice of payment")

    def _clerks_part(self, base_fen: int) -> int:
        split = largest_remainder(half_up(base_fen, POOL_BP), WEIGHTS)
        return sum(split[role] for role in CLERKS_ROLES)

    def _taken_back(self) -> int:
        # CLW-1: the pool shrinks to that of one shirt; what it loses is taken from the shares by their size.
        pool = half_up(2 * PRICE_FEN, POOL_BP)
        delta = pool - half_up(PRICE_FEN, POOL_BP)
        back = largest_remainder(delta, largest_remainder(pool, WEIGHTS))
        return sum(back[role] for role in CLERKS_ROLES)


def main() -> int:
    """Play all steps; 0 when every one held, else 1 with the failing step on the error output."""
    var = Path(os.environ["VAR_DIR"])
    number, title = 0, "meet the cast"
    try:
        tour = Tour(os.environ["LIANKE_URL"], os.environ["BOX_URL"], var)
        for number, (title, act) in enumerate(tour.steps(), start=1):
            print(f"  {number:2}. {title}: {act()}", flush=True)
    except Broken as broken:
        return _failed(number, title, str(broken))
    except (LookupError, TypeError, ValueError) as odd:
        return _failed(
            number, title, f"an answer has another shape than expected ({type(odd).__name__}: {odd})"
        )
    print("  The tour is over: every step held.", flush=True)
    return 0


def _failed(number: int, title: str, why: str) -> int:
    print(f"  {number:2}. {title}: FAILED: {why}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
