// The provider's live page: an event of the feed says "something happened", then the page is read
// again and its live part replaced, so every word and every time comes from the server.

import { elapsed } from "./elapsed.js";

const RETRY_MS = 10_000;
const ARRIVALS = new Set(["lobby", "connected"]);

const news = document.getElementById("news");
const connection = document.getElementById("connection");
const sound = document.getElementById("sound");
let audio = null;
let feed = null;
let reading = false;
let again = false;
let current = true; // whether the page shows what the last reading brought

const live = () => document.getElementById("live");
let newest = Number(live().dataset.newest); // number of the last event this page knows of
const newestLine = () => document.querySelector("#timeline li")?.textContent.trim() ?? "";

async function refresh() {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  try {
    const answer = await fetch(location.pathname, { credentials: "same-origin", cache: "no-store" });
    if (answer.status >= 500) {
      throw new Error("not now");
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (page.getElementById("live")) {
      show(page);
    } else {
      location.reload(); // the server says why this browser may not see it any more
    }
    current = true;
  } catch {
    current = false;
    setTimeout(refresh, RETRY_MS);
  } finally {
    reading = false;
    tellConnection();
  }
  if (again) {
    again = false;
    await refresh();
  }
}

function show(page) {
  const before = [newestLine(), state()];
  for (const part of document.querySelectorAll("[data-live]")) {
    part.replaceWith(document.adoptNode(page.getElementById(part.id)));
  }
  document.title = page.title;
  elapsed(document);
  if (newestLine() !== before[0] || state() !== before[1]) {
    news.textContent = `${newestLine()}. ${state()}`;
  }
}

function state() {
  return document.getElementById("visit-state").textContent.trim();
}

function heard(message) {
  const told = JSON.parse(message.data);
  const number = Number(message.lastEventId);
  const isNew = number > newest;
  newest = Math.max(newest, number);
  if (isNew && told.role === "patient" && ARRIVALS.has(told.label)) {
    beep();
  }
  refresh();
}

function tellConnection() {
  connection.hidden = current && feed.readyState === EventSource.OPEN;
}

function listen() {
  feed = new EventSource(live().dataset.feed, { withCredentials: true });
  feed.addEventListener("visit", heard);
  feed.addEventListener("open", () => {
    tellConnection();
    refresh(); // what happened between this page and the stream
  });
  feed.addEventListener("error", () => {
    tellConnection();
    if (feed.readyState === EventSource.CLOSED) {
      setTimeout(() => {
        refresh();
        listen();
      }, RETRY_MS);
    }
  });
}

function beep() {
  if (audio === null) {
    return;
  }
  for (const [start, pitch] of [[0, 660], [0.22, 880]]) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const at = audio.currentTime + start;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.25, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.2);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.2);
  }
}

sound.hidden = false;
sound.addEventListener("click", async () => {
  if (audio === null) {
    audio = new AudioContext();
    beep();
  } else {
    await audio.close();
    audio = null;
  }
  sound.setAttribute("aria-pressed", String(audio !== null));
});

elapsed(document);
setInterval(() => elapsed(document), 15_000);
listen();
