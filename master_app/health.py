"""What a load balancer asks: are you alive, and can you work?"""

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpResponse, JsonResponse
from django.utils.deprecation import MiddlewareMixin
from redis import Redis
from redis.exceptions import RedisError

from master_app import leaving


class Health(MiddlewareMixin):
    """Answers before host, https and login are looked at."""

    def process_request(self, request):
        """Answer the two questions; let all others pass."""
        if request.path == '/healthz/':
            return HttpResponse('alive', content_type='text/plain')
        if request.path == '/readyz/':
            found = {'database': database(), 'redis': redis()}
            found['staying'] = leaving.ending is None
            status = 200 if all(found.values()) else 503
            return JsonResponse(found, status=status)


def database():
    """Whether the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute('SELECT 1')
    except DatabaseError:
        return False
    return True


def redis():
    """Whether Redis answers, where the project has one."""
    if not settings.REDIS_URL:
        return True
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=1) as redis:
            return redis.ping()
    except RedisError:
        return False
