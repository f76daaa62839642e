import { draw } from './chart.js';
import { Live } from './live.js';

const byId = (id) => document.getElementById(id);
let readings = []; // the newest 100, by their ids
let welcome = false; // what comes before it comes again, in order
let last = 0; // what has a higher id is live
let heard = 0; // of those
let mine = null; // published here by hand: spoken when it comes back

const live = new Live('ws/readings/', {
  onState(word) {
    byId('state').textContent = word;
    if (word === 'connected') sayHello();
    if (word === 'reconnecting') askWhy();
  },
  onEnd: () => location.reload(),
  onMessage({ type, id, value, here, last: newest }) {
    if (type === 'heartbeat') byId('here').textContent = `${here} here`;
    if (type === 'welcome') [welcome, last] = [true, newest];
    if (type !== 'reading' || !welcome) return;
    if (id > last && ++heard % 20 === 0) live.send({ type: 'ack', id });
    if (readings.some((known) => known.id === id)) return;
    readings = [...readings, { id, value }];
    readings = readings.sort((a, b) => a.id - b.id).slice(-100);
    byId('number').textContent = readings.at(-1).value;
    draw(byId('chart'), readings.map((known) => known.value));
    if (value !== mine) return;
    byId('spoken').textContent = `Number ${value}`;
    mine = null;
  },
});

/** Say which reading is the newest that we know. */
function sayHello() {
  welcome = false;
  live.send({ type: 'hello', after: readings.at(-1)?.id ?? 0 });
}

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
