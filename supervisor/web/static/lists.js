// Says how many new rows match a list that is shown. The list itself does not move: a person asks for them.

const EVERY = 15_000;
const note = document.getElementById("arrivals");
let timer = 0;

async function look() {
  if (document.hidden) return;
  const [path, query] = note.dataset.address.split("?");
  try {
    const reply = await fetch(`${path}.json?${query}`, { signal: AbortSignal.timeout(5000) });
    if (!reply.ok) return; // a passing fault; the banner tells of one that lasts
    const { count, most, address } = (await reply.json()).arrivals[0];
    if (!count) return;
    const link = note.querySelector("a");
    link.textContent = `${count}${count === most ? " or more" : ""} new ${count === 1 ? "deal matches" : "deals match"}: show`;
    link.setAttribute("href", address);
  } catch {
    // It is asked again.
  }
}

function schedule() {
  clearInterval(timer);
  if (!document.hidden) timer = setInterval(look, EVERY);
}

if (note) {
  document.addEventListener("visibilitychange", schedule);
  schedule();
}
