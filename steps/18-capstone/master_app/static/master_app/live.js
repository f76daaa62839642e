const FIRST = 250; // milliseconds
const LONGEST = 3000;
const ENDED = 4401; // the close code of a session that has ended
const PATIENCE = 3000; // without a message: the heartbeat has stopped

/** A WebSocket to a path relative to the page, opened again when lost. */
export class Live {
  constructor(path, { onState, onMessage, onEnd }) {
    this.url = new URL(path, document.baseURI);
    this.url.protocol = this.url.protocol.replace('http', 'ws');
    this.onState = onState;
    this.onMessage = onMessage;
    this.onEnd = onEnd;
    this.losses = 0;
    this.open();
  }

  open() {
    this.socket = new WebSocket(this.url);
    this.socket.onopen = () => {
      this.onState('connected');
      this.listen();
    };
    this.socket.onmessage = ({ data }) => {
      this.listen();
      this.losses = 0; // not in onopen: a server may accept and drop us
      this.onMessage(JSON.parse(data));
    };
    this.socket.onclose = ({ code }) => {
      clearTimeout(this.silence);
      if (code === ENDED) this.onEnd();
      else this.wait();
    };
  }

  /** A socket that stays silent is left, and another one opened. */
  listen() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      this.socket.onclose = null; // may come a minute later, or never
      this.socket.close();
      this.wait();
    }, PATIENCE);
  }

  wait() {
    clearTimeout(this.silence);
    this.onState('reconnecting');
    const limit = Math.min(FIRST * 2 ** this.losses++, LONGEST);
    const delay = limit * (0.5 + Math.random() / 2);
    this.timer = setTimeout(() => this.open(), delay);
  }

  /** Send a message, if there is a connection; whether there was one. */
  send(message) {
    const open = this.socket.readyState === WebSocket.OPEN;
    if (open) this.socket.send(JSON.stringify(message));
    return open;
  }
}
