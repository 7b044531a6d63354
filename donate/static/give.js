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
    if (reason) reasons.push(form.dataset.why.replace("#mode", nameOf(radio)).replace("#why", reason));
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
  const step = BigInt(button.dataset.step);
  const enough = (BigInt(wanted) + BigInt(fixedMinor)) * 10000n / (10000n - BigInt(basisPoints));
  let charged = Number((enough / step) * step);
  while (left(charged) < wanted) charged += Number(step);
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
  const wanted = preset && preset !== other ? Number(preset.value) : typedAmount();
  const covered = cover?.checked && fee?.basisPoints;
  const charged = wanted && covered && wanted <= fee.most ? withFeeCovered(wanted, fee) : wanted;
  // What the server would refuse is not promised.
  if (!charged || charged < fee?.least || charged > fee?.most) {
    button.textContent = plainLabel;
    return;
  }
  const written = covered || !preset || preset === other
    ? inWords(charged)
    : preset.labels[0].textContent;
  const monthly = form.querySelector("[name=frequency][value=monthly]:checked");
  const { withAmount, withAmountMonthly } = button.dataset;
  button.textContent = (monthly ? withAmountMonthly : withAmount).replace("#", written);
}

// What was typed, in minor units, as `read_amount` of the server reads it; 0 where it refuses that.
function typedAmount() {
  const { currency, sign, group, step, digits } = button.dataset;
  const [whole, mark, minor] = atTheDecimalMark(bareAmount(currency, sign), group);
  const found = WHOLE.exec(whole);
  if (!found || (mark && (found.groups.sep === mark || !/^[0-9]+$/.test(minor)))) return 0;
  const major = whole.replace(/[^0-9]/g, "").replace(/^0+(?=.)/, "");
  if (minor.length > digits || major.length > MOST_DIGITS - digits) return 0;
  const read = Number(major + minor.padEnd(digits, "0"));
  return read % step ? 0 : read;
}

// No thousands begin with a zero: who types `0,500` means half of one, not five hundred.
const WHOLE = /^(?:[0-9]+|[1-9][0-9]{0,2}(?<sep>[ ,.\u2019'])[0-9]{3}(?:\k<sep>[0-9]{3})*)$/;
const MOST_DIGITS = 12;

function bareAmount(currency, sign) {
  let typed = amount.value.replace(/[\u00a0\u202f\u2009]/g, " ").trim().toUpperCase();
  for (const named of sign ? [currency, currency.slice(0, 2) + sign, sign] : [currency]) {
    if (typed.startsWith(named)) typed = typed.slice(named.length);
    if (typed.endsWith(named)) typed = typed.slice(0, -named.length);
    typed = typed.trim();
  }
  return typed;
}

function atTheDecimalMark(typed, group) {
  const marks = typed.match(/[.,]/g) ?? [];
  const mark = marks.at(-1);
  if (!mark) return [typed, "", ""];
  const place = typed.lastIndexOf(mark);
  const minor = typed.slice(place + 1);
  const alone = new Set(marks).size === 1;
  if (alone && minor.length === 3 && mark === group) return [typed, "", ""];
  return [typed.slice(0, place), mark, minor];
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
