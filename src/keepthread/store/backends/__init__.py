"""How work reaches one engine. The only room that imports a driver."""
