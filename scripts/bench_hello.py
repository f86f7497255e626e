"""The yardstick: a bare Flask app that says hello, served by the same gunicorn settings as the house."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello() -> str:
    """The least a Flask app can do."""
    return "hello"
