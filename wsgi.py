"""What gunicorn serves: ``gunicorn -c gunicorn.conf.py wsgi:app``."""

from app import create_app
from app.settings import settings_or_exit

app = create_app(settings_or_exit())
