// Opens the Give dialog over any web page. It never asks for a card number.
"use strict";
{
const script = document.currentScript, root = document.documentElement;
const service = new URL(script.src).origin;
const LINKS = `a[data-donate],a[href^="${service}/give/"]:not(.donate-page)`;

const WORDS = {
  give: ["Give", "Donner"],
  once: ["Once", "Une fois"],
  monthly: ["Monthly", "Mensuel"],
  every: [" every month", " chaque mois"],
  close: ["Close", "Fermer"],
  amount: ["Amount", "Montant"],
  other: ["Other amount", "Autre montant"],
  frequency: ["How often", "Fréquence"],
  fund: ["For", "Pour"],
  any: ["Where it’s needed most", "Là où c’est le plus utile"],
  mode: ["How would you like to give?", "Comment souhaitez-vous donner?"],
  name: ["Name", "Nom"],
  email: ["E-mail", "Courriel"],
  more: ["Another country or more options", "Autre pays ou autres options"],
  wait: ["One moment…", "Un instant…"],
  write: ["Please enter the amount in digits, such as 50 or 50.25.",
    "Veuillez inscrire le montant en chiffres, par exemple 50 ou 50,25."],
  fill: ["Please fill this in.", "Veuillez remplir ce champ."],
  instead: ["#: one-time gifts only.", "# : pour les dons uniques seulement."],
};

// `!important` keeps out the host page's rules. Lengths are in em, as host pages change the rem.
const style = ({ light, dark }) => `
:host{all:initial!important;display:contents!important;font:inherit!important;
  color-scheme:inherit!important;direction:ltr!important;
  --a:var(--donate-accent,light-dark(${light.base},${dark.base}));
  --ink:var(--donate-ink,light-dark(#26201a,#f3eee6));
  --paper:var(--donate-paper,light-dark(#fff,#201d1a));
  --soft:color-mix(in srgb,var(--ink) 75%,var(--paper));
  --edge:1px solid color-mix(in srgb,var(--ink) 55%,var(--paper));
  --r:var(--donate-radius,.75em)}
*{box-sizing:border-box;margin:0}
button,a[data-theme]{display:inline-block;min-height:2.75em;padding:.5em 1.5em;font:inherit;
  font-weight:600;border:2px solid var(--a);border-radius:var(--r);background:var(--a);
  color:var(--donate-on-accent,light-dark(${light.on},${dark.on}));text-decoration:none}
a:not(.donate-page,[data-theme=filled]){color:var(--a);background:none}
a[data-theme=plain]{padding:.5em 0;border-color:transparent;text-decoration:underline}
dialog{width:28em;margin:auto;padding:0;border:1px solid transparent;border-radius:var(--r);
  color:var(--ink);background:var(--paper);accent-color:var(--a);scroll-padding:7em;
  font:medium/1.5 var(--donate-font,system-ui,sans-serif)}
dialog::backdrop{background:#0008}
form,fieldset{display:grid;grid:auto/100%;gap:.875em;padding:0 1.5em}
fieldset{gap:.5em;padding:0;border:0;min-width:0}
.top,.end{position:sticky;z-index:1;background:var(--paper)}
.top{top:0;display:flex;justify-content:space-between;padding-top:1em}
.top button{width:2.75em;padding:0;border:0;margin:-.5em -1em 0;color:inherit;background:none}
.end{bottom:0;padding:.5em 0 .75em}
.end button{width:100%}
h2{font-size:1.5em;line-height:1.25}
p,small,.donate-page,legend,.field{color:var(--soft);font-size:.875em;line-height:1.4}
legend,.field{padding:0 0 .5em;font-weight:600}
.error{color:light-dark(#a3211d,#ffb4ab);font-weight:600;padding-top:.25em}
.error:empty,input:not(:checked,:disabled)~small{display:none}
.row{display:flex;flex-wrap:wrap;gap:.5em}
.row label,.field,.modes{border:var(--edge);border-radius:var(--r);overflow:clip}
.row label{position:relative;display:grid;place-items:center;flex:1;min-width:3.5em;min-height:2.75em}
.row input{position:absolute;inset:0;opacity:0}
.row label:has(>:checked){border-color:var(--a);box-shadow:inset 0 0 0 1px var(--a)}
label:has(>:checked){background:color-mix(in srgb,var(--a) 10%,var(--paper))}
.field{display:flex;flex-wrap:wrap;align-items:center;padding:0 0 0 .75em}
.field>*{flex:1 8em;min-width:0;min-height:2.75em;padding:0 .75em;border:0;outline:0;color:inherit;
  font:inherit;font-size:medium;font-weight:400;background:none}
.modes label{display:grid;grid-template-columns:auto 1fr;column-gap:.75em;padding:.5em .75em;
  min-height:2.75em;align-content:center;align-items:center}
.modes label+label{border-top:var(--edge)}
small{grid-column:2}
:disabled+span{color:var(--soft)}
:focus-visible,label:has(:focus-visible){outline:3px solid var(--a);outline-offset:2px}
label:has(:focus-visible){outline-offset:-2px}
@media (width<30em){dialog{width:100%;max-width:none;max-height:100dvh;margin-bottom:0;
  border-radius:var(--r) var(--r) 0 0}}
@media (forced-colors:active){*{color:CanvasText!important}label:has(>:checked) *{
  color:HighlightText!important}label:has(>:checked){forced-color-adjust:none;background:Highlight}}`;

function make(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const name in attributes) made.setAttribute(name, attributes[name]);
  made.append(...children);
  return made;
}

