// What is new, without reloading. Every page works without this.
const { home, person } = document.body.dataset;
const title = document.title.replace(/^\(\d+\) /, "");
const cards = document.querySelector("[data-cards]");
const plan = document.querySelector("[data-plan]");
let known = null;

if (person !== undefined) localStorage.setItem("deskclerk.home", home);

const say = (text) => { document.querySelector("[data-say]").textContent = text; };
const writes = (count) => `${count} ${count === 1 ? "write waits" : "writes wait"} for your signature.`;

async function part(path, selector) {
  const answer = await fetch(home + path);
  if (!answer.ok) {
    events.close(); // signed out: what is on the page stays as it is
    return [];
  }
  return new DOMParser().parseFromString(await answer.text(), "text/html").querySelectorAll(selector);
}

function count(waiting) {
  document.title = waiting ? `(${waiting}) ${title}` : title;
  document.querySelector("link[rel=icon]").href = `/static/icon${waiting ? "-waiting" : ""}.svg`;
  for (const badge of document.querySelectorAll("[data-count]")) {
    const moves = badge.hidden !== !waiting;
    badge.textContent = waiting;
    badge.hidden = !waiting;
    if (moves) reveal();
  }
}

// Cards come and go; one that somebody is typing into keeps its fields as long as it shows the same.
let stood = null;
async function refresh(waiting, standing) {
  const shown = new Map([...cards.children].map((card) => [card.id, card]));
  const before = stood ?? Object.fromEntries([...shown].map(([id, card]) => [id, standingOf(card)]));
  stood = standing;
  if (waiting.some((id) => !shown.has(id) || standing[id] !== before[id])) {
    const now = [...(await part("/", "[data-cards] > article"))];
    for (const card of now.filter((one) => shown.has(one.id))) stand(shown.get(card.id), card);
    cards.prepend(...now.filter((card) => !shown.has(card.id)));
    once(cards);
  }
  for (const [id, card] of shown) if (!waiting.includes(id) && !card.classList.contains("card-gone")) gone(id, card);
  const left = waiting.length;
  document.querySelector("[data-empty]").hidden = cards.children.length > 0;
  document.querySelector("[data-lead]").textContent = left
    ? `${writes(left)} Nothing happens without it.`
    : "Nothing waits. What an agent asks for appears here by itself.";
}

// What a card shows, and how many have signed it: as the events have it.
function standingOf(card) {
  return `${card.dataset.shows}/${card.querySelector("[data-standing]")?.dataset.standing ?? 0}`;
}

function changed(shown, fresh) {
  const note = document.createElement("p");
  note.className = "notice";
  note.textContent = "This plan has changed: read it again before you sign.";
  fresh.prepend(note);
  const focused = shown.contains(document.activeElement);
  shown.replaceWith(fresh);
  once(fresh);
  if (focused) document.querySelector("main").focus();
  say(note.textContent);
}

// Another signature has come: only what says so is replaced, unless whoever looks may do something else now.
function stand(shown, fresh) {
  if (shown.dataset.shows !== fresh.dataset.shows) {
    changed(shown, fresh);
    return;
  }
  const [was, is] = [shown, fresh].map((card) => card.querySelector("[data-standing]"));
  if (!was || !is || was.textContent === is.textContent) return;
  const words = [...is.children].map((line) => line.textContent.trim()).join(" ");
  if (was.dataset.mine === is.dataset.mine) was.replaceWith(is);
  else {
    shown.replaceWith(fresh);
    once(fresh);
  }
  say(words);
}

function gone(id, card) {
  const heading = card.querySelector(".what");
  const note = document.createElement("p");
  note.append("no longer waits: it was decided elsewhere, or has expired.");
  card.classList.add("card-gone");
  card.replaceChildren(heading, note);
}

// Jobs that move, or whose state is another than what is shown, are looked at again; one look at a time.
const jobs = document.querySelector("[data-jobs]");
const shownJobs = () => [...document.querySelectorAll("[data-job]")];
let looking = false;
let states = null;

