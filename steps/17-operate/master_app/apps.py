from django.apps import AppConfig


class MasterAppConfig(AppConfig):
    default_auto_field = 'django.db.models.BigAutoField'
    name = 'master_app'

    def ready(self):
        """Hear of logouts and of saved users, in every process."""
        from master_app import sessions  # noqa: F401
