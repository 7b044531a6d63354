// Does the work of a challenge, and sends the form. Without this script, the donor waits instead.
"use strict";

const AT_A_TIME = 256;

const form = document.getElementById("challenge");
const news = document.getElementById("challenge-news");
const encoder = new TextEncoder();

async function hasZeroBits(text, bits) {
  const digest = await crypto.subtle.digest("SHA-256", encoder.encode(text));
  return new DataView(digest).getUint32(0) >>> (32 - bits) === 0;
}

async function work(token, bits) {
  for (let first = 0; ; first += AT_A_TIME) {
    const numbers = Array.from({ length: AT_A_TIME }, (_, index) => first + index);
    const found = await Promise.all(numbers.map((number) => hasZeroBits(`${token}:${number}`, bits)));
    if (found.includes(true)) return numbers[found.indexOf(true)];
  }
}

async function pass() {
  const { token, bits, working, done } = form.dataset;
  news.textContent = working;
  const number = await work(token, Number(bits));
  document.getElementById("proof").value = `${token}:${number}`;
  news.textContent = done;
  form.submit();
}

// Browsers offer crypto.subtle only over https and on the own machine.
if (globalThis.crypto?.subtle) pass();
