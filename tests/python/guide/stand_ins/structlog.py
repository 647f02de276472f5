"""As much of structlog as the guide needs, where it is not installed: events as JSON, which has plain values only."""

import json


class _Logger:
    def info(self, event, **fields):
        print(json.dumps({"event": event, **fields}, allow_nan=False))


def get_logger(*names):
    return _Logger()
