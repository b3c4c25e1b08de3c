// Times as this machine's clock has them, UTC where the pointer rests. Without this script they are UTC.
const two = (number) => String(number).padStart(2, "0");
const dayOf = (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
const clockOf = (at) => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function localTimes() {
  for (const time of document.querySelectorAll("time[datetime]:not([title])")) {
    const at = new Date(time.dateTime);
    if (!time.dateTime.includes("T") || Number.isNaN(at.getTime())) continue;
    const utc = `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
    const here = `${dayOf(at)} ${clockOf(at)}`;
    time.title = time.dataset.ago === undefined ? utc : `${here}, ${utc}`;
    if (time.dataset.ago === undefined) time.textContent = time.dataset.clock === undefined ? here : clockOf(at);
  }
}

// What happened today here may have happened yesterday in UTC: the days are made anew.
function localDays(days) {
  const first = days.querySelector(".day");
  if (!first) return;
  const found = new Map();
  for (const item of days.querySelectorAll(".timeline > li")) {
    const day = dayOf(new Date(item.querySelector("time").dateTime));
    if (!found.has(day)) found.set(day, []);
    found.get(day).push(item);
  }
  const made = [...found].map(([day, items]) => {
    const section = first.cloneNode(true);
    section.setAttribute("aria-labelledby", `day-${day}`);
    section.querySelector("h2").id = `day-${day}`;
    section.querySelector("h2 time").dateTime = section.querySelector("h2 time").textContent = day;
    section.querySelector(".timeline").replaceChildren(...items);
    return section;
  });
  days.replaceChildren(...made);
}

const timeline = document.querySelector("[data-days]");
if (timeline) localDays(timeline);
if (zone !== "UTC") {
  for (const note of document.querySelectorAll("[data-zone]")) {
    note.textContent = `Times are those of ${zone}, with UTC where the pointer rests; the chart's days are UTC.`;
  }
}
localTimes();
// Cards and jobs arrive while one reads.
new MutationObserver(localTimes).observe(document.querySelector("main"), { childList: true, subtree: true });
