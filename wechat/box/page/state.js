// Who is chosen, which tab is open, and what the box was seen to hold. One place, so that tabs agree.
export const state = {
  people: [],
  person: null,
  tab: "chat",
  scene: null, // the scene of the mini-program code that was scanned last, until the shop has taken it
};

const kept = (name) => sessionStorage.getItem(name) ?? localStorage.getItem(name);
const wanted = new URLSearchParams(location.hash.slice(1));
export const first = { person: wanted.get("person") ?? kept("person"), tab: wanted.get("tab") ?? kept("tab") };

export function remember() {
  const { person, tab } = state;
  for (const place of [sessionStorage, localStorage]) {
    if (person) place.setItem("person", person.id);
    place.setItem("tab", tab);
  }
  history.replaceState(null, "", "#" + new URLSearchParams({ tab, ...(person ? { person: person.id } : {}) }));
}

// What a person keeps in this browser tab under a name: her basket, her place.
export const drawer = (person, name) => ({
  get: (otherwise) => JSON.parse(sessionStorage.getItem(`${name}:${person.mp_openid}`) ?? "null") ?? otherwise,
  put: (value) => sessionStorage.setItem(`${name}:${person.mp_openid}`, JSON.stringify(value)),
});
