// Where a person says she is: a few places to choose from, or degrees (GCJ-02, as WeChat gives them).
import { button, div, form, made } from "./dom.js";
import { LANGUAGE, word } from "./words.js";

export const PLACES = [
  { zh: "深圳 福田", en: "Futian, Shenzhen", lat: 22.54, lng: 114.06 },
  { zh: "深圳 南山", en: "Nanshan, Shenzhen", lat: 22.5172, lng: 113.93 },
  { zh: "广州 天河", en: "Tianhe, Guangzhou", lat: 23.135, lng: 113.32 },
  { zh: "潍坊 奎文", en: "Kuiwen, Weifang", lat: 36.707, lng: 119.12 },
  { zh: "上海 人民广场", en: "People's Square, Shanghai", lat: 31.2304, lng: 121.4737 },
].map(({ zh, en, lat, lng }) => ({ label: LANGUAGE === "en" ? en : zh, lat, lng }));

export function placeForm(now, act) {
  return div("places",
    div("choices", PLACES.map((place) => button(place.label, () => act(place),
      { class: place.lat === now.lat && place.lng === now.lng ? "choice chosen" : "choice" }))),
    form({ class: "row" }, (given) => {
      const [lat, lng] = given.degrees.split(/[,，]/).map(Number);
      return act({ lat, lng, label: "" });
    },
    made("input", { name: "degrees", required: true, pattern: "-?[0-9.]+ *[,，] *-?[0-9.]+", value: `${now.lat}, ${now.lng}`, "aria-label": word("degrees") }),
    made("button", {}, word("here"))));
}