function shield(element, region) {
  const host = make("span"), sheet = new CSSStyleSheet();
  sheet.replaceSync(style(region.accents));
  element.replaceWith(host);
  host.attachShadow({ mode: "open" }).append(element);
  host.shadowRoot.adoptedStyleSheets = [sheet];
  return host;
}

// Returns minor units; 0 if the amount is not valid.
function minorUnits(typed = "", { minor_digits: digits, minor_step: step }) {
  const text = typed.replace(/[\s$]/g, "").replace(",", ".");
  const minor = Math.round(text * 10 ** digits);
  return RegExp(`^\\d{1,10}(\\.\\d{0,${digits}})?$`).test(text) && minor % step === 0 ? minor : 0;
}

const address = (code, given) => `${service}/give/${code}?${new URLSearchParams(given)}`;

function build(region, given, opener) { // returns a function that shows the dialog
  const tag = given.lang, lang = tag.slice(0, 2);
  const say = (name) => WORDS[name][+(lang === "fr")];
  const { currency, minor_digits: digits, modes, frequencies, funds } = region;
  let key, busy, pressed, overflow, wanted = given.mode ?? modes[0].mode;

  const find = (selector) => dialog.querySelector(selector);
  const values = () => ({ frequency: frequencies[0], fund: "",
    ...Object.fromEntries(new FormData(form)) });
  const minor = ({ preset, amount } = values()) => Number(preset) || minorUnits(amount, region);
  const money = (amount) => new Intl.NumberFormat(tag, { style: "currency", currency,
    trailingZeroDisplay: "stripIfInteger" }).format(amount / 10 ** digits);
  const error = (name) => make("p", { id: `${name}-error`, class: "error" });
  const radio = (name, value, text, checked, ...more) => make("label", {},
    make("input", { type: "radio", name, value, ...(checked && { checked }) }),
    make("span", {}, text), ...more);
  const group = (name, ...children) => make("fieldset", { "aria-label": say(name) }, ...children);
  const field = (name, text, more, tag = "input", ...options) => make("div", {},
    make("label", { class: "field" }, text,
      make(tag, { name, "aria-describedby": `${name}-error`, ...more }, ...options)), error(name));
  const fund = (key, text) => new Option(text, key, false, key === given.fund);

  const who = region.organisation[lang] || region.name[lang];
  const closer = make("button", { type: "button", "aria-label": say("close") }, "✕");
  const more = make("a", { class: "donate-page" }, say("more"));
  const row = (...radios) => make("div", { class: "row" }, ...radios), presets = row();
  const note = make("p", { role: "status" });
  const submit = make("button");
  const form = make("form", { novalidate: "" },
    make("div", { class: "top" }, make("div", {}, make("h2", {}, say("give")), make("p", {}, who)), closer),
    frequencies[1] ? group("frequency", row(...frequencies.map((each, at) =>
      radio("frequency", each, say(each), !at || each === given.frequency)))) : "",
    group("amount", presets, field("amount", `${say("other")} (${currency})`,
      { inputmode: "decimal", value: given.amount ?? "" })),
    Object.keys(funds)[0] ? field("fund", say("fund"), {}, "select", fund("", say("any")),
      ...Object.entries(funds).map(([key, name]) => fund(key, name[lang]))) : "",
    group("mode", make("legend", {}, say("mode")), make("div", { class: "modes" },
      ...modes.map(({ mode, name }) => radio("mode", mode, name[lang], false, make("small")))), note, more),
    field("name", say("name"), { autocomplete: "name" }),
    field("email", say("email"), { autocomplete: "email", type: "email" }),
    make("div", { class: "end" }, error("all"), submit));
  const dialog = make("dialog", { lang: tag, "aria-label": `${say("give")} · ${who}` }, form);
  const host = shield(dialog, region);

  // An amount that this frequency does not offer moves to the field.
  function offer() {
    const { preset, frequency } = values(), kept = minor(), typed = find("[name=amount]");
    const offered = region[frequency === "monthly" ? "presets_monthly_minor" : "presets_minor"];
    if (offered.includes(kept)) typed.value = "";
    else if (preset) typed.value = kept / 10 ** digits;
    presets.replaceChildren(...offered.map((each) =>
      radio("preset", each, money(each), each === kept)));
  }

  function update(isBusy) {
    busy = isBusy === true;
    // A changed form is another gift.
    if (!busy) key = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const { frequency, fund } = values();
    for (const { mode, help, not_monthly } of modes) {
      const why = frequency === "monthly" && not_monthly, input = find(`input[value=${mode}]`);
      input.disabled = why;
      input.labels[0].lastChild.textContent = (why || help)[lang];
    }
    const asked = find(`input[value=${wanted}]`);
    const used = asked.disabled ? find("[name=mode]:enabled") : asked;
    used.checked = true;
    note.textContent = used === asked ? "" : say("instead").replace("#", asked.nextSibling.textContent);
    submit.textContent = busy ? say("wait") : !minor() ? say("give")
      : `${say("give")} ${money(minor())}${frequency === "monthly" ? say("every") : ""}`;
    more.href = address(region.code, { ...given, frequency, mode: used.value,
      fund, amount: minor() / 10 ** digits || "" });
  }

  const problem = (name) => name === "amount" ? !minor() && say("write")
    : name !== "fund" && !values()[name]?.trim() && say("fill");

  function tell(name, sentence) {
    const input = find(`[name=${name}]`);
    find(`#${name}-error`).textContent = sentence || "";
    if (input) input.ariaInvalid = sentence ? "true" : null;
    return sentence;
  }

  async function give(event) {
    event.preventDefault();
    const wrong = ["amount", "name", "email"].filter((each) => tell(each, problem(each)));
    if (wrong[0]) return find("[aria-invalid]").focus();
    if (busy) return;
    update(true);
    const { mode, frequency, fund, name, email } = values();
    const headers = { "Content-Type": "application/json", "Accept-Language": tag, "Idempotency-Key": key };
    const gift = { code: region.code, mode, amount_minor: minor(), currency, frequency,
      country: region.country, language: tag, fund, donor: { name, email } };
    try {
      const response = await fetch(`${service}/api/v1/gifts`,
        { method: "POST", headers, body: JSON.stringify(gift) });
      const { next, status_url, title, detail = title, errors } = await response.json();
      if (response.status === 403) return location.assign(more.href);
      if (response.ok) return location.assign(next.url ?? status_url);
      for (const bad of errors ?? [{ detail, pointer: "" }]) {
        const place = bad.pointer.split("/").at(-1).replace("_minor", "");
        tell(find(`#${place}-error`) ? place : "all", bad.detail);
      }
      update();
      find("[aria-invalid]")?.focus();
    } catch {
      console.error(`Give dialog: no answer. Is ${location.origin} in EMBED_ORIGINS of ${service}?`);
      location.assign(more.href);
    }
  }

  form.oninput = ({ target: { name, value } }) => {
    if (name === "preset") find("[name=amount]").value = "";
    const preset = find("[name=preset]:checked");
    if (name === "amount" && preset) preset.checked = false;
    if (name === "mode") wanted = value;
    if (name === "frequency") offer();
    const mended = find(`#${name}-error`) ? name : "amount";
    if (!problem(mended)) tell(mended);
    tell("all");
    update();
  };
  form.onsubmit = give;
  addEventListener("pageshow", update);
  dialog.onpointerdown = ({ target }) => { pressed = target; };
  dialog.onclick = ({ target }) => {
    if (target === closer || (target === dialog && pressed === dialog)) dialog.close();
  };
  dialog.onclose = () => {
    host.remove();
    root.style.overflow = overflow;
    opener.focus();
  };
  // What a donor types must not reach shortcuts of the host page.
  host.onkeydown = host.onkeyup = (event) => event.stopPropagation();
  offer();
  update();

  return () => {
    if (dialog.open) return;
    ({ overflow } = root.style);
    root.style.overflow = "hidden";
    document.body.append(host);
    dialog.showModal();
    (find("fieldset:first-of-type :checked") ?? find("input")).focus();
  };
}

