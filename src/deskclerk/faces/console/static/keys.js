// "/" goes to the page's search, unless somebody has turned that off: a key may be pressed by speech or by mistake.
const search = document.querySelector("main input[type=search]");
const foot = document.querySelector("[data-keys]");
const off = () => localStorage.getItem("deskclerk.keys") === "off";

function tell() {
  foot.hidden = false;
  foot.querySelector("[data-keys-say]").textContent = off() ? "The key / does nothing." : "The key / goes to the search.";
  foot.querySelector("button").textContent = off() ? "Turn it on" : "Turn it off";
}

if (search) {
  tell();
  foot.querySelector("button").onclick = () => {
    localStorage.setItem("deskclerk.keys", off() ? "on" : "off");
    tell();
  };
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || off()) return;
    if (event.target.closest("textarea, select, input:not([type=checkbox], [type=radio])")) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
}
