// On the page of a bank line, keys press the button or link that names them: 1 to 5 accept a
// suggestion, n goes to the next open line. The switch on the page turns them off, because people
// who speak to their computer would press them by accident. A key that is held counts once, so that
// nobody accepts a line that they have not seen.
const KEY = "donate-bank-keys";
const choice = document.querySelector("#bank-keys");

if (choice) {
  choice.closest("p").hidden = false;
  choice.checked = localStorage.getItem(KEY) === "on";
  choice.addEventListener("change", () => localStorage.setItem(KEY, choice.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");
    if (!choice.checked || isTyping || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = document.querySelector(`[aria-keyshortcuts="${CSS.escape(event.key)}"]:not(input)`);
    if (target) {
      event.preventDefault();
      target.click();
    }
  });
}
