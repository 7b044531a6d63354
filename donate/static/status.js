// Polls this page while a payment awaits its confirmation, and shows the new status.
"use strict";

const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 10000;
const GIVE_UP_AFTER_MS = 120000;

async function fetchPage() {
  let answer;
  try {
    answer = await fetch(location.href, { cache: "no-store" });
  } catch {
    return null; // The network may be back at the next attempt.
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
  let isWaiting = "reloads" in document.getElementById("gift").dataset;
  while (isWaiting && Date.now() < until) {
    await new Promise((resume) => setTimeout(resume, pause));
    pause = Math.min(pause * 1.25, LONGEST_PAUSE_MS);
    const fresh = await fetchPage();
    if (fresh) isWaiting = "reloads" in show(fresh).dataset;
  }
}

watch();
