"""From a YAML file, the environment and the files they name to `Broker` records, or every error with its line.

The only package that reads configuration; nothing here probes. `load` and what it imports need pydantic, so import
them where a configuration is really loaded.
"""
