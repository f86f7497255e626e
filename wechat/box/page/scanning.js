// Scanning: a code that hangs on the wall, or a picture of one.
import { ask } from "./asking.js";
import { button, div, made, nothing, span, toast, yuan } from "./dom.js";
import { closeSheet, sheet } from "./phone.js";
import { readCode } from "./reading.js";
import { state } from "./state.js";
import { word } from "./words.js";

const openTab = (name) => document.dispatchEvent(new CustomEvent("open-tab", { detail: name }));

export async function scanOfficial(person, content) {
  const told = await ask(`/persons/${person.id}/scan`, content);
  closeSheet();
  toast(word(told.shows === "card" ? "scannedCard" : "scannedFan"));
  openTab("chat");
}

export async function scanMini(person, content) {
  const told = await ask(`/persons/${person.id}/mp/scan`, content);
  closeSheet();
  state.scene = told.scene;
  toast(word("openedMini"), false, told.page);
  openTab("shop");
}

// A code that a till or a web shop shows: WeChat's own sheet, then the payment.
async function payCode(person, code_url) {
  const { bill } = await ask("/pay/look", { code_url });
  const panel = sheet(word("wechatPay"), div("paying", made("small", {}, bill.description), made("output", { class: "amount" }, yuan(bill.total_fen)),
    button(word("confirmPay"), async () => {
      await ask(`/persons/${person.id}/pay`, { code_url });
      closeSheet();
      toast(word("payDone"), false, yuan(bill.total_fen));
    }, { class: "primary", id: "confirm-pay" })));
  panel.classList.add("pay");
}

// The account's codes are read from any picture; the mini-program's round ones are known by their bytes only.
export async function scanPicture(person, file) {
  const text = await readCode(file);
  if (text?.startsWith("weixin://wxpay/")) return payCode(person, text);
  if (text) return scanOfficial(person, { ticket: text });
  const image = await new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.readAsDataURL(file);
  });
  const seen = await ask("/pictures", { image });
  return (seen.shows === "mp" ? scanMini : scanOfficial)(person, { image });
}

// A picture from the disk, or one dropped onto it.
export function pictureDoor(person) {
  const input = made("input", { type: "file", accept: "image/*", "aria-label": word("scanPicture") });
  const node = made("label", { class: "door" }, span("", word("scanPicture")), input);
  const take = (file) => file && scanPicture(person, file).catch((problem) => toast(problem.message, true, word("asMade")));
  input.addEventListener("change", () => { take(input.files[0]); input.value = ""; });
  node.addEventListener("dragover", (event) => event.preventDefault());
  node.addEventListener("drop", (event) => { event.preventDefault(); take(event.dataTransfer.files[0]); });
  return node;
}

// The codes on the walls as things to point the phone at.
export function walls(person, codes, most = 50) {
  const official = codes.official.slice(0, most).map((code) => button([
    made("img", { src: "/box/qr?" + new URLSearchParams({ text: code.url }), alt: "", loading: "lazy", width: 84, height: 84 }),
    made("b", {}, word("account")), made("small", {}, code.scene),
  ], () => scanOfficial(person, { ticket: code.ticket }), { class: "code", "data-scene": code.scene, title: word("scan") }));
  const mini = codes.mini_program.slice(0, most).map((code) => button([
    span("sun"), made("b", {}, word("mini")), made("small", {}, code.scene),
  ], () => scanMini(person, { scene: code.scene }), { class: "code", "data-mini": code.scene, title: word("scan") }));
  if (!official.length && !mini.length) return nothing(word("noCodes"));
  return div("walls", official, mini);
}

export async function scanSheet(person) {
  const codes = await ask("/codes");
  sheet(word("scan"), pictureDoor(person), walls(person, codes));
}