async function followJobs() {
  if (looking) return; // the loop below takes the newest states
  looking = true;
  while (states) {
    const now = states;
    states = null;
    for (const shown of shownJobs()) {
      const known = shown.dataset.live === undefined ? "" : shown.dataset.state;
      const { job: id, open } = shown.dataset;
      if (open !== undefined || (now[id] ?? "") !== known) await followJob(shown, id);
    }
    if (jobs && Object.keys(now).some((id) => !document.getElementById(id))) {
      const fresh = [...(await part("/jobs", "[data-jobs] > li"))].filter((row) => !document.getElementById(row.id));
      jobs.prepend(...fresh);
      jobs.hidden = false;
      document.querySelector("[data-empty]").hidden = true;
      if (!fresh.length) break; // an old one, further down than the list goes
    }
  }
  looking = false;
}

async function followJob(shown, id) {
  const [fresh] = await part(`/jobs/${id}/${jobs ? "row" : "status"}`, "[data-job]");
  if (!fresh) return;
  const same = fresh.dataset.state === shown.dataset.state;
  if (!jobs && same) {
    // Somebody may be about to press a button: only what moves is replaced.
    shown.querySelector("[data-part]").replaceWith(fresh.querySelector("[data-part]"));
    return;
  }
  const focused = !jobs && shown.contains(document.activeElement);
  shown.replaceWith(fresh);
  once(fresh);
  if (focused) document.querySelector("main").focus();
  if (!jobs) say(fresh.querySelector(".job-state").textContent.trim());
}

// How many plans are chosen to be signed together.
const chosen = document.querySelector("[data-chosen]");
function countChosen() {
  const count = document.querySelectorAll("[name=plan][form=together]:checked").length;
  chosen.textContent = count === 1 ? "1 plan chosen." : `${count} plans chosen.`;
}
if (chosen) {
  document.addEventListener("change", countChosen);
  addEventListener("pageshow", countChosen);
}

async function follow() {
  const [fresh] = await part(`/plans/${plan.dataset.plan}/status`, "article");
  const shown = plan.querySelector("article");
  if (!fresh) return;
  if (fresh.dataset.status === shown.dataset.status && fresh.dataset.settled === shown.dataset.settled) {
    stand(shown, fresh);
    return;
  }
  plan.replaceChildren(fresh);
  say(fresh.querySelector(".stamp strong")?.textContent.trim() ?? "");
}

// A form that was sent is not sent again by a second click.
function once(root) {
  for (const form of root.querySelectorAll("form[data-once]")) {
    form.onsubmit = (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
    };
  }
}

function ages() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const seconds = Math.max(0, (Date.now() - Date.parse(time.dateTime)) / 1000);
    const [size, unit] = seconds >= 86400 ? [86400, "day"] : seconds >= 3600 ? [3600, "hour"] : seconds >= 60 ? [60, "minute"] : [1, "second"];
    const number = Math.floor(seconds / size);
    time.textContent = seconds < 5 ? "just now" : `${number} ${unit}${number === 1 ? "" : "s"} ago`;
  }
}

once(document);
const events = new EventSource(`${home}/events`);
setInterval(ages, 15000);
addEventListener("pageshow", () => document.querySelectorAll("form[data-once]").forEach((form) => delete form.dataset.sent));
events.addEventListener("pulse", async (event) => {
  const { waiting: standing, jobs: now } = JSON.parse(event.data);
  const waiting = Object.keys(standing);
  const more = known && waiting.filter((id) => !known.includes(id)).length;
  known = waiting;
  if (person !== undefined) count(waiting.length);
  if (more) say(writes(waiting.length));
  if (cards) await refresh(waiting, standing);
  if (plan && !plan.querySelector("article").dataset.settled) await follow();
  if (shownJobs().length || jobs) {
    states = now;
    await followJobs();
  }
});

for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.onclick = async () => {
    await navigator.clipboard.writeText(field.value);
    button.textContent = "Copied";
    say("Copied.");
  };
}
