// The list narrows while one types; without this the button asks the server.
const field = document.querySelector("[data-filter]");
field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const group of document.querySelectorAll("[data-group]")) {
    let some = false;
    for (const item of group.querySelectorAll("[data-words]")) {
      item.hidden = !words.every((word) => item.dataset.words.toLowerCase().includes(word));
      found += !item.hidden;
      some ||= !item.hidden;
    }
    group.hidden = !some;
  }
  document.querySelector("[data-found]").textContent = words.length ? `${found} shown` : "";
});
