// Filters the overview while somebody types; the form's Show button does the same on the server.

const form = document.getElementById("filter");

function filter() {
  const text = form.elements.organization.value.trim().toLocaleLowerCase();
  const state = form.elements.state.value;
  let found = 0;
  for (const section of document.querySelectorAll("[data-organization]")) {
    const named = section.dataset.organization.toLocaleLowerCase().includes(text);
    let shown = 0;
    for (const card of section.querySelectorAll("[data-states]")) {
      card.hidden = !named || (state !== "" && !card.dataset.states.split(" ").includes(state));
      shown += card.hidden ? 0 : 1;
    }
    section.hidden = shown === 0;
    found += shown;
  }
  document.getElementById("filter-found").textContent =
    found === 0 ? "No environment matches. Change the filter or show all." : `Shown: ${found}`;
}

form?.addEventListener("input", filter);
