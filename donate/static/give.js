// Makes the Give page quicker to use. Everything works without it, and the server decides.
"use strict";

const form = document.getElementById("give");
const amount = document.getElementById("amount");
const other = document.getElementById("preset-other");
const country = document.getElementById("country");
const button = document.getElementById("give-button");
const news = document.getElementById("mode-news");

document.getElementById("problems")?.focus();

if (other) {
  // A tap on "other amount" goes on to its field; arrow keys pass through the choices undisturbed.
  other.addEventListener("click", (event) => {
    if (event.detail > 0) amount.focus();
  });
  amount.addEventListener("input", () => {
    if (amount.value) other.checked = true;
  });
}

function whyNot(choice) {
  const { countries, elsewhere, notMonthly } = choice.dataset;
  if (notMonthly && form.querySelector("[name=frequency][value=monthly]:checked")) return notMonthly;
  return countries && !countries.split(" ").includes(country.value) ? elsewhere : "";
}

// What the donor had chosen before the country or the frequency ruled it out: it comes back with
// them, unless the donor chooses otherwise meanwhile.
let unchosen = null;

const choiceOf = (radio) => radio.closest(".mode");
const nameOf = (radio) => choiceOf(radio).querySelector("label").textContent;

function showWhatMayBeChosen() {
  const reasons = [];
  for (const choice of document.querySelectorAll(".mode")) {
    const radio = choice.querySelector("input");
    const reason = whyNot(choice);
    if (reason) reasons.push(`${nameOf(radio)}: ${reason}`);
    radio.disabled = Boolean(reason);
    choice.querySelector(".why").textContent = reason;
  }
  const switched = keepOneChosen();
  return [switched, ...reasons].filter(Boolean).join(" ");
}

// Never leaves a donor without a choice unawares: chooses another, and says so beside the field
// that ruled out the first.
function keepOneChosen() {
  const chosen = form.querySelector("[name=mode]:checked");
  if (unchosen && !unchosen.disabled) {
    unchosen.checked = true;
    unchosen = null;
  } else if (chosen?.disabled) {
    unchosen ??= chosen;
    chosen.checked = false;
    const other = form.querySelector("[name=mode]:enabled");
    if (other) other.checked = true;
  }
  const [reason, switched] = unchosen ? [whyNot(choiceOf(unchosen)), inItsPlace()] : ["", ""];
  const byFrequency = reason && reason === choiceOf(unchosen).dataset.notMonthly;
  const said = [switched, reason].filter(Boolean).join(" ");
  sayBeside("frequency", byFrequency ? said : "");
  sayBeside("country", byFrequency ? "" : said);
  return said;
}

function inItsPlace() {
  const chosen = form.querySelector("[name=mode]:checked");
  const { instead, none } = form.dataset;
  return (chosen ? instead.replace("#new", nameOf(chosen)) : none).replace("#old", nameOf(unchosen));
}

function sayBeside(field, said) {
  const note = document.getElementById(`${field}-note`);
  if (note) note.textContent = said;
}

for (const field of [country, ...form.querySelectorAll("[name=frequency]")]) {
  field.addEventListener("change", () => {
    news.textContent = showWhatMayBeChosen();
    nameTheAmount();
  });
}

for (const mode of form.querySelectorAll("[name=mode]")) {
  mode.addEventListener("change", () => {
    unchosen = null;
    keepOneChosen();
  });
}

const plainLabel = button.textContent;

// The least amount that leaves what is wanted after the fee, as the server reckons it.
function withFeeCovered(wanted, { basisPoints, fixedMinor }) {
  const left = (charged) =>
    charged - Math.floor((charged * basisPoints + 5000) / 10000) - Number(fixedMinor);
  let charged = wanted;
  while (left(charged) < wanted) charged += Number(button.dataset.step);
  return charged;
}

function inWords(minor) {
  const { currency, digits } = button.dataset;
  const written = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency });
  return written.format(minor / 10 ** digits);
}

function nameTheAmount() {
  const fee = document.querySelector(".mode:has(:checked)")?.dataset;
  const cover = document.getElementById("cover_fee");
  if (cover && fee) {
    // Where there is no fee, there is none to cover.
    cover.disabled = !fee.basisPoints;
    if (cover.disabled) cover.checked = false;
  }
  const preset = document.querySelector("[name=preset]:checked");
  const wanted = preset && preset !== other ? Number(preset.value) : plainlyTyped();
  if (!wanted) {
    button.textContent = plainLabel;
    return;
  }
  const covered = cover?.checked && fee?.basisPoints;
  const written = covered || !preset || preset === other
    ? inWords(covered ? withFeeCovered(wanted, fee) : wanted)
    : preset.labels[0].textContent;
  const monthly = form.querySelector("[name=frequency][value=monthly]:checked");
  const { withAmount, withAmountMonthly } = button.dataset;
  button.textContent = (monthly ? withAmountMonthly : withAmount).replace("#", written);
}

// Minor units where everybody reads the typed amount alike; the server reads the others.
function plainlyTyped() {
  const digits = Number(button.dataset.digits);
  const found = /^(\d{1,8})(?:[.,](\d{1,2}))?$/.exec(amount.value.trim());
  if (!found || (found[2] ?? "").length > digits) return 0;
  return Number(found[1] + (found[2] ?? "").padEnd(digits, "0"));
}

form.addEventListener("input", nameTheAmount);

form.addEventListener("submit", (event) => {
  // Only after the form is on its way, or the pressed button's own value would be lost.
  setTimeout(() => {
    if (!event.defaultPrevented) button.disabled = true;
  });
});
window.addEventListener("pageshow", () => {
  // Also after "back", when the browser has put in again what was chosen before.
  button.disabled = false;
  showWhatMayBeChosen();
  nameTheAmount();
});
