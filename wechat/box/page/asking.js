// Everything the page asks: the box at /box, and the shop's server through the box's line at /box/house.
import { LANGUAGE, word } from "./words.js";

export class Problem extends Error {
  constructor(title, detail = "", code = "", status = 0) {
    super(title);
    Object.assign(this, { title, detail, code, status });
  }
}

async function reached(path, options) {
  try {
    return await fetch("/box" + path, options);
  } catch {
    throw new Problem(word("lost"), "", "LOST");
  }
}

// A success as it came; anything else is a Problem.
export async function fetched(path, options) {
  const answer = await reached(path, options);
  if (!answer.ok) await refused(answer);
  return answer;
}

async function refused(answer) {
  const told = await answer.json().catch(() => null);
  if (told?.error) throw new Problem(told.error.message, "", told.error.code, answer.status);
  const wrong = (told?.errors ?? []).map((one) => `${one.field}: ${one.reason}`);
  const detail = [told?.detail, ...wrong].filter(Boolean).join("\n");
  throw new Problem(told?.title ?? answer.statusText, detail, told?.code ?? "", answer.status);
}

// GET without content, else POST; an answer that is no success becomes a Problem.
export async function ask(path, content, method) {
  const body = content === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) };
  return (await fetched(path, { method: method ?? (content === undefined ? "GET" : "POST"), ...body })).json();
}

// For what is asked again and again: null instead of a Problem.
export const peek = (path) => ask(path).catch(() => null);

// A login of one person for one audience ("shopper" or "clerk"); its token outlives a reload of the page.
export class House {
  constructor(person, audience) {
    Object.assign(this, { person, audience, place: `token:${audience}:${person.mp_openid}` });
  }

  get token() { return sessionStorage.getItem(this.place); }
  set token(token) {
    if (token) sessionStorage.setItem(this.place, token);
    else sessionStorage.removeItem(this.place);
  }

  async answer(path, content, { once, method } = {}) {
    const headers = { "Accept-Language": LANGUAGE === "en" ? "en" : "zh-CN" };
    if (this.token) headers.Authorization = "Bearer " + this.token;
    if (once) headers["Idempotency-Key"] = once;
    const options = { method: method ?? (content === undefined ? "GET" : "POST"), headers };
    if (content !== undefined) {
      headers["Content-Type"] = "application/json";
      options.body = JSON.stringify(content);
    }
    const answer = await reached(`/house/api/${this.audience}${path}`, options);
    if (answer.status === 401) this.token = null;
    if (!answer.ok) await refused(answer);
    return answer;
  }

  async ask(path, content, more) {
    const answer = await this.answer(path, content, more);
    return answer.status === 204 ? null : answer.json();
  }

  // A picture as a data: address.
  async picture(path) {
    const blob = await (await this.answer(path)).blob();
    return new Promise((done) => {
      const reader = new FileReader();
      reader.onload = () => done(reader.result);
      reader.readAsDataURL(blob);
    });
  }
}
