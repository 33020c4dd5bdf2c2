"""One probe: one connection, one module per phase, and the pipeline that orders them under one deadline."""
