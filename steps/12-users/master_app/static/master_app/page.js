import { draw } from './chart.js';
import { Live } from './live.js';

const byId = (id) => document.getElementById(id);
let numbers = [];
let last = 0; // the id of the newest reading we know
let mine = null; // published here by hand: spoken when it comes back

const live = new Live('ws/readings/', {
  onState(word) {
    byId('state').textContent = word;
    if (word === 'connected') live.send({ type: 'hello', after: last });
    if (word === 'reconnecting') askWhy();
  },
  onEnd: () => location.reload(),
  onMessage({ type, id, value, here }) {
    if (type === 'heartbeat') byId('here').textContent = `${here} here`;
    if (type !== 'reading') return;
    last = id;
    numbers = [...numbers, value].slice(-100);
    byId('number').textContent = value;
    draw(byId('chart'), numbers);
    if (value !== mine) return;
    byId('spoken').textContent = `Number ${value}`;
    mine = null;
  },
});

/** A 403 looks like a lost server, so ask for the page: is it the login? */
async function askWhy() {
  const answer = await fetch('', { method: 'HEAD' }).catch(() => null);
  if (answer?.redirected) location.reload();
}

/** Publish a number from 0 to 100; the number, or null without connection. */
function publish() {
  const value = Math.floor(Math.random() * 101);
  return live.send({ type: 'publish', value }) ? value : null;
}

byId('next').onclick = () => { mine = publish(); };
setInterval(() => {
  if (byId('auto').checked && !document.hidden) publish();
}, 1000);
