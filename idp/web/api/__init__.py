"""The administrators' REST API: operations over HTTP."""
