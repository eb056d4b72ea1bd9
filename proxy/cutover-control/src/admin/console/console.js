// Numbers that follow by themselves. Every page works without this.
const main = document.querySelector("main");
const light = document.querySelector("#live");

// A link from elsewhere brought no session along; from here on it is our own.
const onward = document.querySelector("[data-onward]");
if (onward) location.replace(onward.href);

if (main?.dataset.events !== undefined && "EventSource" in window) follow();

function follow() {
  let source;
  const open = () => {
    source = new EventSource("/events" + (main.dataset.events ? "?" + main.dataset.events : ""));
    source.onopen = () => tell("live");
    source.onmessage = ({ data }) => show(JSON.parse(data));
    source.onerror = () => {
      tell("not live");
      // A refusal is final for the browser: ask again later.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 30_000);
    };
  };
  open();
  addEventListener("pagehide", () => source.close());
}

function tell(text) {
  if (!light) return;
  light.hidden = false;
  light.textContent = text;
  light.classList.toggle("off", text !== "live");
}

function show({ revision, slots }) {
  for (const [key, text] of Object.entries(slots)) {
    for (const slot of document.querySelectorAll(`[data-live="${CSS.escape(key)}"]`)) {
      if (slot.localName === "path") slot.setAttribute("d", text);
      else if (slot.textContent !== text) slot.textContent = text;
    }
  }
  if (String(revision) !== main.dataset.revision) moved(revision);
}

// Something moved. The page is fetched anew, unless somebody is typing in it.
async function moved(revision) {
  main.dataset.revision = revision;
  const busy = main.contains(document.activeElement) && document.activeElement !== main;
  if (busy || main.querySelector("details.danger[open]")) return offer(revision);
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) return offer(revision);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  main.replaceChildren(...page.querySelector("main").childNodes);
}

function offer(revision) {
  const old = main.querySelector(".offer");
  const note = old ?? document.createElement("p");
  note.className = "notice offer";
  note.setAttribute("role", "status");
  const link = document.createElement("a");
  link.href = location.pathname;
  link.textContent = "Show it";
  note.replaceChildren(`Revision ${revision} is new. `, link);
  if (!old) main.prepend(note);
}
