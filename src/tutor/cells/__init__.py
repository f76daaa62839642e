"""What the cells call as ``tutor.…``, where the magics are not enough.

`sockets` is about WebSockets, `pages` about HTTP, forms and a browser, `crowds` about
many clients at once, `course` about what stands around the steps.
"""
