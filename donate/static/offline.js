// Finds donors while a name or an e-mail address is typed. Without this script, a button does it.
"use strict";

const field = document.getElementById("find");
const list = document.getElementById("found-donors");

if (field && list) {
  let timer = 0;
  let asked = null;

  async function find() {
    const typed = field.value.trim();
    asked?.abort();
    if (typed.length < 2) return;
    asked = new AbortController();
    try {
      const query = new URLSearchParams({ find: typed });
      const answer = await fetch(`/finance/offline/donors?${query}`, { signal: asked.signal });
      if (!answer.ok || answer.redirected) return;
      const chosen = list.querySelector(":checked")?.value;
      list.innerHTML = await answer.text();
      const again = [...list.querySelectorAll("input")].find((one) => one.value === chosen);
      if (again) again.checked = true;
    } catch {
      // The search was replaced by a newer one, or there is no network: the button still works.
    }
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, 200);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    clearTimeout(timer);
    find().then(() => list.querySelector("input")?.focus());
  });
}