async function prepare(link) {
  const url = new URL(link.href, service), given = Object.fromEntries(url.searchParams);
  const { dataset } = link, code = dataset.donate || url.pathname.split("/")[2];
  for (const name of ["amount", "frequency", "mode", "fund", "lang"])
    if (name in dataset) given[name] = dataset[name];
  // A frame would cut off the dialog, and Stripe's page does not open there.
  if (self !== top) link.target = "_blank";
  link.href = address(code, given);
  const response = await fetch(`${service}/api/v1/regions/${code}`);
  if (!response.ok) throw Error(`giving code ${code}: ${response.status}`);
  const region = await response.json(), tags = region.languages;

  const check = (name, known, value = given[name], holds = known.includes(value)) => {
    if (value == null || holds) return value;
    console.warn(`Give button ${code} ignores ${name} "${value}". Known: ${known.join(", ") || "none"}.`);
    delete given[name];
  };
  const spoken = (lang) => tags.find((tag) => tag.slice(0, 2) === lang?.slice(0, 2));
  const minor = minorUnits(given.amount, region);
  check("frequency", region.frequencies);
  check("mode", region.modes.map(({ mode }) => mode));
  check("fund", Object.keys(region.funds));
  check("lang", tags, given.lang, spoken(given.lang));
  check("amount", ["digits as 50 or 50.25, within the limits"], given.amount,
    region.modes.some((mode) => minor >= mode.min_minor && minor <= mode.max_minor));
  given.lang = spoken(given.lang) ?? spoken(root.lang) ?? tags[0];
  link.href = address(code, given);
  if (check("theme", ["filled", "outline", "plain"], dataset.theme)) shield(link, region);
  return build(region, given, link);
}

const ready = (link) => link.giving ??= prepare(link).catch((error) => {
  console.error(`Give button: ${error.message}. Does this page's connect-src name ${service}?`);
});

addEventListener("click", async (event) => {
  const link = event.composedPath().find((each) => each.matches?.(LINKS));
  if (!link || self !== top || event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey
    || !CSS.supports("color", "light-dark(red,red)")) return;
  event.preventDefault();
  const show = await ready(link);
  if (show) show();
  else location.assign(link.href);
}, true);

const { code, lang = root.lang, label } = script.dataset;
if (code) {
  const link = make("a", {}, label ?? WORDS.give[+lang.startsWith("fr")]);
  Object.assign(link.dataset, { theme: "filled", ...script.dataset, donate: code });
  script.after(link);
}
const scan = () => document.querySelectorAll(LINKS).forEach(ready);
scan();
addEventListener("DOMContentLoaded", scan);
}
