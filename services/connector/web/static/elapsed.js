// Adds "(3 min)" to every marked time, for people who wait.

export function elapsed(root) {
  for (const time of root.querySelectorAll("[data-since]")) {
    time.dataset.clock ??= time.textContent;
    const minutes = Math.floor((Date.now() - Date.parse(time.dateTime)) / 60_000);
    time.textContent =
      minutes >= 1 && minutes < 600 ? `${time.dataset.clock} (${minutes} min)` : time.dataset.clock;
  }
}
