"""From what is known to what is read: metrics, the JSON document, the status page, the terminal. Pure."""
