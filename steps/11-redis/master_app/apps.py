from django.apps import AppConfig


class MasterAppConfig(AppConfig):
    default_auto_field = 'django.db.models.BigAutoField'
    name = 'master_app'
