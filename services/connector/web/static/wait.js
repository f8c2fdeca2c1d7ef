// The patient's page: asks every two seconds whether the visit is open, and goes there by itself.

import { offerDeviceTest, releaseDevices, showConnection } from "./device_test.js";

const ASK_EVERY_MS = 2_000;
const GIVE_UP_MS = 8_000;

const wait = document.getElementById("wait");
const offline = document.getElementById("offline");

async function ask() {
  const began = performance.now();
  const answer = await fetch(wait.dataset.status, {
    cache: "no-store",
    credentials: "same-origin",
    signal: AbortSignal.timeout(GIVE_UP_MS),
  });
  if (answer.status >= 400 && answer.status < 500) {
    location.reload(); // this browser may not see the visit any more: the server says why
    return null;
  }
  if (!answer.ok) {
    throw new Error("not now");
  }
  const status = await answer.json();
  return { ...status, tookMs: performance.now() - began };
}

function go() {
  releaseDevices();
  document.getElementById("going").hidden = false;
  location.assign(wait.dataset.join);
}

async function look() {
  try {
    const status = await ask();
    if (status === null) {
      return;
    }
    offline.hidden = true;
    showConnection(status.tookMs, Number(wait.dataset.slowMs));
    if (status.can_join) {
      go();
      return;
    }
    if (status.state !== wait.dataset.state || status.reason !== wait.dataset.reason) {
      releaseDevices();
      location.reload();
      return;
    }
  } catch {
    offline.hidden = false;
    showConnection(null, 0);
  }
  setTimeout(look, ASK_EVERY_MS);
}

addEventListener("pagehide", releaseDevices);
offerDeviceTest();
look();
