"""A relying party to try the identity provider with: "Sign in", and every token explained.

It is a stranger to the rest of `idp`: it imports nothing of it and knows only what any client is told – an issuer, a
client id and a secret. `python -m idp.demo` runs it as a process of its own; `app.create_app` is the web application.
"""
