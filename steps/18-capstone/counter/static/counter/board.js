import { Live } from '../master_app/live.js';

const SEEN = 20; // after so many calls we say that we have them
const byId = (id) => document.getElementById(id);
const calls = new Map(); // by id: what comes twice counts once
let newest = 0;

const live = new Live('../ws/counter/', {
  onState(word) {
    byId('state').textContent = word;
    if (word === 'connected') live.send({ type: 'since', call: newest });
    if (word === 'reconnecting') askWhy();
  },
  onEnd: () => location.reload(),
  onMessage({ type, call }) {
    if (type !== 'call' || calls.has(call.id)) return;
    calls.set(call.id, call);
    if (calls.size % SEEN === 0) live.send({ type: 'seen', call: call.id });
    show(call.id > newest);
  },
});

/** Show the newest call, those before it, and how busy each desk was. */
function show(isNew) {
  const sorted = [...calls.values()].sort((a, b) => b.id - a.id);
  const [now, ...before] = sorted;
  newest = now.id;
  byId('ticket').textContent = now.ticket;
  byId('desk').textContent = `Desk ${now.desk}`;
  if (isNew) again(byId('now'), 'new');
  byId('before').replaceChildren(...before.slice(0, 5).map((call) => {
    const line = document.createElement('li');
    line.innerHTML = `<b>${call.ticket}</b> <span>Desk ${call.desk}</span>`;
    return line;
  }));
  const counts = desks.map(({ dataset: { desk } }) => sorted.filter(
    (call) => call.desk === Number(desk),
  ).length);
  desks.forEach((line, at) => {
    line.querySelector('meter').max = Math.max(...counts);
    line.querySelector('meter').value = counts[at];
    line.querySelector('output').textContent = counts[at];
  });
}

/** Let an animation begin anew. */
function again(element, name) {
  element.classList.remove(name);
  element.getBoundingClientRect();
  element.classList.add(name);
}

/** A 403 looks like a lost server, so ask for the page: is it the login? */
async function askWhy() {
  const answer = await fetch('', { method: 'HEAD' }).catch(() => null);
  if (answer?.redirected) location.reload();
}

const desks = [...document.querySelectorAll('[data-desk]')];
for (const line of desks) {
  line.querySelector('button')?.addEventListener('click', () => {
    live.send({ type: 'next', desk: Number(line.dataset.desk) });
  });
}
