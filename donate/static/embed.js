// Opens a Give dialog on any web page, then goes on to the payment or the gift's page. It never asks
// for a card number.
"use strict";

(() => {
  const script = document.currentScript;
  const service = new URL(script.src).origin;

  const WORDS = {
    en: {
      give: "Give",
      close: "Close",
      amount: "Amount",
      other: "Other amount",
      often: "How often",
      once: "One-time gift",
      monthly: "Monthly gift",
      how: "How would you like to give?",
      name: "Name",
      email: "E-mail",
      more: "More options",
      onceOnly: "One-time gifts only.",
      elsewhere: "Canada only.",
      country: "I live in another country",
      wait: "One moment…",
      check: "Please check what you entered.",
      write: "Please enter the amount in digits, such as 50 or 50.25.",
      choose: "Please choose a payment method.",
      instead: "Chosen instead of #.",
      fill: "Please fill this in.",
    },
    fr: {
      give: "Donner",
      close: "Fermer",
      amount: "Montant",
      other: "Autre montant",
      often: "Fréquence",
      once: "Don unique",
      monthly: "Don mensuel",
      how: "Comment souhaitez-vous donner?",
      name: "Nom",
      email: "Courriel",
      more: "Autres options",
      onceOnly: "Dons uniques seulement.",
      elsewhere: "Au Canada seulement.",
      country: "J’habite dans un autre pays",
      wait: "Un instant…",
      check: "Veuillez vérifier ce que vous avez inscrit.",
      write: "Veuillez inscrire le montant en chiffres, par exemple 50 ou 50,25.",
      choose: "Veuillez choisir un mode de paiement.",
      instead: "Choisi à la place de #.",
      fill: "Veuillez remplir ce champ.",
    },
  };

  const STYLE = `
    :host { color-scheme: light dark; }
    dialog {
      box-sizing: border-box; width: min(30rem, 100vw - 1rem); max-height: 100vh; overflow: auto;
      padding: 1.25rem; border: 0; border-radius: var(--donate-radius, 1rem);
      font: 1rem/1.5 var(--donate-font, system-ui, sans-serif);
      color: var(--donate-ink, light-dark(#26201a, #f3eee6));
      background: var(--donate-paper, light-dark(#ffffff, #201d1a));
    }
    dialog::backdrop { background: rgb(0 0 0 / 55%); }
    h2 { margin: 0 0 .5rem; font-size: 1.375rem; }
    fieldset { margin: 0 0 1rem; padding: 0; border: 0; display: grid; gap: .5rem; }
    legend { padding: 0 0 .25rem; font-weight: 600; }
    .row { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: .5rem; }
    label { display: flex; gap: .625rem; align-items: center; min-height: 2.75rem; }
    .box { padding: 0 .75rem; border: 1px solid currentColor; border-radius: .625rem; }
    .box:has(:checked) { outline: 2px solid var(--donate-accent, light-dark(#1f5c4d, #7fd1b9)); }
    .box:has(:disabled) { opacity: .7; border-style: dashed; }
    .field { display: block; }
    .field input { box-sizing: border-box; width: 100%; min-height: 2.75rem; padding: 0 .75rem;
      font: inherit; color: inherit; background: transparent; border: 1px solid currentColor;
      border-radius: .625rem; }
    small { display: block; }
    .error { color: light-dark(#a3211d, #ffb4ab); margin: 0; font-weight: 600; }
    .acts { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; }
    button { min-height: 2.75rem; padding: 0 1.25rem; font: inherit; font-weight: 600;
      border-radius: 99rem; border: 2px solid var(--donate-accent, light-dark(#1f5c4d, #7fd1b9));
      color: inherit; background: transparent; cursor: pointer; }
    button[type=submit] { background: var(--donate-accent, light-dark(#1f5c4d, #7fd1b9));
      color: var(--donate-on-accent, light-dark(#ffffff, #10231e)); }
    a { color: inherit; }
    :focus-visible { outline: 3px solid var(--donate-accent, light-dark(#1f5c4d, #7fd1b9));
      outline-offset: 2px; }
  `;

  const language = () => (document.documentElement.lang || "en").slice(0, 2) === "fr" ? "fr" : "en";

  function make(tag, properties, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  function choice(name, value, text, checked) {
    const input = make("input", { type: "radio", name, value, checked });
    return make("label", { className: "box" }, input, make("span", {}, text));
  }

  // Returns minor units, or null if the amount is not valid.
  function minorUnits(typed, digits) {
    const match = /^(\d{1,10})(?:[.,](\d+))?$/.exec(typed.replace(/[\s$]/g, ""));
    if (!match || (match[2] ?? "").length > digits) return null;
    return Number(match[1] + (match[2] ?? "").padEnd(digits, "0")) || null;
  }

  // Not randomUUID: it needs https.
  const newKey = () =>
    Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("");

  class Dialog {
    constructor(region, opener) {
      this.region = region;
      this.words = WORDS[language()];
      this.tag = region.languages.find((tag) => tag.startsWith(language())) ?? region.languages[0];
      this.key = newKey();
      this.host = make("div", {});
      const root = this.host.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      this.form = this.build();
      this.dialog = make("dialog", {}, this.form);
      this.dialog.setAttribute("aria-labelledby", "title");
      this.dialog.addEventListener("close", () => {
        this.host.remove();
        opener.focus();
      });
      root.append(this.dialog);
    }

    show() {
      document.body.append(this.host);
      this.dialog.showModal();
    }

    money(minor) {
      const { currency, minor_digits: digits } = this.region;
      const style = { style: "currency", currency, minimumFractionDigits: minor % 10 ** digits ? digits : 0 };
      return new Intl.NumberFormat(this.tag, style).format(minor / 10 ** digits);
    }

    build() {
      const { words, region } = this;
      const presets = region.presets_minor.map((minor) => choice("preset", minor, this.money(minor)));
      const amount = make("input", { name: "amount", inputMode: "decimal", autocomplete: "off", maxLength: 20 });
      amount.addEventListener("input", () => {
        for (const preset of this.form.querySelectorAll("[name=preset]")) preset.checked = false;
      });
      const often = region.frequencies.map((each, at) => choice("frequency", each, words[each], at === 0));
      const modes = region.modes.map(({ mode, name }, at) => choice("mode", mode, name[language()], at === 0));
      for (const mode of modes) mode.append(make("small", {}));
      const more = make("a", { href: this.page() }, words.more);
      more.addEventListener("click", () => {
        more.href = this.page();
      });
      const abroad = make("input", { type: "checkbox", name: "abroad" });
      const form = make(
        "form",
        { noValidate: true },
        make("h2", { id: "title" }, `${words.give} · ${region.name[language()]}`),
        this.group("amount_minor", words.amount, make("div", { className: "row" }, ...presets),
          make("label", { className: "field" }, `${words.other} (${region.currency})`, amount)),
        ...(often.length > 1 ? [this.group("frequency", words.often, make("div", { className: "row" }, ...often))] : []),
        this.group("mode", words.how, ...modes,
          ...(region.modes.some(({ countries }) => countries.length)
            ? [make("label", {}, abroad, words.country)] : [])),
        this.group("donor", "", this.field("name", words.name, "name", "text"),
          this.field("email", words.email, "email", "email")),
        make("p", { className: "error", id: "problem", role: "alert" }),
        make("div", { className: "acts" }, make("button", { type: "submit" }, words.give),
          this.closer(), more),
      );
      form.addEventListener("change", () => this.updateModes(form));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        this.give();
      });
      this.updateModes(form);
      return form;
    }

    group(name, legend, ...children) {
      const made = make("fieldset", { id: name }, ...children);
      if (legend) made.prepend(make("legend", {}, legend));
      return made;
    }

    field(name, text, autocomplete, type) {
      return make("label", { className: "field" }, text, make("input", { name, autocomplete, type }));
    }

    closer() {
      const made = make("button", { type: "button" }, this.words.close);
      made.addEventListener("click", () => this.dialog.close());
      return made;
    }

    // The address of the full Give form, filled in with the donor's choice.
    page() {
      const url = new URL(`/give/${this.region.code}`, service);
      const chosen = this.form ? new FormData(this.form) : new FormData();
      const minor = this.form ? this.minor(chosen) : null;
      url.searchParams.set("lang", this.tag);
      for (const name of ["mode", "frequency"]) {
        if (chosen.get(name)) url.searchParams.set(name, chosen.get(name));
      }
      if (chosen.get("abroad")) url.searchParams.set("country", "");
      if (minor) url.searchParams.set("amount", (minor / 10 ** this.region.minor_digits).toFixed(this.region.minor_digits));
      return url.href;
    }

    updateModes(form) {
      const chosen = new FormData(form);
      for (const { mode, countries, monthly } of this.region.modes) {
        const radio = form.querySelector(`[name=mode][value=${mode}]`);
        let why = "";
        if (chosen.get("frequency") === "monthly" && !monthly) why = this.words.onceOnly;
        else if (countries.length && chosen.get("abroad")) why = this.words.elsewhere;
        radio.disabled = Boolean(why);
        radio.parentElement.querySelector("small").textContent = why;
      }
      const ruledOut = form.querySelector("[name=mode]:checked:disabled");
      const other = form.querySelector("[name=mode]:enabled");
      if (ruledOut && other) {
        other.checked = true;
        const [text, note] = [ruledOut.nextSibling.textContent, other.parentElement.lastChild];
        note.textContent = this.words.instead.replace("#", text);
      }
    }

    minor(chosen) {
      const preset = chosen.get("preset");
      return preset ? Number(preset) : minorUnits(chosen.get("amount") ?? "", this.region.minor_digits);
    }

    // Shows a problem next to its field, if there is one.
    say(sentence, ...places) {
      const problem = this.form.querySelector("#problem");
      for (const marked of this.form.querySelectorAll("[aria-invalid]")) {
        marked.removeAttribute("aria-invalid");
        marked.removeAttribute("aria-describedby");
      }
      const place = [...places, ".acts"].map((each) => this.form.querySelector(each)).find(Boolean);
      const field = place?.matches("input") ? place : place?.querySelector("input:enabled");
      if (place === field) field?.closest("label").before(problem);
      else place.prepend(problem);
      problem.textContent = sentence;
      field?.setAttribute("aria-invalid", "true");
      field?.setAttribute("aria-describedby", "problem");
      field?.focus();
    }

    async give() {
      const chosen = new FormData(this.form);
      const minor = this.minor(chosen);
      if (!minor) return this.say(this.words.write, "[name=amount]");
      if (!chosen.get("mode")) return this.say(this.words.choose, "#mode");
      for (const name of ["name", "email"]) {
        if (!chosen.get(name).trim()) return this.say(this.words.fill, `[name=${name}]`);
      }
      // The full form asks for the country.
      if (chosen.get("abroad")) return location.assign(this.page());
      const button = this.form.querySelector("[type=submit]");
      button.disabled = true;
      button.textContent = this.words.wait;
      const gift = {
        code: this.region.code,
        mode: chosen.get("mode"),
        amount_minor: minor,
        currency: this.region.currency,
        frequency: chosen.get("frequency") ?? this.region.frequencies[0],
        country: this.region.country,
        language: this.tag,
        donor: { name: chosen.get("name"), email: chosen.get("email") },
      };
      try {
        const response = await fetch(`${service}/api/v1/gifts`, {
          method: "POST",
          headers: {
            "Content-Type": "application/json",
            "Accept-Language": this.tag,
            "Idempotency-Key": await this.keyFor(gift),
          },
          body: JSON.stringify(gift),
        });
        const answer = await response.json();
        if (response.ok) {
          this.key = newKey(); // a donor who comes back gives another gift
          return location.assign(answer.next.kind === "redirect" ? answer.next.url : answer.status_url);
        }
        if (response.status === 422 && answer.errors?.length) {
          const [{ detail, pointer }] = answer.errors;
          const place = pointer.split("/");
          const name = place.at(-1) === "amount_minor" ? "amount" : place.at(-1);
          return this.say(detail, `[name=${name}]:not([type=radio])`, `#${place[1]}`);
        }
        location.assign(this.page());
      } catch {
        // The origin is not allowed, or the network failed.
        location.assign(this.page());
      } finally {
        button.disabled = false;
        button.textContent = this.words.give;
      }
    }

    // A changed form gets a new key, because it is another gift.
    async keyFor(gift) {
      const bytes = new TextEncoder().encode(JSON.stringify(gift));
      let sum = 0;
      for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
      return `${this.key}:${sum >>> 0}`;
    }
  }

  // Keep closed dialogs, so that they open again with the text that was typed.
  const dialogs = new WeakMap();

  async function open(event, link) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    if (link.ariaBusy === "true") return;
    link.ariaBusy = "true";
    try {
      if (!dialogs.has(link)) {
        const response = await fetch(`${service}/api/v1/regions/${encodeURIComponent(link.dataset.donate)}`);
        if (!response.ok) throw new Error("no such region");
        dialogs.set(link, new Dialog(await response.json(), link));
      }
      dialogs.get(link).show();
    } catch {
      location.assign(link.href);
    } finally {
      link.ariaBusy = null;
    }
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-donate]");
    if (link) open(event, link);
  });

  if (script.dataset.code) {
    const { code, label } = script.dataset;
    const link = make("a", { href: `${service}/give/${encodeURIComponent(code)}` }, label ?? WORDS[language()].give);
    link.dataset.donate = code;
    script.after(link);
  }
})();
