// Copy buttons. The page hides them; this script shows them.
"use strict";

document.documentElement.classList.add("can-copy");

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // The clipboard API fails over plain http or without permission. Copy from a text field instead.
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "visually-hidden";
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    return copied;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest(".copy");
  if (!button || !(await copy(button.dataset.copy))) return;
  button.focus();
  const label = button.firstChild;
  const before = button.dataset.label ?? (button.dataset.label = label.textContent);
  label.textContent = button.dataset.copied;
  document.getElementById("news").textContent = button.dataset.copied;
  clearTimeout(button.timer);
  button.timer = setTimeout(() => {
    label.textContent = before;
    document.getElementById("news").textContent = "";
  }, 2500);
});
