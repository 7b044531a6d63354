// Makes the Give form quicker to use. The form works without it, and the server checks everything.
"use strict";

const form = document.getElementById("give");
const amount = document.getElementById("amount");
const country = document.getElementById("country");
const button = document.getElementById("give-button");
const news = document.getElementById("mode-news");

document.getElementById("problems")?.focus();

const isMonthly = () =>
  form.querySelector("[name=frequency][value=monthly]:is(:checked, [type=hidden])") !== null;

// The amounts of one frequency have the same name. "Other" is one of them.
const presetsFor = (monthly) => form.querySelectorAll(`[name=${monthly ? "preset_monthly" : "preset"}]`);
const chosenPreset = () => [...presetsFor(isMonthly())].find((preset) => preset.checked);
const isOther = (preset) => preset?.value === "other";

for (const other of form.querySelectorAll("[id$=-other]")) {
  // Focus the amount field on a click only: arrow keys also change the choice, and keep the focus.
  other.addEventListener("click", (event) => {
    if (event.detail > 0) amount.focus();
  });
}
amount.addEventListener("input", () => {
  const other = [...presetsFor(isMonthly())].find(isOther);
  if (other && amount.value) other.checked = true;
});

// Keeps the chosen amount when the donor switches the frequency, if it is offered there too.
function carryOverTheAmount() {
  const before = [...presetsFor(!isMonthly())].find((preset) => preset.checked);
  if (!before || chosenPreset()) return;
  const same = [...presetsFor(isMonthly())].find((preset) => preset.value === before.value);
  if (same) same.checked = true;
}

// A mistake is no longer pointed out once its field was changed.
form.addEventListener("input", ({ target }) => {
  const group = target.closest(".field, fieldset");
  for (const field of group ? [group, ...group.querySelectorAll("[aria-invalid]")] : []) {
    field.removeAttribute("aria-invalid");
  }
  for (const error of group?.querySelectorAll(".error") ?? []) error.remove();
  if (!form.querySelector(".error")) document.getElementById("problems")?.remove();
});

function whyNot(choice) {
  const { countries, elsewhere, notMonthly } = choice.dataset;
  if (notMonthly && isMonthly()) return notMonthly;
  return countries && !countries.split(" ").includes(country.value) ? elsewhere : "";
}

// The mode that the country or the frequency ruled out. It is chosen again as soon as it is allowed,
// unless the donor chooses another mode first.
let unchosen = null;

const choiceOf = (radio) => radio.closest(".mode");
const nameOf = (radio) => choiceOf(radio).querySelector("label").textContent;

function updateModes() {
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

// Chooses another mode if the chosen one is ruled out, and says so next to the field that ruled it
// out.
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
  const [reason, switched] = unchosen ? [whyNot(choiceOf(unchosen)), replacement()] : ["", ""];
  const byFrequency = reason && reason === choiceOf(unchosen).dataset.notMonthly;
  const note = [switched, reason].filter(Boolean).join(" ");
  showNote("frequency", byFrequency ? note : "");
  showNote("country", byFrequency ? "" : note);
  return note;
}

function replacement() {
  const chosen = form.querySelector("[name=mode]:checked");
  const { instead, none } = form.dataset;
  return (chosen ? instead.replace("#new", nameOf(chosen)) : none).replace("#old", nameOf(unchosen));
}

function showNote(field, text) {
  const note = document.getElementById(`${field}-note`);
  if (note) note.textContent = text;
}

for (const field of [country, ...form.querySelectorAll("[name=frequency]")]) {
  field.addEventListener("change", () => {
    carryOverTheAmount();
    news.textContent = updateModes();
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

// The smallest amount that leaves `wanted` after the fee. Same rule as `fee_cover` on the server.
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
  const written = new Intl.NumberFormat(document.documentElement.lang, {
    style: "currency", currency, trailingZeroDisplay: "stripIfInteger",
  });
  return written.format(minor / 10 ** digits);
}

function nameTheAmount() {
  const fee = document.querySelector(".mode:has(:checked)")?.dataset;
  const cover = document.getElementById("cover_fee");
  if (cover && fee) {
    // A mode without a fee has nothing to cover.
    cover.disabled = !fee.basisPoints;
    if (cover.disabled) cover.checked = false;
  }
  const preset = chosenPreset();
  const wanted = preset && !isOther(preset) ? Number(preset.value) : typedAmount();
  if (cover) nameTheFee(cover.labels[0], fee, wanted);
  const covered = cover?.checked && fee?.basisPoints;
  const charged = wanted && covered && wanted <= fee.most ? withFeeCovered(wanted, fee) : wanted;
  // Do not name an amount that the server would refuse.
  if (!charged || charged < fee?.least || charged > fee?.most) {
    button.textContent = plainLabel;
    return;
  }
  const written = covered || !preset || isOther(preset)
    ? inWords(charged)
    : preset.labels[0].textContent;
  const { withAmount, withAmountMonthly } = button.dataset;
  button.textContent = (isMonthly() ? withAmountMonthly : withAmount).replace("#", written);
}

function nameTheFee(label, fee, wanted) {
  label.dataset.plain ??= label.textContent;
  const added = wanted && fee?.basisPoints && wanted <= fee.most ? withFeeCovered(wanted, fee) - wanted : 0;
  label.textContent = added
    ? label.dataset.withAmount.replace("#fee", inWords(added)).replace("#amount", inWords(wanted))
    : label.dataset.plain;
  document.getElementById("cover_fee-hint").hidden = added > 0;
}

// The typed amount in minor units, or 0 if it is not valid. Same rule as `read_amount` on the server.
function typedAmount() {
  const { currency, sign, group, step, digits } = button.dataset;
  const [whole, mark, minor] = atTheDecimalMark(bareAmount(currency, sign), group);
  const match = WHOLE.exec(whole);
  if (!match || (mark && (match.groups.sep === mark || !/^[0-9]+$/.test(minor)))) return 0;
  const major = whole.replace(/[^0-9]/g, "").replace(/^0+(?=.)/, "");
  if (minor.length > digits || major.length > MOST_DIGITS - digits) return 0;
  const units = Number(major + minor.padEnd(digits, "0"));
  return units % step ? 0 : units;
}

// A number with thousands never begins with zero: `0,500` means a half, not five hundred.
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
  // Disable the button after the form is sent, or the form would lose the button's own value.
  setTimeout(() => {
    if (!event.defaultPrevented) button.disabled = true;
  });
});
window.addEventListener("pageshow", () => {
  // Also runs after "back", when the browser restores the form.
  button.disabled = false;
  updateModes();
  nameTheAmount();
});
