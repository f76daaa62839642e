"""The client of the cells: the ``websockets`` library, with a transcript.

``→`` is what the client sends, ``←`` what comes back.  Every wait has a limit.

`handshake` opens a WebSocket or is refused, `conversation` is what passes over it,
`request` asks for a page, `delays` sees how long a server lets its clients wait.
"""

from tutor.client.conversation import LIMIT as LIMIT
from tutor.client.conversation import Silence as Silence
from tutor.client.conversation import Talk as Talk
from tutor.client.conversation import at_once as at_once
from tutor.client.delays import left as left
from tutor.client.delays import waits as waits
from tutor.client.handshake import OWN as OWN
from tutor.client.handshake import _open as _open
from tutor.client.handshake import cookie as cookie
from tutor.client.handshake import knock as knock
from tutor.client.handshake import talk as talk
from tutor.client.request import get as get
from tutor.wording import in_words as in_words
