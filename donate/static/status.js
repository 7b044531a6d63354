// Asks again for this page while a payment awaits its confirmation, and shows what has changed.
"use strict";

const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 10000;
const GIVE_UP_AFTER_MS = 120000;

async function look() {
  let answer;
  try {
    answer = await fetch(location.href, { cache: "no-store" });
  } catch {
    return null; // The network is away for a moment; the next look may find it.
  }
  if (!answer.ok) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function show(fresh) {
  const gift = document.getElementById("gift");
  const next = fresh.getElementById("gift");
  if (!next || next.dataset.status === gift.dataset.status) return next ?? gift;
  const hadFocus = gift.contains(document.activeElement);
  gift.replaceWith(next);
  document.title = fresh.title;
  document.getElementById("news").textContent = next.querySelector("#headline").textContent;
  if (hadFocus) document.getElementById("main").focus();
  return next;
}

async function watch() {
  const until = Date.now() + GIVE_UP_AFTER_MS;
  let pause = FIRST_PAUSE_MS;
  let looksAgain = "looksAgain" in document.getElementById("gift").dataset;
  while (looksAgain && Date.now() < until) {
    await new Promise((resume) => setTimeout(resume, pause));
    pause = Math.min(pause * 1.25, LONGEST_PAUSE_MS);
    const fresh = await look();
    if (fresh) looksAgain = "looksAgain" in show(fresh).dataset;
  }
}

watch();
