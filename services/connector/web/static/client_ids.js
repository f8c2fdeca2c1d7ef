// Test and production have client ids of their own: choosing the other kind swaps those not edited.

const kind = document.getElementById("environment");
let before = kind.value;

kind.addEventListener("change", () => {
  for (const offered of document.querySelectorAll("[data-test][data-production]")) {
    const field = offered.querySelector("input");
    if (field.value === offered.dataset[before]) {
      field.value = offered.dataset[kind.value];
    }
  }
  before = kind.value;
});
