"""A line of the log: what happened, and the facts of it."""

import json
import logging


class Text(logging.Formatter):
    """For people: the facts stand behind the message."""

    def formatMessage(self, record):
        """Add them."""
        facts = getattr(record, 'facts', {}).items()
        said = super().formatMessage(record)
        return ' '.join([said, *(f'{name}={value}' for name, value in facts)])


class Json(logging.Formatter):
    """For machines: an object a line."""

    def format(self, record):
        """Make one of the record."""
        line = {'at': self.formatTime(record), 'level': record.levelname}
        line |= {'what': record.getMessage(), **getattr(record, 'facts', {})}
        if record.exc_info:
            line['traceback'] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
