"""The doors: HTTP, one package per audience. The only code that knows Flask; no business rule lives here."""
