"""The records that flow from configuration to export: frozen, typed, without behaviour or I/O."""
