// Line drawings for buttons: no font has them all.
const PATHS = {
  home: "M4 11 12 4l8 7v9h-5v-6H9v6H4z",
  goods: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  basket: "M3 4h3l2.4 11h9.2L20 7.5H7M9.5 19.5h.01M16.5 19.5h.01",
  mine: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c.6-4 3.6-6 7.5-6s6.9 2 7.5 6",
  code: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2h-2zM18 18h2v2h-2zM18 14h2M14 20h2",
  counter: "M4 12.5 9.5 18 20 6.5",
  earnings: "M6 4l6 8 6-8M12 12v8M7 13h10M7 16.5h10",
  month: "M5 5h14v15H5zM5 9.5h14M9 3v4M15 3v4M9 13h6M9 16.5h4",
  scan: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M4 12h16",
  place: "M12 21c-4-5-6.5-8-6.5-11.5a6.5 6.5 0 0 1 13 0C18.5 13 16 16 12 21zM12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  mini: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9 15.5a2 2 0 1 0 3-1.7v-3.6a2 2 0 1 1 3 1.7",
  leave: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM6 6l12 12",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  follow: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 8v8M8 12h8",
};
const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("aria-hidden", "true");
  picture.setAttribute("class", "icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  picture.append(path);
  return picture;
}
