"""What this process counts, for Prometheus and for people."""

from prometheus_client import Counter, Gauge, Histogram

OPEN = Gauge('sockets', 'Sockets that are open.')
CLOSED = Counter('sockets_closed', 'Sockets that were closed.', ['code'])
IN = Counter('messages_in', 'Messages of clients.')
OUT = Counter('messages_out', 'Messages to clients.')
DELIVERY = Histogram('delivery_seconds', 'From the commit to the sockets.')
