import { draw } from './chart.js';
import { Live } from './live.js';

const byId = (id) => document.getElementById(id);
let numbers = [];
let asked = false; // by hand: then the answer is spoken, too

const live = new Live('ws/whole1/', {
  onState(word) {
    byId('state').textContent = word;
  },
  onNumber(number) {
    numbers = [...numbers, number].slice(-100);
    byId('number').textContent = number;
    draw(byId('chart'), numbers);
    if (asked) byId('spoken').textContent = `Number ${number}`;
    asked = false;
  },
});

byId('next').onclick = () => { asked = live.send('next'); };
setInterval(() => {
  if (byId('auto').checked && !document.hidden) live.send('next');
}, 1000);
