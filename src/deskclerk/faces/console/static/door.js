// Leads on whoever is in already: their session's path is kept for this origin (host and port) alone.
const home = localStorage.getItem("deskclerk.home");
const target = document.querySelector("[data-target]");
if (home && target) {
  fetch(`${home}/alive`).then((answer) => {
    if (!answer.ok) return localStorage.removeItem("deskclerk.home");
    if (location.pathname.startsWith("/~")) return;
    location.replace(home + (target.dataset.target || location.pathname));
  });
}
